package router

import "time"

// pauseReason says who has stopped a picture. Each lets go of its own only.
type pauseReason uint8

const (
	pausedByAllocator pauseReason = 1 << iota // the path carries less than the lowest layer
	pausedByQueue                             // the only layer has filled the path's queue
)

const (
	// carriedPercent is how much of what sound and the lowest layers take has to be
	// believed for them to be sent: an estimate is 0.85 of what a full path carries.
	carriedPercent = 80
	// pauseAfter is how long they are sent all the same when less is believed: after a
	// probe that failed that is soon mended, and a picture that stands is worse than
	// a short queue.
	pauseAfter = 2 * time.Second
	// shortestPause is how long a picture stays paused at least.
	shortestPause = time.Second
)

// givesUp tells that the picture is not to be sent, since the allocator has nothing
// for its lowest layer. An only layer that the path does not carry is left to its
// queue, which drops pictures to the next key frame; what the viewer does not allow
// is not sent.
func (s *section) givesUp(now time.Time) bool {
	if !s.onlyLayer() {
		return s.tooMuch(now, s.viewer.carries())
	}
	return s.viewer.cfg.MaxBits > 0 && s.tooMuch(now, s.viewer.cfg.MaxBits)
}

// tooMuch tells that sound and the lowest layers take more than the viewer can have,
// and have done so for a while.
func (s *section) tooMuch(now time.Time, carried int) bool {
	v := s.viewer
	if s.refusedAt.IsZero() {
		s.refusedAt = now
	}
	if s.paused&pausedByAllocator != 0 {
		return carried < v.least || v.bwe.Queue(now) > drainedQueue || now.Sub(s.pausedAt) < shortestPause
	}
	if carried*100 >= v.least*carriedPercent {
		s.refusedAt = time.Time{}
		return false
	}
	if now.Sub(s.refusedAt) >= pauseAfter || v.bwe.Queue(now) > floodedQueue {
		return true
	}
	v.allocateAt = earlier(v.allocateAt, s.refusedAt.Add(pauseAfter))
	return false
}

// carries is the estimate, or what the viewer allows if that is less.
func (v *Viewer) carries() int {
	if v.cfg.MaxBits > 0 {
		return min(v.estimate, v.cfg.MaxBits)
	}
	return v.estimate
}

// pause stops the picture because the path does not carry its lowest layer.
func (s *section) pause(now time.Time, out *Out) {
	if s.paused&pausedByAllocator == 0 {
		s.pausedAt = now
	}
	s.stop(now, pausedByAllocator, out)
}

func (s *section) stop(now time.Time, why pauseReason, out *Out) {
	before := s.paused
	s.paused |= why
	if before == 0 && !s.viewer.held {
		s.askAt = time.Time{}
		s.stall(now, out)
	}
}

// unpause lets the picture go on from its next key frame, which is asked for
// within the viewer's allowance (M-026).
func (s *section) unpause(now time.Time, why pauseReason) {
	if s.paused == 0 {
		return
	}
	s.paused &^= why
	if s.paused == 0 && s.target != nil && !s.viewer.held {
		s.mayReplay = false // the past would fill the path at once
		s.askWithin(now, s.target)
	}
}

// hide leaves the section without anything.
func (s *section) hide(now time.Time, out *Out) {
	s.aim(now, nil, out)
	if s.cur != nil {
		s.setCurrent(nil)
	}
}
