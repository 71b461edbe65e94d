package router

import "time"

const (
	// sameBase is how far the timestamps of two layers may differ, in time, to be of
	// one clock; foreignBase how far they must differ not to be any more.
	sameBase    = 500 * time.Millisecond
	foreignBase = 2 * time.Second
	// besides bounds the age of the packet that another one is compared with.
	besides = 200 * time.Millisecond
)

// timebase relates the timestamps of one clock to capture times on the gateway's:
// by sender reports if there are believable ones, else by arrival. Layers of a
// track whose timestamps are of one clock share one, as OBS sends them, so that
// they agree whoever of them is reported on (M-042, Q-OBS-7, Q-OBS-10).
type timebase struct {
	shared *publisherClock
	rate   uint32
	users  int // streams

	ticks   int64 // newest timestamp, extended
	stamp   uint32
	latest  int64         // of the packet that came last
	arrival time.Duration // of it
	at      time.Duration // when lag and behind were last moved

	delay  smallest      // without reports: arrival minus media time
	behind time.Duration // without reports: what other layers' reports say of their delay

	last      uint64 // NTP time of the newest report
	mapped    bool
	mappedAt  time.Duration
	mapTicks  int64
	mapTime   time.Duration // the publisher's, at mapTicks
	doubtful  bool          // the last report contradicted
	nextTicks int64
	nextTime  time.Duration
	aged      smallest // with reports: arrival minus what they say

	lag time.Duration // of the timeline behind what is now believed, slewed away
}

// timebases are those of the layers of one track.
type timebases struct {
	shared *publisherClock
	list   []*timebase
}

// find returns the timebase of a packet that came at now: one whose newest packet
// is of about the same time, else a new one.
func (l *timebases) find(now time.Duration, stamp, rate uint32) *timebase {
	for _, b := range l.list {
		if b.rate == rate && now-b.arrival <= besides && within(b.distance(now, b.extend(stamp)), 0, sameBase) {
			b.users++
			return b
		}
	}
	b := &timebase{shared: l.shared, rate: rate, users: 1, ticks: int64(stamp), stamp: stamp, arrival: now, at: now}
	b.latest = b.ticks
	if behind, _, ok := l.age(now); ok {
		b.behind = behind
	}
	l.list = append(l.list, b)
	return b
}

// release takes a user off; the last one ends the timebase.
func (l *timebases) release(b *timebase) {
	if b.users--; b.users > 0 {
		return
	}
	for i, other := range l.list {
		if other == b {
			l.list = append(l.list[:i], l.list[i+1:]...)
			return
		}
	}
}

// age is how long what other layers' reports tell of took at least from capture to
// arrival; young tells that it is not known for long.
func (l *timebases) age(now time.Duration) (age time.Duration, young, ok bool) {
	for _, b := range l.list {
		if b.mapped && (b.aged.hasCurrent || b.aged.hasPrevious) {
			return min(max(b.aged.value()-l.shared.offset, 0), maxCaptureAge), now-b.mappedAt < youth, true
		}
	}
	return 0, false, false
}

func (b *timebase) extend(stamp uint32) int64 { return b.ticks + int64(int32(stamp-b.stamp)) }

// distance is how much later a timestamp is than the newest packet's, beyond what
// their arrivals differ.
func (b *timebase) distance(now time.Duration, ticks int64) time.Duration {
	return durationOf(ticks-b.latest, b.rate) - (now - b.arrival)
}

// foreign tells that a packet is not of the clock it shares with others any more.
func (b *timebase) foreign(now time.Duration, ticks int64) bool {
	return b.users > 1 && now-b.arrival <= besides && !within(b.distance(now, ticks), 0, foreignBase)
}

// report takes a sender report: the NTP time and the RTP time of one moment.
// Reports that cannot be about this clock are ignored (Q-OBS-10), so is one that
// is handed over more than once: it must not confirm itself.
func (b *timebase) report(now time.Duration, ntp uint64, stamp uint32) (contradicts bool) {
	if ntp == 0 || ntp == b.last {
		return false
	}
	b.last = ntp
	ticks := b.extend(stamp)
	if !within(durationOf(ticks-b.ticks, b.rate), now-b.arrival, reportSkew) {
		return false
	}
	t, ok := b.agree(now, ticks, b.shared.time(now, ntp))
	if !ok {
		return true
	}
	b.shared.media(now, t)
	before := b.believed(now, b.ticks)
	if !b.mapped {
		b.mapped, b.mappedAt = true, now
	}
	b.mapTicks, b.mapTime = ticks, t
	b.fallBehind(before - b.believed(now, b.ticks))
	return false
}

// agree tells whether a report is to be believed, and the publisher's time it
// means: at once when it continues what is known, else when it comes twice.
func (b *timebase) agree(now time.Duration, ticks int64, t time.Duration) (time.Duration, bool) {
	if b.mapped && within(t, b.publisherTime(ticks), reportDrift) {
		b.doubtful = false
		return t, true
	}
	if !within(now-t, b.shared.offset, clockStep) {
		var ok bool
		if t, ok = b.shared.step(now, t); !ok {
			return 0, false
		}
	}
	if !b.mapped || within(t, b.publisherTime(ticks), reportDrift) {
		return t, true
	}
	agrees := b.doubtful && within(t, b.nextTime+durationOf(ticks-b.nextTicks, b.rate), reportDrift)
	b.doubtful, b.nextTicks, b.nextTime = !agrees, ticks, t
	return t, agrees
}

func (b *timebase) publisherTime(ticks int64) time.Duration {
	return b.mapTime + durationOf(ticks-b.mapTicks, b.rate)
}

// believed is the capture time of a timestamp by all that is known now.
func (b *timebase) believed(now time.Duration, ticks int64) time.Duration {
	if b.mapped {
		return b.shared.gateway(now, b.publisherTime(ticks))
	}
	return durationOf(ticks, b.rate) + b.delay.value() - b.behind
}

// fallBehind adds to what the timeline has to make up for, slowly unless it is
// much.
func (b *timebase) fallBehind(d time.Duration) {
	if b.lag += d; !within(b.lag, 0, stepAbove) {
		b.lag = 0
	}
}

// newest continues the timeline with a packet that came at now, and returns its
// capture time.
func (b *timebase) newest(now time.Duration, ticks int64, all *timebases) time.Duration {
	if ticks > b.ticks {
		b.stamp += uint32(ticks - b.ticks)
		b.ticks = ticks
	}
	b.latest, b.arrival = ticks, now
	b.listen(now, ticks, all)
	rate := slewPerSecond
	if now-b.mappedAt < youth {
		rate = slewAtFirst
	}
	b.lag = slew(b.lag, 0, now-b.at, rate)
	b.at = now
	return min(max(b.believed(now, ticks)+b.lag, now-maxCaptureAge), now)
}

// listen lets the delay of a packet count.
func (b *timebase) listen(now time.Duration, ticks int64, all *timebases) {
	if b.mapped {
		t := b.publisherTime(ticks)
		b.shared.media(now, t)
		b.aged.add(now, now-t)
		return
	}
	had, before := b.delay.hasCurrent, b.delay.value()
	b.delay.add(now, now-durationOf(ticks, b.rate))
	if had {
		b.fallBehind(before - b.delay.value())
	}
	if age, young, ok := all.age(now); ok {
		rate := slewPerSecond
		if young {
			rate = slewAtFirst
		}
		b.behind = slew(b.behind, age, now-b.at, rate)
	}
}
