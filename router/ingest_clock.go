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
// clock: from sender reports if there are believable ones, else from arrival.
// Capture never runs against the RTP timestamps, is never after the arrival and
// never more than maxCaptureAge before it.
type streamClock struct {
	shared *publisherClock
	rate   uint32

	started bool
	ticks   int64 // newest timestamp, extended
	stamp   uint32
	arrival time.Duration // of it
	at      time.Duration // when lag was last moved

	delay smallest // without reports: arrival minus media time

	last     uint64 // NTP time of the newest report
	mapped   bool
	mappedAt time.Duration
	mapTicks int64
	mapTime  time.Duration // the publisher's, at mapTicks
	doubtful bool          // the last report contradicted
	// contradicted counts reports that contradicted those before them.
	contradicted uint64
	nextTicks    int64
	nextTime     time.Duration

	lag   time.Duration // of the timeline behind what is now believed, slewed away
	knots [knots]knot
	count int
}

func (c *streamClock) extend(stamp uint32) int64 {
	return c.ticks + int64(int32(stamp-c.stamp))
}

// report takes a sender report: the NTP time and the RTP time of one moment.
// Reports that cannot be about this stream are ignored (Q-OBS-10), so is one that
// is handed over more than once: it must not confirm itself.
func (c *streamClock) report(now time.Duration, ntp uint64, stamp uint32) {
	if !c.started || ntp == 0 || ntp == c.last {
		return
	}
	c.last = ntp
	ticks := c.extend(stamp)
	if !within(durationOf(ticks-c.ticks, c.rate), now-c.arrival, reportSkew) {
		return
	}
	t, ok := c.agree(now, ticks, c.shared.time(now, ntp))
	if !ok {
		c.contradicted++
		return
	}
	c.shared.media(now, t)
	before := c.believed(now, c.ticks)
	if !c.mapped {
		c.mapped, c.mappedAt = true, now
	}
	c.mapTicks, c.mapTime = ticks, t
	c.lag += before - c.believed(now, c.ticks)
	if !within(c.lag, 0, stepAbove) {
		c.lag = 0
	}
}

// agree tells whether a report is to be believed, and the publisher's time it
// means: at once when it continues what is known, else when it comes twice.
func (c *streamClock) agree(now time.Duration, ticks int64, t time.Duration) (time.Duration, bool) {
	if c.mapped && within(t, c.publisherTime(ticks), reportDrift) {
		c.doubtful = false
		return t, true
	}
	if !within(now-t, c.shared.offset, clockStep) {
		var ok bool
		if t, ok = c.shared.step(now, t); !ok {
			return 0, false
		}
	}
	if !c.mapped || within(t, c.publisherTime(ticks), reportDrift) {
		return t, true
	}
	agrees := c.doubtful && within(t, c.nextTime+durationOf(ticks-c.nextTicks, c.rate), reportDrift)
	c.doubtful, c.nextTicks, c.nextTime = !agrees, ticks, t
	return t, agrees
}

func (c *streamClock) publisherTime(ticks int64) time.Duration {
	return c.mapTime + durationOf(ticks-c.mapTicks, c.rate)
}

// believed is the capture time of a timestamp by all that is known now.
func (c *streamClock) believed(now time.Duration, ticks int64) time.Duration {
	if c.mapped {
		return c.shared.gateway(now, c.publisherTime(ticks))
	}
	return durationOf(ticks, c.rate) + c.delay.value()
}

// translate converts the value of abs-capture-time, on the publisher's clock, to
// an NTP time on the gateway's. Without a usable value it is capture's.
func (c *streamClock) translate(born time.Time, capture time.Duration, value []byte) uint64 {
	if c.shared.known && len(value) >= 8 {
		ntp := binary.BigEndian.Uint64(value)
		if len(value) >= 16 { // the capturer's clock is not the sender's
			ntp += binary.BigEndian.Uint64(value[8:])
		}
		if t := ntpDuration(c.shared.zero, ntp) + c.shared.offset; within(t, capture, maxCaptureAge) {
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
	if !c.started {
		*c = streamClock{shared: c.shared, rate: c.rate, started: true, ticks: int64(stamp), stamp: stamp, at: now}
		c.newest(now, c.ticks)
		return c.knots[0].capture
	}
	ticks := c.extend(stamp)
	if ticks <= c.ticks {
		return c.remembered(ticks)
	}
	c.ticks, c.stamp = ticks, stamp
	return c.newest(now, ticks)
}

// newest continues the timeline.
func (c *streamClock) newest(now time.Duration, ticks int64) time.Duration {
	c.arrival = now
	c.listen(now, ticks)
	rate := slewPerSecond
	if now-c.mappedAt < youth {
		rate = slewAtFirst
	}
	c.lag = slew(c.lag, 0, now-c.at, rate)
	c.at = now
	at := min(max(c.believed(now, ticks)+c.lag, now-maxCaptureAge), now)
	if c.count > 0 {
		at = max(at, c.knots[(c.count-1)%knots].capture)
	}
	c.knots[c.count%knots] = knot{ticks: ticks, capture: at}
	c.count++
	return at
}

// listen lets the delay of a packet count.
func (c *streamClock) listen(now time.Duration, ticks int64) {
	if c.mapped {
		c.shared.media(now, c.publisherTime(ticks))
		return
	}
	had, before := c.delay.hasCurrent, c.delay.value()
	c.delay.add(now, now-durationOf(ticks, c.rate))
	if had {
		c.lag += before - c.delay.value()
	}
	if !within(c.lag, 0, stepAbove) {
		c.lag = 0
	}
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
