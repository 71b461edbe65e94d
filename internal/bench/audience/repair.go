package audience

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	// reorderWait is how late a packet may be before it is asked for.
	reorderWait = 5 * time.Millisecond
	// askEvery and askTimes are libwebrtc's: it takes the round trip for 100 ms as
	// long as nobody tells it better, and asks ten times.
	askEvery = 100 * time.Millisecond
	askTimes = 10
	// keyPatience is how long libwebrtc waits for a key frame before it asks (again),
	// framePatience how long for any frame, and gone how long after the last packet it
	// still hopes.
	keyPatience   = 200 * time.Millisecond
	framePatience = 3 * time.Second
	gone          = 10 * time.Second
)

// asked is what was asked for of one stream.
type asked struct {
	nacks, plis uint64
	key         time.Time // the last request for a key frame
	waiting     time.Time // since when one is needed; zero if none is
}

// nackDue asks for holes that it is time for; nil for none.
func (s *stream) nackDue(now time.Time) *rtcp.TransportLayerNack {
	if !s.nack || len(s.losses.open) == 0 {
		return nil
	}
	var numbers []uint16
	for i := range s.losses.open {
		if h := &s.losses.open[i]; h.due(now) {
			h.asked = now
			h.times++
			numbers = append(numbers, uint16(h.index))
		}
	}
	if numbers == nil {
		return nil
	}
	s.asked.nacks += uint64(len(numbers))
	return &rtcp.TransportLayerNack{SenderSSRC: ownSSRC, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(numbers)}
}

func (h *hole) due(now time.Time) bool {
	if h.times == 0 {
		return now.Sub(h.noticed) >= reorderWait
	}
	return h.times < askTimes && now.Sub(h.asked) >= askEvery
}

// wantsKeyFrame reports whether to ask for a key frame now, and notes that it was.
func (s *stream) wantsKeyFrame(now time.Time) bool {
	if !s.video || s.rtx || !s.pli || !s.keyFrameDue(now) {
		return false
	}
	s.asked.key = now
	s.asked.plis++
	return true
}

// keyFrameDue follows libwebrtc: at once after a loss that cannot be repaired, else
// when a key frame or any frame takes too long.
func (s *stream) keyFrameDue(now time.Time) bool {
	f := &s.frames
	needed := f.needKey || f.keyOpen
	if !needed {
		s.asked.waiting = time.Time{}
	} else if s.asked.waiting.IsZero() {
		s.asked.waiting = now
	}
	switch {
	case now.Sub(s.heard) >= gone:
		return false
	case !needed:
		return now.Sub(f.shownAt) >= framePatience && now.Sub(s.asked.key) >= framePatience
	case now.Sub(s.asked.key) < keyPatience:
		return false
	case !f.needKey:
		return now.Sub(f.keyAt) >= keyPatience // it has begun and does not end
	default:
		return !f.first.IsZero() || now.Sub(s.asked.waiting) >= keyPatience
	}
}
