package conformance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// watch is what a scripted viewer sees. It is safe for concurrent use.
type watch struct {
	mu      sync.Mutex
	streams map[string]*stream // by kind
	ledger  *ledger            // nil unless the script has one
}

// stream is one track as it arrived.
type stream struct {
	ssrc          uint32
	payloadType   uint8
	packets, keys int
	// jumps counts numbers that do not continue the stream at all, backwards
	// timestamps that went back by more than reordering explains.
	jumps, backwards int
	firstAt, lastAt  time.Time
	longest          time.Duration
	seq              uint16
	timestamp        uint32
	// rid is the layer whose parameter sets came last, of the kit's own publisher.
	rid string
	// log is all of it, in the order it came.
	log []arrival
}

// play asks for the tracks and watches them.
func (p *peer) play() error {
	p.watch = &watch{streams: make(map[string]*stream), ledger: p.script.ledger}
	p.pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		if p.watch.ledger != nil {
			go p.watch.ledger.listen(receiver) // ends with the connection
		}
		p.watch.read(track)
	})
	recvonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	if !p.script.noAudio {
		if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, recvonly); err != nil {
			return err
		}
	}
	if !p.script.noVideo {
		if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, recvonly); err != nil {
			return err
		}
	}
	return nil
}

// read runs in the stack's goroutine for the track, which ends with the
// connection.
func (w *watch) read(track *webrtc.TrackRemote) {
	s := &stream{ssrc: uint32(track.SSRC())}
	w.mu.Lock()
	w.streams[track.Kind().String()] = s
	w.mu.Unlock()
	for {
		packet, about, err := track.ReadRTP()
		if err != nil {
			return
		}
		w.mu.Lock()
		s.note(packet, about.Get(webrtc.AttributeRtxSsrc) != nil)
		s.take(time.Now(), packet.SequenceNumber, packet.Timestamp, packet.PayloadType, packet.Payload)
		w.mu.Unlock()
		if w.ledger != nil {
			w.ledger.take(track.Kind(), packet)
		}
	}
}

func (s *stream) take(now time.Time, seq uint16, timestamp uint32, payloadType uint8, payload []byte) {
	if s.packets == 0 {
		s.firstAt = now
	} else {
		s.longest = max(s.longest, now.Sub(s.lastAt))
		const far = 2000
		if step := int16(seq - s.seq); step > far || step < -far {
			s.jumps++
		}
		// A packet that was repaired late is older in number too.
		if int16(seq-s.seq) > 0 && int32(timestamp-s.timestamp) < -90_000 {
			s.backwards++
		}
	}
	s.packets++
	s.lastAt, s.seq, s.timestamp, s.payloadType = now, seq, timestamp, payloadType
	if startsKeyFrame(payload) {
		s.keys++
	}
	if sps := parameterSet(payload); sps != nil {
		s.rid = ridOf(sps)
	}
}

// startsKeyFrame recognises what a decoder can begin with in H.264: parameter
// sets or an IDR slice, alone, aggregated or in a first fragment.
func startsKeyFrame(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch t := b[0] & 0x1f; t {
	case 5, 7:
		return true
	case 24:
		return b[3]&0x1f == 7 || b[3]&0x1f == 5
	case 28:
		return b[1]&0x80 != 0 && b[1]&0x1f == 5
	}
	return false
}

// seen is a copy of what arrived of a kind.
func (w *watch) seen(kind string) stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.streams[kind]; s != nil {
		return *s
	}
	return stream{}
}

// forget starts the longest gap anew.
func (w *watch) forget(kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.streams[kind]; s != nil {
		s.longest = 0
	}
}

// shows waits until a picture can be decoded and n more packets came.
func (w *watch) shows(ctx context.Context, limit time.Duration, n int) error {
	start := w.seen("video").packets
	err := eventually(ctx, limit, func() (bool, error) {
		s := w.seen("video")
		return s.keys > 0 && s.packets >= start+n, nil
	})
	if err != nil {
		s := w.seen("video")
		return fmt.Errorf("no picture in %v: %d packets, %d key frames", limit, s.packets-start, s.keys)
	}
	return nil
}
