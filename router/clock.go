package router

import (
	"sync"
	"time"
)

const (
	// slewPerSecond is how fast a clock is corrected (M-073); slewAtFirst while a
	// stream is young, when what was assumed before its first sender report turns
	// out to be wrong by an encoder's delay.
	slewPerSecond = 5 * time.Millisecond
	slewAtFirst   = 50 * time.Millisecond
	youth         = 10 * time.Second
	// stepAbove is the error that is corrected at once.
	stepAbove = 500 * time.Millisecond
	// minimumWindow is how long a smallest delay is believed.
	minimumWindow = 5 * time.Second
	// reportSkew bounds the distance of a sender report's RTP time from the
	// stream's own (Q-OBS-10), reportDrift the distance from what the reports
	// before it said; a larger one must be said twice.
	reportSkew  = 5 * time.Second
	reportDrift = 100 * time.Millisecond
	// clockStep is a change of the publisher's clock that must be said twice.
	clockStep = 2 * time.Second
	// maxCaptureAge bounds how far before its arrival media can have been captured.
	maxCaptureAge = 10 * time.Second
)

// SourceClock relates the clock of one publication's publisher to the gateway's.
// The audio and the video track of a publication share one, so that lip sync
// within a publication is exact. The zero value is ready; each publisher starts
// it anew.
type SourceClock struct {
	mu      sync.Mutex
	owner   *Ingest
	current *publisherClock
}

// NewSourceClock makes the clock of one publication.
func NewSourceClock() *SourceClock { return &SourceClock{} }

// begin returns the clock of one publisher, the same for all its tracks.
func (c *SourceClock) begin(owner *Ingest) *publisherClock {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owner != owner {
		c.owner, c.current = owner, &publisherClock{}
	}
	return c.current
}

// smallest is the minimum over at least the last window, at most the last three.
type smallest struct {
	current, previous       time.Duration
	hasCurrent, hasPrevious bool
	since                   time.Duration // start of the current window
}

func (m *smallest) add(at, d time.Duration) {
	switch age := at - m.since; {
	case age >= 2*minimumWindow:
		*m = smallest{since: at}
	case age >= minimumWindow:
		*m = smallest{previous: m.current, hasPrevious: m.hasCurrent, since: at}
	}
	if !m.hasCurrent || d < m.current {
		m.current, m.hasCurrent = d, true
	}
}

func (m *smallest) value() time.Duration {
	if m.hasPrevious && (!m.hasCurrent || m.previous < m.current) {
		return m.previous
	}
	return m.current
}

// slew moves a towards b by at most rate for each second of elapsed, and at once
// when they are far apart.
func slew(a, b, elapsed, rate time.Duration) time.Duration {
	if d := b - a; d > stepAbove || d < -stepAbove {
		return b
	}
	most := time.Duration(float64(rate) * max(elapsed, 0).Seconds())
	return a + min(max(b-a, -most), most)
}

// publisherClock is the offset from one publisher's NTP clock to the gateway's:
// the smallest delay seen lately, slewed. Times of both are durations since
// their own zero. The Ingest's lock guards it.
type publisherClock struct {
	known  bool
	zero   uint64        // NTP time that is 0 here
	offset time.Duration // gateway's minus publisher's
	delay  smallest
	at     time.Duration // when offset was last moved
	born   time.Duration

	stepping   bool          // the last report said the clock had been set
	stepOffset time.Duration // to what
}

// ntpDuration is b-a of two NTP times (RFC 5905 section 6), right within 68
// years.
func ntpDuration(a, b uint64) time.Duration {
	d := int64(b - a)
	return time.Duration(d>>32)*time.Second + time.Duration((d&0xffffffff)*int64(time.Second)>>32)
}

// time converts an NTP time of a report that came at now to this clock's time.
// The first one starts the clock.
func (c *publisherClock) time(now time.Duration, ntp uint64) time.Duration {
	if !c.known {
		*c = publisherClock{known: true, zero: ntp, offset: now, at: now, born: now}
	}
	return ntpDuration(c.zero, ntp)
}

// step takes a time that contradicts the offset. When it has been said twice,
// the publisher's clock was set: its zero is shifted, so that what the streams
// know stays true, and the shifted time returned.
func (c *publisherClock) step(now, t time.Duration) (shifted time.Duration, ok bool) {
	offset := now - t
	if !c.stepping || !within(offset, c.stepOffset, clockStep/10) {
		c.stepping, c.stepOffset = true, offset
		return 0, false
	}
	c.stepping = false
	shift := offset - c.offset
	c.zero -= ntpUnits(shift)
	return t + shift, true
}

// ntpUnits converts a duration to NTP units of 2^-32 s.
func ntpUnits(d time.Duration) uint64 {
	s, rest := int64(d/time.Second), int64(d%time.Second)
	return uint64(s<<32 + rest<<32/int64(time.Second))
}

func within(a, b, bound time.Duration) bool {
	d := a - b
	return d <= bound && d >= -bound
}

// media takes the publisher's time of media that came at now.
func (c *publisherClock) media(now, t time.Duration) {
	if offset := now - t; within(offset, c.offset, maxCaptureAge) {
		c.delay.add(now, offset)
	}
}

// gateway converts the publisher's time to the gateway's.
func (c *publisherClock) gateway(now, t time.Duration) time.Duration {
	rate := slewPerSecond
	if now-c.born < youth {
		rate = slewAtFirst
	}
	if c.delay.hasCurrent || c.delay.hasPrevious {
		c.offset = slew(c.offset, c.delay.value(), now-c.at, rate)
	}
	c.at = now
	return t + c.offset
}
