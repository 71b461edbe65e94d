package testkit

import (
	"slices"
	"sync"
	"time"
)

// Eye watches a synthetic stream as a decoder would: a frame is shown when all
// its packets came and it is a key frame or follows the frame of the same layer
// that was shown last. It is safe for concurrent use.
type Eye struct {
	mu      sync.Mutex
	partial map[frameName]*partialFrame
	shown   frameName
	shownAt int64 // position of its first packet
	any     bool
	opened  time.Time // the first packet came
	seen    Seen
	order   order
	history []Showing     // the newest maxShowings
	changed chan struct{} // capacity 1
}

// frameName tells a frame from all others.
type frameName struct {
	layer  int
	number uint32
}

type partialFrame struct {
	mark
	first     int64 // position of the first of its packets
	timestamp uint32
	got       map[int]bool
}

// NewEye makes an Eye that has seen nothing.
func NewEye() *Eye {
	return &Eye{partial: make(map[frameName]*partialFrame), changed: make(chan struct{}, 1)}
}

// Packet shows one RTP payload to the eye. seq is its extended sequence number.
func (e *Eye) Packet(now time.Time, seq int64, timestamp uint32, payload []byte) {
	m, ok := readMark(payload)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opened.IsZero() {
		e.opened = now
	}
	e.order.packet(seq, timestamp, m, ok, &e.seen)
	name := frameName{m.layer, m.frame}
	if !ok || e.any && m.layer != e.shown.layer && seq < e.shownAt && seq > e.shownAt-orderWindow {
		return // of a layer that was left
	}
	f := e.partial[name]
	if f == nil {
		f = &partialFrame{mark: m, first: seq, timestamp: timestamp, got: make(map[int]bool)}
		e.partial[name] = f
	}
	f.got[m.index] = true
	f.first = min(f.first, seq)
	for f := e.next(); f != nil; f = e.next() {
		e.present(now, f)
	}
}

// next returns a complete frame that continues the stream, or a complete newer
// key frame.
func (e *Eye) next() *partialFrame {
	if f := e.partial[frameName{e.shown.layer, e.shown.number + 1}]; e.any && f != nil && len(f.got) == f.count {
		return f
	}
	for _, f := range e.partial {
		if f.key && len(f.got) == f.count && (!e.any || f.layer != e.shown.layer || f.frame > e.shown.number) {
			return f
		}
	}
	return nil
}

func (e *Eye) present(now time.Time, f *partialFrame) {
	s := &e.seen
	if e.any {
		s.LongestFreeze = max(s.LongestFreeze, now.Sub(s.Newest))
	} else {
		s.First = now
	}
	if e.any && f.layer != e.shown.layer {
		s.Switches++
	}
	e.any, e.shown, e.shownAt = true, frameName{f.layer, f.frame}, f.first
	s.Layer, s.Last, s.Newest = f.layer, f.frame, now
	s.Frames++
	if len(e.history) < maxShowings {
		e.history = append(e.history, Showing{f.frame, f.layer, f.timestamp, now})
	}
	if f.key {
		s.KeyFrames++
	}
	for name, other := range e.partial {
		if other.layer == f.layer && name.number <= f.frame || other.layer != f.layer && other.first < f.first {
			delete(e.partial, name)
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
	// Layer is the layer of simulcast the newest was of; Switches counts how often
	// it was another one than before.
	Layer, Switches int
	// Mixed counts packets that no decoder can use where they stand: a frame of two
	// layers, or another layer that begins without a key frame. Backwards counts
	// steps of the timestamp back, or frames of one timestamp.
	Mixed, Backwards int
	// LongestFreeze is the longest time between two frames shown.
	LongestFreeze time.Duration
	// First and Newest are when the first and the newest frame were shown.
	First, Newest time.Time
}

// Seen returns what was seen so far.
func (e *Eye) Seen() Seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen
}

// Showing is a frame and when it was shown.
type Showing struct {
	Frame uint32
	// Layer is that of simulcast, Timestamp the one it came with.
	Layer     int
	Timestamp uint32
	At        time.Time
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
	e.seen.LongestFreeze, e.seen.Frames, e.seen.KeyFrames, e.seen.Switches = 0, 0, 0, 0
}

// Forget forgets the stream too: the next key frame is the first of a new one.
func (e *Eye) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.partial, e.any, e.opened = make(map[frameName]*partialFrame), false, time.Time{}
	e.seen, e.order, e.history = Seen{}, order{}, nil
}

// stuckSince returns how long nothing could be shown although packets came.
func (e *Eye) stuckSince(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case len(e.partial) == 0:
		return 0
	case !e.any:
		return now.Sub(e.opened)
	}
	return now.Sub(e.seen.Newest)
}
