package router

import "time"

// longestTransit bounds what is believed of the time between capture and arrival.
const longestTransit = time.Second

// longestPicture is how many packets a picture may have besides its first, and a
// replay of reordered ones still finds the live edge.
const longestPicture = 300

// replay sends a group of the past, faster than it was captured, until it meets
// the live edge. A frame captured at c is sent at begun + (c-captured)/pace, and
// its timestamp says so too, so that a player's clock and its jitter buffer see
// media that arrives when it should. At the live edge the two lines meet. The
// pace may change between two pictures (replay_pace.go).
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
	rate            int   // bits per second of the layer
	// plan is what happens at the next picture: another pace, or one of those below.
	plan int64
	// started is when the replay was, transit what passes between the capture of a
	// live frame and its sending.
	started time.Time
	transit time.Duration

	last     uint32    // timestamp of the frame sent last
	top      uint32    // the highest sent
	topAt    time.Time // when that was due
	reorders bool      // frames do not come in the order in which they are shown

	keyPacing
	probing bool      // a probe is on its way out
	judgeAt time.Time // when no answer to the probe is expected any more
	// sent are the packets of this pace, missed those the viewer asked for again.
	sent, missed int
	// due is when the next packet goes, deadline when the replay is given up.
	due, deadline time.Time
}

// startReplay makes l the current layer, from the first packet of its group on.
func (s *section) startReplay(now time.Time, l *trackLayer, g []*Packet, out *Out) {
	first, last := g[0], g[len(g)-1]
	rate := l.layer.Codec().ClockRate
	r := replay{
		active: true, group: g, next: first.Seq, newest: last.Seq,
		begun: now, captured: first.Capture, started: now, transit: transitOf(g),
		last: first.Timestamp, top: first.Timestamp, topAt: now,
		deadline: now.Add(s.settings().ReplayCatchUp),
	}
	s.choosePace(now, l.layer, &r)
	// A live frame captured at c is sent at c+transit. So is what replay sends.
	edge := now.Add(-r.transit)
	ts := s.nextTimestamp(edge, now, rate)
	s.begin(now, l, first, timestampMap{in: first.Timestamp, out: ts, pace: r.pace}, out)
	s.line.anchor(ts, edge, now, rate)
	s.viewer.pending.replays++
	s.replay = r
	s.stepReplay(now, out)
}

// transitOf is the least time between capture and arrival of the newest frames:
// those that are shown before one that came earlier are on the way for longer.
func transitOf(g []*Packet) time.Duration {
	const frames = 8
	least, seen, last := longestTransit, 0, uint32(0)
	for i := len(g) - 1; i >= 0; i-- {
		if p := g[i]; seen == 0 || p.Timestamp != last {
			if seen++; seen > frames {
				break
			}
			least, last = min(least, max(p.Arrival.Sub(p.Capture), 0)), p.Timestamp
		}
	}
	return least
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
	if due(r.judgeAt, now) {
		s.judge(now)
	}
	for {
		p := r.peek(s.cur.layer)
		late := !now.Before(r.deadline)
		switch {
		case p == nil && r.reorders && !late:
			r.due = r.deadline
			return
		case p == nil || r.meets(now, p):
			s.finishReplay(now, out)
			return
		case late:
			s.abandonReplay(now)
			return
		}
		if p.Timestamp != r.last && !s.continueReplay(now, p) {
			return
		}
		if at := r.timeOf(p); at.After(now) {
			r.due = earlier(earlier(at, r.judgeAt), r.deadline)
			return
		}
		s.replayPacket(now, p, out)
	}
}

// replayPacket sends the packet at the cursor.
func (s *section) replayPacket(now time.Time, p *Packet, out *Out) {
	r := &s.replay
	s.forward(now, p, out)
	if d := int32(p.Timestamp - r.top); d > 0 {
		r.top, r.topAt = p.Timestamp, r.slope(p)
	} else if d < 0 {
		r.reorders = true
	}
	r.next, r.last = p.Seq+1, p.Timestamp
	r.sent++
	r.spend(now, p)
	if r.probing && r.burst <= 0 {
		r.probing = false
		s.sendProbe(now, r.started, r.spent, out)
		r.judgeAt = now.Add(probeWait)
		s.judge(now)
	}
}

// timeOf is when p is to be sent.
func (r *replay) timeOf(p *Packet) time.Time {
	at := r.slope(p)
	if free := r.freeAt(p); free.After(at) {
		return free
	}
	return at
}

func (r *replay) slope(p *Packet) time.Time {
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

// meets tells whether p, the newest picture there is, is no longer ahead of the
// replay. Without reordering a replay has met the live edge when nothing is left.
func (r *replay) meets(now time.Time, p *Packet) bool {
	return r.reorders && p.Seq+longestPicture > r.newest && int32(p.Timestamp-r.top) > 0 &&
		now.Sub(p.Arrival) < paceStep && !r.slope(p).After(now)
}

// landing is what remains of a replay until live media is on the true line of
// timestamps.
type landing struct {
	active   bool
	top      uint32 // the layer's highest timestamp so far
	reorders bool
}

// finishReplay goes live: the next packet of the layer is forwarded as it comes,
// and the next picture is on the true line of timestamps again.
func (s *section) finishReplay(now time.Time, out *Out) {
	r := s.replay
	s.reportSoon(now)
	s.landing = landing{active: true, top: r.top, reorders: r.reorders}
	s.replay = replay{}
	for p := r.peek(s.cur.layer); p != nil; p = r.peek(s.cur.layer) {
		s.forward(now, p, out)
		r.next++
	}
}

// land opens the segment of live media with p, which has number n and begins the
// first picture after a replay. Numbers and pictures simply go on. Where frames
// that are shown earlier come after p, it waits until they can have their places
// behind what was replayed.
func (s *section) land(now time.Time, p *Packet, n int64) *segment {
	seg := *s.segments.current()
	ts := s.line.next(p.Capture, now, s.line.rate, landingStep)
	if least := seg.times.at(p.Timestamp); n > s.window.highest+1 && int32(ts-least) < 0 {
		ts = least // a frame may still come late into the hole: leave room for its timestamp
	}
	if top := s.landing.top; s.landing.reorders && int32(ts-(p.Timestamp-top)-seg.times.at(top)) < 0 {
		s.landing.top = p.Timestamp
		return s.segments.current()
	}
	s.landing = landing{}
	return s.bend(now, n, timestampMap{in: p.Timestamp, out: ts, pace: fullPace})
}

// bend goes on from number n with another map of timestamps.
func (s *section) bend(now time.Time, n int64, times timestampMap) *segment {
	seg := *s.segments.current()
	seg.first, seg.times, seg.parameters = n, times, nil
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
	s.asks.lastStuck = now // another replay would fare no better
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
	if r.reorders {
		s.stepReplay(now, out)
	}
}
