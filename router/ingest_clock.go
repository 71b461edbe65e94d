package router

import (
	"encoding/binary"
	"time"
)

// knots is how many moments of a stream's timeline are remembered.
const knots = 64

// knot is one moment of a stream's timeline.
type knot struct {
	ticks   int64
	capture time.Duration
}

// streamClock gives the packets of one SSRC their capture time on the gateway's
// clock. Capture never runs against the RTP timestamps, is never after the arrival
// and never more than maxCaptureAge before it.
type streamClock struct {
	bases *timebases
	rate  uint32

	base  *timebase // nil before the first packet
	ticks int64     // newest timestamp, as the base extends it

	// contradicted counts reports that contradicted those before them.
	contradicted uint64

	knots [knots]knot
	count int
}

// end leaves the timebase to others.
func (c *streamClock) end() {
	if c.base != nil {
		c.bases.release(c.base)
		c.base = nil
	}
}

// report takes a sender report of this SSRC.
func (c *streamClock) report(now time.Duration, ntp uint64, stamp uint32) {
	if c.base != nil && c.base.report(now, ntp, stamp) {
		c.contradicted++
	}
}

// translate converts the value of abs-capture-time, on the publisher's clock, to
// an NTP time on the gateway's. Without a usable value it is capture's.
func (c *streamClock) translate(born time.Time, capture time.Duration, value []byte) uint64 {
	if c.bases.shared.known && len(value) >= 8 {
		ntp := binary.BigEndian.Uint64(value)
		if len(value) >= 16 { // the capturer's clock is not the sender's
			ntp += binary.BigEndian.Uint64(value[8:])
		}
		if t := ntpDuration(c.bases.shared.zero, ntp) + c.bases.shared.offset; within(t, capture, maxCaptureAge) {
			capture = t
		}
	}
	return gatewayNTP(born.Add(capture))
}

// gatewayNTP is the NTP time of t.
func gatewayNTP(t time.Time) uint64 {
	const epoch = 2208988800 // 1970 in seconds since 1900
	return uint64(t.Unix()+epoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// capture returns when a packet that came at now was captured.
func (c *streamClock) capture(now time.Duration, stamp uint32) time.Duration {
	if c.base != nil {
		ticks := c.base.extend(stamp)
		if ticks <= c.ticks {
			return c.remembered(ticks)
		}
		if c.base.foreign(now, ticks) {
			c.end()
		}
	}
	if c.base == nil {
		c.base, c.count = c.bases.find(now, stamp, c.rate), 0
	}
	return c.newest(now, c.base.extend(stamp))
}

// newest continues the timeline.
func (c *streamClock) newest(now time.Duration, ticks int64) time.Duration {
	at := c.base.newest(now, ticks, c.bases)
	if c.count > 0 {
		at = max(at, c.knots[(c.count-1)%knots].capture)
	}
	c.ticks = ticks
	c.knots[c.count%knots] = knot{ticks: ticks, capture: at}
	c.count++
	return at
}

// remembered places an older timestamp on the timeline.
func (c *streamClock) remembered(ticks int64) time.Duration {
	oldest := max(c.count-knots, 0)
	for i := c.count - 1; i >= oldest; i-- {
		k := c.knots[i%knots]
		if k.ticks > ticks {
			continue
		}
		at := k.capture + durationOf(ticks-k.ticks, c.rate)
		if i+1 < c.count {
			at = min(at, c.knots[(i+1)%knots].capture)
		}
		return at
	}
	k := c.knots[oldest%knots]
	return k.capture - durationOf(k.ticks-ticks, c.rate)
}
