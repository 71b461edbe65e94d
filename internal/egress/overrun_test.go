package egress

import (
	"encoding/binary"
	"testing"
	"time"
)

// hall is a worker with viewers each packet of which costs time, and a publisher of
// 30 frames a second and sound, in the time of that worker.
type hall struct {
	*slowWorker
	src          *source
	begun        time.Time
	cost         time.Duration // of a packet
	frame, sound time.Time     // when the next is due
	frames       int
	sounds       int           // sent by the publisher
	took         [2]int        // pictures and sounds that went out
	oldest       time.Duration // of what went out
	heard        time.Duration // the same of sound
}

func newHall(t *testing.T, viewers int) *hall {
	t.Helper()
	h := &hall{src: newSource(t)}
	h.begun = h.src.now.Truncate(time.Millisecond)
	h.slowWorker, h.frame, h.sound = newSlowWorker(h.begun), h.begun, h.begun
	for range viewers {
		line := new(Line)
		line.UseStack(Stack{RTP: h.take, RTCP: func([]byte) error { return nil }})
		h.add(t, h.src, line)
	}
	return h
}

// take is the way of every packet: it takes a while, and sees how late it is.
func (h *hall) take(b []byte) error {
	h.at = h.at.Add(h.cost)
	payload := b[len(b)-4:]
	late := h.at.Sub(h.begun.Add(time.Duration(binary.BigEndian.Uint32(payload)) * time.Millisecond))
	if b[1]&0x7f == 63 {
		h.took[1]++
		h.heard = max(h.heard, late)
	} else {
		h.took[0]++
		h.oldest = max(h.oldest, late)
	}
	return nil
}

// publish sends what was due in the meantime.
func (h *hall) publish() {
	stamp := func(at time.Time, head ...byte) []byte {
		h.src.now = at.Add(-time.Millisecond) // send lets it pass
		return binary.BigEndian.AppendUint32(head, uint32(at.Sub(h.begun)/time.Millisecond))
	}
	for !h.frame.After(h.at) || !h.sound.After(h.at) {
		if h.sound.Before(h.frame) {
			h.src.send(2, 111, stamp(h.sound, 0xfc))
			h.sound = h.sound.Add(20 * time.Millisecond)
			h.sounds++
			continue
		}
		head := []byte{0x41, 0x9a}
		if h.frames%15 == 0 {
			head = []byte{0x78, 0, 2, 0x67, 0x42, 0, 7, 0x65, 0x88, 0x80}
		}
		h.src.send(1, 96, stamp(h.frame, head...))
		h.frame = h.frame.Add(33 * time.Millisecond)
		h.frames++
	}
}

// run works for d, one round after the other.
func (h *hall) run(d time.Duration) {
	for end := h.at.Add(d); h.at.Before(end); {
		h.publish()
		before := h.at
		h.round(&h.work, time.Time{})
		if !h.at.After(before) {
			h.at = before.Add(time.Millisecond)
		}
	}
}

// TestDelayStaysBoundedHoweverSlowARoundIs: what a worker finds waiting may take it
// seconds. What is too late by the time it comes to it is dropped as well.
func TestDelayStaysBoundedHoweverSlowARoundIs(t *testing.T) {
	const viewers = 20
	h := newHall(t, viewers)
	h.run(5 * time.Second)
	if h.load.saturated(h.at) || h.inbox.shed != 0 {
		t.Fatal("saturated by nothing")
	}
	h.cost = 700 * time.Microsecond // sound alone takes 0.7 of the time, pictures 0.42
	h.oldest, h.heard = 0, 0
	sounds, took := h.sounds, h.took
	h.run(30 * time.Second)
	round := viewers * h.cost
	t.Logf("pictures up to %v late, sound %v; %d of %d frames", h.oldest, h.heard, (h.took[0]-took[0])/viewers, 30*30)
	if most := h.maxDelay + round; h.oldest > most {
		t.Errorf("a picture was sent %v late, want at most %v", h.oldest, most)
	}
	if most := soundDelay*h.maxDelay + round; h.heard > most {
		t.Errorf("sound was sent %v late, want at most %v", h.heard, most)
	}
	h.publish()
	h.round(&h.work, time.Time{})
	if got, want := h.took[1]-took[1], (h.sounds-sounds)*viewers; got != want {
		t.Errorf("%d sounds went out, want all %d", got, want)
	}
	if !h.load.saturated(h.at) {
		t.Error("not saturated")
	}
	h.cost = 0
	h.run(5 * time.Second)
	if h.load.saturated(h.at) {
		t.Error("saturated for ever")
	}
}

// TestDelayStaysBoundedWhenEvenSoundIsTooMuch.
func TestDelayStaysBoundedWhenEvenSoundIsTooMuch(t *testing.T) {
	const viewers = 50
	h := newHall(t, viewers)
	h.cost = 2 * time.Millisecond
	h.run(60 * time.Second)
	round := viewers * h.cost
	if h.oldest > h.maxDelay+round || h.heard > soundDelay*h.maxDelay+round {
		t.Errorf("pictures up to %v late, sound up to %v", h.oldest, h.heard)
	}
	if n := len(h.inbox.pending.bursts); n > 4096 {
		t.Errorf("%d bursts wait", n)
	}
}
