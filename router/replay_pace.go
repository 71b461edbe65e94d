package router

import "time"

const (
	// gentlePace is how fast an unknown path is replayed to: whoever is sent a layer
	// is believed to have a third more room than it takes.
	gentlePace = fullPace * 4 / 3
	// leastReplayPace is the pace below which no more is tried with a path of which
	// nothing was heard.
	leastReplayPace = 2 * fullPace
	// waitPace is that of a replay that waits until more is known: whatever the path
	// is like, it has to carry the layer itself.
	waitPace = fullPace * 9 / 10
	// keyFrameAlone is a plan instead of a pace: to give up.
	keyFrameAlone = 0
	// A replay is believed to drown the path when the viewer asks again for so many
	// packets, and for more than one in six. Random loss is rarely that high.
	drownedPackets, drownedShare = 12, 6
)

// choosePace sets the pace a replay starts with. To a path of which nothing is
// known a little goes out as fast as it may, and tells what the path carries.
func (s *section) choosePace(now time.Time, l *Layer, r *replay) {
	r.pace, r.rate = s.fastest(), rateOf(now, l, r.group)
	r.keyPacing = newKeyPacing(r.group, r.rate)
	if bits := s.viewer.path.believed(now, s.settings()); bits > 0 {
		r.plan = s.plan(now, l, r, r.group[0])
		r.pace = max(r.plan, gentlePace)
		r.bytesPerSecond = max(r.bytesPerSecond, float64(bits/8*pathShare/10))
		return
	}
	r.plan, r.probing = r.pace, true
}

func (s *section) fastest() int64 {
	return max(int64(s.settings().ReplaySpeed)*fullPace, leastReplayPace)
}

// rateOf is the bit rate of a layer besides its key frames, as its group tells if
// the publisher has paused.
func rateOf(now time.Time, l *Layer, g []*Packet) int {
	rate := l.Bitrate(now)
	if rate == 0 {
		bytes := 0
		for _, p := range g {
			bytes += len(p.Payload)
		}
		lasts := max(g[len(g)-1].Capture.Sub(g[0].Capture), time.Second)
		rate = int(float64(bytes) * 8 / lasts.Seconds())
	} else if now.Sub(g[0].Arrival) < time.Second+rateSlot { // what the rate was measured over
		rate = max(rate-8*keyFrameBytes(g), rate/2)
	}
	return max(rate, 1)
}

// keyFrameBytes is the size of the key frame that a group begins with.
func keyFrameBytes(g []*Packet) (bytes int) {
	for i := 0; i < len(g) && g[i].Timestamp == g[0].Timestamp; i++ {
		bytes += len(g[i].Payload) + packetOverhead
	}
	return bytes
}

// plan says how a replay goes on from p, by what is known of the path.
func (s *section) plan(now time.Time, l *Layer, r *replay, p *Packet) int64 {
	fits := func(pace int64) bool { return r.catchUp(now, l, p, pace) <= s.settings().ReplayCatchUp }
	bits := s.viewer.path.believed(now, s.settings())
	carries := float64(bits) * fullPace / float64(r.rate) // as a pace
	if fast := min(int64(carries*pathShare/10), s.fastest()); fast > gentlePace && fits(fast) {
		return fast
	}
	switch {
	case bits > 0:
		if slow := min(int64(carries), gentlePace); slow > fullPace && fits(slow) { // what is believed is the least it carries
			return slow
		}
		return keyFrameAlone
	case fits(gentlePace):
		return gentlePace
	case s.viewer.path.waiting && now.Before(r.judgeAt):
		return waitPace
	case fits(leastReplayPace):
		return leastReplayPace
	}
	return keyFrameAlone
}

// catchUp is how long a replay takes from p until it meets the live edge, or the
// last packet of a layer that has paused.
func (r *replay) catchUp(now time.Time, l *Layer, p *Packet, pace int64) time.Duration {
	if !l.activeAt(now) {
		last := r.group[len(r.group)-1]
		return last.Capture.Sub(p.Capture) * fullPace / time.Duration(pace)
	}
	return now.Sub(p.Capture) * fullPace / time.Duration(pace-fullPace)
}

// judge makes a new plan when more is known of the path, or no more will be.
func (s *section) judge(now time.Time) {
	r := &s.replay
	if r.probing || r.plan == keyFrameAlone {
		return
	}
	path := &s.viewer.path
	if due(r.judgeAt, now) {
		r.judgeAt, path.waiting = time.Time{}, false
	}
	if !path.waiting {
		s.reportSoon(now)
		if !r.judgeAt.IsZero() && path.believed(now, s.settings()) == 0 { // the probe was lost
			s.probeAgain(now)
			return
		}
		r.judgeAt = time.Time{}
	}
	if p := r.peek(s.cur.layer); p != nil {
		r.plan, r.deadline = s.plan(now, s.cur.layer, r, p), now.Add(s.settings().ReplayCatchUp)
	}
}

