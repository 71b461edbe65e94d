package testkit

import (
	"slices"
	"sync"
	"time"
)

// Eye watches a synthetic stream as a decoder would: a frame is shown when all
// its packets came and it is a key frame or follows the frame shown last. It is
// safe for concurrent use.
type Eye struct {
	mu      sync.Mutex
	partial map[uint32]*partialFrame
	last    uint32
	any     bool
	shown   int
	keys    int
	lastAt  time.Time
	longest time.Duration
	firstAt time.Time
	history []Showing     // the newest maxShowings
	changed chan struct{} // capacity 1
}

type partialFrame struct {
	mark
	got map[int]bool
}

// NewEye makes an Eye that has seen nothing.
func NewEye() *Eye {
	return &Eye{partial: make(map[uint32]*partialFrame), changed: make(chan struct{}, 1)}
}

// Packet shows one RTP payload to the eye.
func (e *Eye) Packet(now time.Time, payload []byte) {
	m, ok := readMark(payload)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.partial[m.frame]
	if f == nil {
		f = &partialFrame{mark: m, got: make(map[int]bool)}
		e.partial[m.frame] = f
	}
	f.got[m.index] = true
	e.show(now)
}

// show shows every frame that can be shown now, in order.
func (e *Eye) show(now time.Time) {
	for {
		f := e.next()
		if f == nil {
			return
		}
		e.present(now, f)
	}
}

// next returns a complete frame that continues the stream, or a complete newer
// key frame.
func (e *Eye) next() *partialFrame {
	if f := e.partial[e.last+1]; e.any && f != nil && len(f.got) == f.count {
		return f
	}
	for _, f := range e.partial {
		if f.key && len(f.got) == f.count && (!e.any || f.frame > e.last) {
			return f
		}
	}
	return nil
}

func (e *Eye) present(now time.Time, f *partialFrame) {
	if e.any {
		e.longest = max(e.longest, now.Sub(e.lastAt))
	} else {
		e.firstAt = now
	}
	e.any, e.last, e.lastAt = true, f.frame, now
	e.shown++
	if len(e.history) < maxShowings {
		e.history = append(e.history, Showing{f.frame, now})
	}
	if f.key {
		e.keys++
	}
	for frame := range e.partial {
		if frame <= f.frame {
			delete(e.partial, frame)
		}
	}
	select {
	case e.changed <- struct{}{}:
	default: // whoever waits is going to look anyway
	}
}

// Seen is what an Eye has seen.
type Seen struct {
	// Frames and KeyFrames were shown; Last is the number of the newest.
	Frames, KeyFrames int
	Last              uint32
	// LongestFreeze is the longest time between two frames shown.
	LongestFreeze time.Duration
	// First and Newest are when the first and the newest frame were shown.
	First, Newest time.Time
}

// Seen returns what was seen so far.
func (e *Eye) Seen() Seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Seen{Frames: e.shown, KeyFrames: e.keys, Last: e.last, LongestFreeze: e.longest, First: e.firstAt, Newest: e.lastAt}
}

// Showing is a frame and when it was shown.
type Showing struct {
	Frame uint32
	At    time.Time
}

const maxShowings = 100_000

// Showings are the frames shown, in order, the first hundred thousand.
func (e *Eye) Showings() []Showing {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.history)
}

// Reset forgets the freezes seen so far, but not the stream.
func (e *Eye) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.longest, e.shown, e.keys = 0, 0, 0
}

// stuckSince returns how long nothing could be shown although packets came.
func (e *Eye) stuckSince(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.partial) == 0 || !e.any {
		return 0
	}
	return now.Sub(e.lastAt)
}
