package router

import "time"

const (
	// leastReplayPace is the pace below which a replay would hardly ever catch up.
	leastReplayPace = 2 * fullPace
	// pausedAfter is how old the newest packet of a layer is when no more is
	// expected.
	pausedAfter = time.Second
	// longestTransit bounds what is believed of the time between capture and
	// arrival.
	longestTransit = time.Second
)

// replay sends a group of the past, faster than it was captured, until it meets
// the live edge. A frame captured at c is sent at begun + (c-captured)/pace, and
// its timestamp says so too, so that a player's clock and its jitter buffer see
// media that arrives when it should. At the live edge the two lines meet.
//
// Live bursts of the layer are not forwarded meanwhile: the cursor reaches them.
type replay struct {
	active bool
	group  []*Packet // snapshot; what came after it is read from the history
	at     int       // index into group of the first packet not below next
	// next is the cursor, newest the last number there is.
	next, newest    int64
	begun, captured time.Time
	pace            int64 // thousandths
	keyOnly         bool
	// last is the timestamp of the frame sent last.
	last uint32
	// due is when the next packet goes, deadline when the replay is given up.
	due, deadline time.Time
}

// startReplay makes l the current layer, from the first packet of its group on.
func (s *section) startReplay(now time.Time, l *trackLayer, g []*Packet, out *Out) {
	first, last := g[0], g[len(g)-1]
	pace := s.replayPace(now, l.layer)
	rate := l.layer.Codec().ClockRate
	// A live frame captured at c is sent at c+transit. So is what replay sends.
	edge := now.Add(-min(max(last.Arrival.Sub(last.Capture), 0), longestTransit))
	ts := s.nextTimestamp(edge, now, rate)
	s.begin(now, l, first, timestampMap{in: first.Timestamp, out: ts, pace: pace}, out)
	s.line.anchor(ts, edge, now, rate)
	s.viewer.pending.replays++
	s.replay = replay{
		active: true, group: g, next: first.Seq, newest: last.Seq,
		begun: now, captured: first.Capture, pace: pace, last: first.Timestamp,
		keyOnly:  catchUp(now, first, last, pace) > s.settings().ReplayCatchUp,
		deadline: now.Add(s.settings().ReplayCatchUp),
	}
	s.stepReplay(now, out)
}

// replayPace is how many times faster than live a layer is replayed, in
// thousandths: ReplaySpeed, or what fits into 0.8 of the path, but at least 2.
func (s *section) replayPace(now time.Time, l *Layer) int64 {
	set := s.settings()
	pace := int64(set.ReplaySpeed) * fullPace
	if rate := l.Bitrate(now); rate > 0 && set.PathBitsPerSecond > 0 {
		pace = min(pace, int64(float64(set.PathBitsPerSecond)*0.8*fullPace/float64(rate)))
	}
	return max(pace, leastReplayPace)
}

// catchUp is how long a replay takes until it meets the live edge, or the last
// packet of a layer that has paused.
func catchUp(now time.Time, first, last *Packet, pace int64) time.Duration {
	if now.Sub(last.Capture) > pausedAfter {
		return last.Capture.Sub(first.Capture) * fullPace / time.Duration(pace)
	}
	return now.Sub(first.Capture) * fullPace / time.Duration(pace-fullPace)
}

// replayGroup replays what l keeps, if it keeps anything.
func (s *section) replayGroup(now time.Time, l *trackLayer, out *Out) bool {
	if l == nil || s.replay.active || s.ready != nil {
		return false
	}
	g := l.layer.Group()
	if g == nil {
		return false
	}
	s.startReplay(now, l, g, out)
	return true
}

// stepReplay sends what is due, and goes live at the edge.
func (s *section) stepReplay(now time.Time, out *Out) {
	r := &s.replay
	if !now.Before(r.deadline) {
		s.abandonReplay(now)
		return
	}
	for {
		p := r.peek(s.cur.layer)
		if p == nil {
			s.finishReplay()
			return
		}
		if r.keyOnly && p.Timestamp != r.last {
			s.abandonReplay(now)
			return
		}
		if r.due = earlier(r.timeOf(p), r.deadline); r.due.After(now) {
			return
		}
		s.forward(now, p, out)
		r.next, r.last = p.Seq+1, p.Timestamp
	}
}

// timeOf is when p is to be sent.
func (r *replay) timeOf(p *Packet) time.Time {
	return r.begun.Add(p.Capture.Sub(r.captured) * fullPace / time.Duration(r.pace))
}

// peek returns the packet at the cursor. Holes are skipped, and stay holes for the
// viewer. It is nil at the live edge.
func (r *replay) peek(l *Layer) *Packet {
	for ; r.next <= r.newest; r.next++ {
		for r.at < len(r.group) && r.group[r.at].Seq < r.next {
			r.at++
		}
		if r.at < len(r.group) && r.group[r.at].Seq == r.next {
			return r.group[r.at]
		}
		if p := l.Packet(r.next); p != nil {
			return p
		}
	}
	return nil
}

// finishReplay goes live: the next packet of the layer is forwarded as it comes,
// and the next frame is on the true line of timestamps again.
func (s *section) finishReplay() {
	s.landing, s.landingAt = true, s.replay.last
	s.replay = replay{}
}

// land opens the segment of live media with p, which has number n and begins the
// first frame after a replay. Numbers and pictures simply go on.
func (s *section) land(now time.Time, p *Packet, n int64) *segment {
	seg := *s.segments.current()
	ts := s.line.next(p.Capture, now, s.line.rate, landingStep)
	if n > s.window.highest+1 { // a frame may still come late into the hole: leave room for its timestamp
		if least := seg.times.at(p.Timestamp); int32(ts-least) < 0 {
			ts = least
		}
	}
	seg.first, seg.parameters = n, nil
	seg.times = timestampMap{in: p.Timestamp, out: ts, pace: fullPace}
	s.landing = false
	return s.segments.open(now, seg)
}

// abandonReplay leaves the viewer with what it has and waits for a live key frame.
func (s *section) abandonReplay(now time.Time) {
	l := s.cur
	s.setCurrent(nil)
	if s.target == nil && l.track == s.want {
		s.target = l
	}
	s.mayReplay = false
	if s.target != nil {
		s.ask(now, s.target, s.settings().KeyFrameRepeat)
	}
}

// besideReplay handles live packets of the layer that is being replayed. A key
// frame ends the replay: the viewer is live at once. A packet that the cursor has
// passed was late and goes out now.
func (s *section) besideReplay(now time.Time, b Burst, out *Out) {
	r := &s.replay
	for _, p := range b.Packets {
		switch {
		case p.Seq < r.next:
			s.forward(now, p, out)
		case p.Frame.KeyStart:
			s.start(now, s.cur, p, out)
			return
		default:
			r.newest = max(r.newest, p.Seq)
		}
	}
}
