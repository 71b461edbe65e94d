package session

import (
	"time"

	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// How far a publisher may go beyond its cap (docs/decisions/0036). Both measures are
// averages: what was not used is saved up, for as much as capPatience of it.
const (
	// mediaMargin is for encoders that do not hit their aim: of media, without
	// retransmissions, duplicates, padding and headers.
	mediaMargin = 1.3
	// trafficMargin is for honest repairs and probes: of everything that came.
	trafficMargin = 2
	// capPatience is what forgives key frames, the first seconds, and what a
	// connection that stood still had held back.
	capPatience = 10 * time.Second
)

// capVerdict is what a capWatch says.
type capVerdict int

const (
	capKept capVerdict = iota
	// capWarned is said once each time that half of the patience is used up.
	capWarned
	// capKeptAgain is said once when the publisher has made up for what it was warned
	// of.
	capKeptAgain
	capBroken
)

// capWatch finds out whether a publisher keeps its cap. It is pure: time and
// counters come in. Not safe for concurrent use.
type capWatch struct {
	most           int // bits per second
	media, traffic measure
	warned         bool
}

func newCapWatch(most int) *capWatch {
	return &capWatch{most: most, media: newMeasure(most, mediaMargin), traffic: newMeasure(most, trafficMargin)}
}

// see takes what came so far, in bytes that only grow: usable media, and everything.
// over is about how many bits per second too much comes with, and for how long; it
// is zero with capKept and capKeptAgain.
func (w *capWatch) see(now time.Time, media, traffic uint64) (v capVerdict, over excess) {
	w.media.see(now, media)
	w.traffic.see(now, traffic)
	worse := &w.media
	if w.traffic.left() < w.media.left() {
		worse = &w.traffic
	}
	switch left := worse.left(); {
	case left < 0:
		return capBroken, worse.excess(now)
	case left < 0.5 && !w.warned:
		w.warned = true
		return capWarned, worse.excess(now)
	case left == 1 && w.warned:
		w.warned = false
		return capKeptAgain, excess{}
	}
	return capKept, excess{}
}

// excess is what a publisher sends that does not keep its cap.
type excess struct {
	bits int // per second
	span time.Duration
}

// measure is a bucket of bits that fills at the allowed rate.
type measure struct {
	rate, depth, have float64 // bits per second; bits
	bytes             uint64  // seen so far
	at                time.Time
	// fullAt and fullBytes are from when the bucket was full last: the excess began
	// then.
	fullAt    time.Time
	fullBytes uint64
}

func newMeasure(most int, margin float64) measure {
	rate := float64(most) * margin
	depth := rate * capPatience.Seconds()
	return measure{rate: rate, depth: depth, have: depth}
}

func (m *measure) see(now time.Time, bytes uint64) {
	if !m.at.IsZero() {
		m.have = min(m.have+m.rate*now.Sub(m.at).Seconds()-8*float64(bytes-m.bytes), m.depth)
	}
	m.at, m.bytes = now, bytes
	if m.have == m.depth {
		m.fullAt, m.fullBytes = now, bytes
	}
}

// left is the part of the bucket that is not used up, from below 0 to 1.
func (m *measure) left() float64 { return m.have / m.depth }

func (m *measure) excess(now time.Time) excess {
	span := now.Sub(m.fullAt)
	return excess{bits: int(8 * float64(m.bytes-m.fullBytes) / max(span.Seconds(), 1e-3)), span: span}
}

// overdue looks whether the publisher keeps its cap.
func (p *publishing) overdue(now time.Time) *fault.Error {
	if p.limit == nil {
		return nil
	}
	stats := p.sess.conn.Ingest().Stats()
	verdict, over := p.limit.see(now, stats.Kinds[router.Audio].Bytes+stats.Kinds[router.Video].Bytes, stats.Bytes)
	if verdict == capKept {
		return nil
	}
	p.sess.progress.note(func(f *diagnose.Session) {
		f.Cap.Bits, f.Cap.Span = over.bits, over.span
	})
	if verdict == capKeptAgain {
		return nil
	}
	detail := diagnose.Rate(over.bits) + " for " + over.span.Round(time.Second).String() + ", where " + diagnose.Rate(p.limit.most) + " may be sent"
	if verdict == capBroken {
		return errBitrate.Because("The publisher sent %s; lower the encoder's bit rate, and publish again.", detail)
	}
	p.sess.fact(FactBitrate, detail)
	p.sess.log.Warn("publisher exceeds its cap", "sent", over.bits, "max_bitrate", p.limit.most, "for", over.span)
	return nil
}
