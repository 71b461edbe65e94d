package router

import "time"

// longestStart bounds how many packets may follow a key frame's first one before
// the section starts with it: that one was repaired late, or the frame of the
// old layer was waited for.
const longestStart = 1000

// longestHole is how many packets may be missing before the history is taken to end
// there. What came before the shard listened, and before a key frame that was late,
// is known to no burst. What comes after is left to its bursts, because a worker
// that is late may drop them.
const longestHole = 32

// aim makes l, a layer of the wanted track, the one to show. The current layer
// goes on until l has a key frame. nil means that there is none to show yet.
func (s *section) aim(now time.Time, l *trackLayer, out *Out) {
	defer s.watch()
	if l == s.target {
		return
	}
	s.target, s.ready, s.askAt = l, nil, time.Time{}
	if l == nil || l == s.cur {
		s.target = nil
		return
	}
	if s.cfg.Kind == Video {
		s.await(now, l, out)
	}
}

// await gets a key frame of l: out of its group if that is young, or else from the
// publisher.
func (s *section) await(now time.Time, l *trackLayer, out *Out) {
	if s.held() {
		return // Resume asks
	}
	s.hurried = s.flees(l)
	s.mayReplay = (s.needsReplay(l) || s.hurried) && !s.onlyLowest(l.layer) // replays leave nothing out
	if s.mayReplay {
		g := l.layer.Group()
		if g != nil && (!s.hurried && now.Sub(g[0].Capture) < s.settings().ReplayYoung || l.layer.Deaf()) {
			if l.layer.Deaf() { // it may have missed the last request: that costs a packet now and then
				l.layer.RequestKeyFrame(now)
			}
			s.startReplay(now, l, g, out)
			return
		}
	}
	s.ask(now, l, s.settings().KeyFrameWait)
}

// ask asks l for a key frame and comes back to it after a while: the one that
// comes may be incomplete, or lost on the way to this shard.
func (s *section) ask(now time.Time, l *trackLayer, again time.Duration) {
	if s.held() {
		return
	}
	l.layer.RequestKeyFrame(now)
	s.askAt = now.Add(again)
}

// askAgain is called when no key frame of the target came in time.
func (s *section) askAgain(now time.Time, out *Out) {
	l := s.target
	s.askAt = time.Time{}
	if l == nil {
		s.askToClimb(now)
		return
	}
	if s.ready != nil || s.mayReplay && s.replayGroup(now, l, out) {
		return
	}
	s.ask(now, l, s.settings().KeyFrameRepeat)
}

// needsReplay tells that the viewer sees nothing of what it should see. A viewer
// for whom merely another layer of the same picture is chosen does not want to
// see the last second again.
func (s *section) needsReplay(l *trackLayer) bool {
	c := s.cur
	return c == nil || c.track != l.track || !l.track.has(c) || !c.health.live()
}

// flees tells that l is to take over from a higher layer that the path is known not
// to carry. Then the last second once more is better than none.
func (s *section) flees(l *trackLayer) bool { return s.viewer.believed && s.above(s.cur, l) }

// climbs tells that l is to take over from a lower layer.
func (s *section) climbs(l *trackLayer) bool { return s.above(l, s.cur) }

// above tells that a is a higher layer than b, of the same track.
func (s *section) above(a, b *trackLayer) bool {
	if a == nil || b == nil || a == b || a.track != b.track {
		return false
	}
	for _, l := range a.track.layers { // lowest first
		if l == a || l == b {
			return l == b
		}
	}
	return false
}

// watch tells layers who waits for them or is shown them.
func (s *section) watch() {
	var now *Layer
	if l := s.aimed(); l != nil {
		now = l.layer
	}
	if now == s.watched {
		return
	}
	if s.watched != nil {
		s.watched.watchers.Add(-1)
	}
	if now != nil {
		now.watchers.Add(1)
	}
	s.watched = now
}

// fromTarget looks for the key frame with which the target can take over. Of
// audio every packet will do.
func (s *section) fromTarget(now time.Time, b Burst, out *Out) {
	if s.ready != nil || s.held() {
		return
	}
	for _, p := range b.Packets {
		if !p.Frame.KeyStart {
			continue
		}
		if s.cur != nil && s.inFrame && !s.replay.active {
			s.ready, s.readyBy = p, now.Add(s.settings().FrameWait)
			return
		}
		s.start(now, s.target, p, out)
		return
	}
}

