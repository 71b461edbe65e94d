package bwe

import "time"

const (
	// rembKept is how long an estimate of the receiver counts, in microseconds.
	rembKept = 10_000_000
	// limitAfter is how many times in a row a value has to stay the same, although more
	// is sent, to speak against that, and limitAge how long, in microseconds, to be a
	// limit that was set and no estimate.
	limitAfter, limitAge = 3, 15_000_000
)

// remb is what a receiver has said of its path in REMB packets, in bits per second.
type remb struct {
	bound int // 0 if none counts
	at    int64
	last  int
	since int64 // last came first
	same  int   // how often in a row it came while more was sent
	heard bool
}

// REMB takes what the receiver estimates, in bits per second: an upper bound beside
// transport-wide feedback.
//
// Without feedback, more is believed at once. Less is believed if it is less than what
// is sent, and fell to that: what is below may not have risen yet, because a receiver
// cannot estimate much more than it is sent (libwebrtc: 1.5 times and 10 kbit/s). A
// value that does not move although more is sent is a limit.
func (e *Estimator) REMB(now time.Time, bits int) {
	if bits <= 0 {
		return
	}
	t, m := e.at(now), &e.remb
	last := m.last
	if bits != last {
		m.same, m.last, m.since, m.bound = 0, bits, t, 0
	}
	m.at = t
	if !e.deaf(t) {
		m.bound = bits
		return
	}
	if bits < e.rate {
		m.same++
	}
	switch {
	case bits < e.rate && (bits < last || !m.heard || m.same >= limitAfter):
		e.fell(t, bits)
		if m.same >= limitAfter && t-m.since >= limitAge {
			m.bound = bits
		}
	case bits > e.bits:
		e.raise(bits)
		e.known = true
	}
	m.heard = true
}

// fell takes a REMB that tells of a queue. After a step that is taken back it tells of
// that, and what was found good before is believed to be so still.
func (e *Estimator) fell(now int64, bits int) {
	p, trying := &e.reports, e.trying()
	switch {
	case now < p.settledBy:
		return
	case trying:
		bits = max(bits, p.proven)
		p.settledBy = now + settling
	}
	p.fail(now, min(e.rate, e.bits)*triedPercent/100, trying)
	e.lower(bits)
	p.proven = min(p.proven, e.bits)
	e.known = true
}