// probeAgain sends as much as before at once, with a report behind it.
func (s *section) probeAgain(now time.Time) {
	r := &s.replay
	r.plan, r.probing, r.judgeAt = s.fastest(), true, time.Time{}
	r.started, r.burst, r.spent = now, r.most, 0
}

// continueReplay carries the plan out before p, which begins a frame. It is false
// when the replay does not go on now.
func (s *section) continueReplay(now time.Time, p *Packet) bool {
	r := &s.replay
	switch {
	case r.plan == keyFrameAlone:
		s.abandonReplay(now)
		return false
	case r.plan == r.pace || int32(p.Timestamp-r.top) <= 0: // shown before what was sent: belongs to it
		return true
	}
	s.repace(now, p)
	return true
}

// repace goes on at the planned pace from p, a picture that is shown after all
// that was sent. It is due when the old pace or the new one says so, or now if
// that is past: frames that follow p and are shown before it want their places.
func (s *section) repace(now time.Time, p *Packet) {
	r := &s.replay
	rate := s.line.rate
	n := p.Seq + s.segments.current().offset
	at := r.topAt.Add(durationOf(int64(p.Timestamp-r.top), rate) * fullPace / time.Duration(r.plan))
	if old := r.slope(p); n > s.window.highest+1 && at.Before(old) {
		at = old // a frame may still come late into the hole
	}
	if at.Before(now) {
		at = now
	}
	ts := s.line.next(at.Add(-r.transit), at, rate, landingStep)
	s.bend(now, n, timestampMap{in: p.Timestamp, out: ts, pace: r.plan})
	r.begun, r.captured, r.pace = at, p.Capture, r.plan
	r.sent, r.missed = 0, 0
}

// bitsPerSecond is what a replay sends, 0 when there is none.
func (r *replay) bitsPerSecond() float64 { return float64(r.rate) * float64(r.pace) / fullPace }

// missed notes that the viewer lacks a packet for the first time. When it lacks
// many, the path carries less than was believed, and the replay slows down, or
// ends if it was a fast one.
func (s *section) missed(now time.Time) {
	r := &s.replay
	if !r.active || r.plan == keyFrameAlone {
		return
	}
	if r.missed++; r.missed < drownedPackets || r.missed*drownedShare <= r.sent {
		return
	}
	if r.pace <= gentlePace {
		r.plan, r.sent, r.missed = waitPace, 0, 0
		return
	}
	r.plan = keyFrameAlone
	s.viewer.path.believe(now, int(r.bitsPerSecond()/2))
}

// keyPacing spreads the key frame that a replay starts with, beyond what may go at
// once.
type keyPacing struct {
	key            uint32 // its timestamp
	most           int    // bytes that may go at once
	burst, spent   int    // bytes of those that are left, and all that went
	bytesPerSecond float64
	free           time.Time // when more may go
}

const (
	// keyFrameIn is how long a key frame takes at most, keyFramePace how many times
	// the layer's rate it is sent at otherwise.
	keyFrameIn   = 300 * time.Millisecond
	keyFramePace = 3
	// paceStep is how much is sent at one time.
	paceStep = 4 * time.Millisecond
)

// newKeyPacing takes the group and the bit rate of its layer.
func newKeyPacing(g []*Packet, rate int) keyPacing {
	k := keyPacing{key: g[0].Timestamp, most: max(int(float64(rate)/8*probeSpan.Seconds()), leastProbe)}
	k.burst = k.most
	bytes := keyFrameBytes(g) - k.most
	k.bytesPerSecond = max(keyFramePace*float64(rate)/8, float64(max(bytes, leastProbe))/keyFrameIn.Seconds())
	return k
}

// spend accounts for a packet that was sent.
func (k *keyPacing) spend(now time.Time, p *Packet) {
	size := len(p.Payload) + packetOverhead
	k.spent += size
	if k.burst > 0 || p.Timestamp != k.key {
		k.burst -= size
		return
	}
	if k.free.Before(now.Add(-paceStep)) {
		k.free = now
	}
	k.free = k.free.Add(time.Duration(float64(size) / k.bytesPerSecond * float64(time.Second)))
}

// freeAt is when p may go, zero if that does not matter.
func (k *keyPacing) freeAt(p *Packet) time.Time {
	if k.free.IsZero() || p.Timestamp != k.key {
		return time.Time{}
	}
	return k.free.Add(-paceStep)
}