// takeReady starts with the key frame that was waiting for the end of the old
// layer's frame. What is not there of that frame by now is cut.
func (s *section) takeReady(now time.Time, out *Out) {
	p, l := s.ready, s.target
	s.ready = nil
	if p != nil && l != nil {
		s.start(now, l, p, out)
	}
}

// start goes live with l from p, the first packet of a key frame, on.
func (s *section) start(now time.Time, l *trackLayer, p *Packet, out *Out) {
	if l.newest-p.Seq > longestStart {
		return
	}
	if s.replay.active {
		s.reports.at = now // the line of timestamps may have a bend here
	}
	ts := s.nextTimestamp(p.Capture, now, l.layer.Codec().ClockRate)
	s.begin(now, l, p, timestampMap{in: p.Timestamp, out: ts, pace: fullPace}, out)
	s.forward(now, p, out)
	for seq, missing := p.Seq+1, 0; seq <= l.newest || missing < longestHole; seq++ {
		q := l.layer.Packet(seq)
		if q == nil || seq > l.newest && q.Arrival.After(p.Arrival) {
			missing++
			continue
		}
		missing = 0
		if s.viewer.pacer.full(now) {
			s.holdBack(now, seq, lastOf(l, seq, p.Arrival))
			return
		}
		s.forward(now, q, out)
	}
}

// lastOf is the last packet from seq on that l had when one came that arrived at a
// time.
func lastOf(l *trackLayer, seq int64, arrival time.Time) int64 {
	last := seq
	for missing := 0; seq <= l.newest || missing < longestHole; seq++ {
		if q := l.layer.Packet(seq); q == nil || seq > l.newest && q.Arrival.After(arrival) {
			missing++
		} else {
			last, missing = seq, 0
		}
	}
	return last
}

// begin makes l the current layer, in a new segment that starts with p. The
// parameter sets p comes without are sent now, so that the caller can send p.
func (s *section) begin(now time.Time, l *trackLayer, p *Packet, times timestampMap, out *Out) {
	if s.line.started {
		s.viewer.pending.switches++
	}
	s.replay = replay{}
	s.landing = landing{}
	if l != s.cur || s.target == l { // else the target is still awaited
		s.target, s.ready, s.askAt, s.holdUntil = nil, nil, time.Time{}, time.Time{}
	}
	s.stopThinning()
	if s.climbs(l) {
		s.viewer.raisedAt = now
	}
	s.setCurrent(l)
	s.watch()
	s.openSegment(now, l.layer, p, times)
	for _, set := range p.Parameters {
		s.forward(now, set, out)
	}
}

// setCurrent makes l the layer that is sent, nil for none, and leaves the track of
// the last one if nothing of it is wanted any more.
func (s *section) setCurrent(l *trackLayer) {
	old := s.cur
	s.cur, s.inFrame, s.backlog = l, false, backlog{}
	if l == nil {
		s.replay, s.landing = replay{}, landing{}
		s.shown.Store(nil)
	} else {
		s.shown.Store(l.layer)
	}
	if old != nil && s.viewer.shard != nil {
		s.viewer.shard.release(old.track, s)
	}
}

// setWant changes the track to show; nil for none. Audio changes at once, video
// when the new track has a key frame, but no later than after the hold.
func (s *section) setWant(now time.Time, t *shardTrack, out *Out) {
	old := s.want
	s.want = t
	if old != nil {
		s.viewer.shard.release(old, s)
	}
	s.target, s.ready, s.askAt, s.holdUntil = nil, nil, time.Time{}, time.Time{}
	if s.cur != nil && (t == nil || s.cfg.Kind == Audio && s.cur.track != t) {
		s.setCurrent(nil)
	}
	s.watch()
	if t == nil {
		return
	}
	if s.cur != nil && s.cur.track != t {
		s.holdUntil = now.Add(s.settings().SwitchHold)
	}
	s.paused &= pausedByQueue
	s.viewer.allocate(now, out)
}

// endHold stops showing a track that is no longer wanted.
func (s *section) endHold() {
	s.holdUntil = time.Time{}
	if s.cur != nil && s.cur.track != s.want {
		s.setCurrent(nil)
	}
	s.watch()
}

// uses tells whether the section still needs bursts of t.
func (s *section) uses(t *shardTrack) bool {
	return s.want == t || s.cur != nil && s.cur.track == t
}

func (s *section) settings() *ViewerSettings { return &s.viewer.cfg.Settings }

// plays is Plays for a section of v.
func (v *Viewer) plays(s *section, c Codec) bool {
	_, ok := payloadTypeFor(s.cfg.PayloadTypes, c)
	return ok
}
