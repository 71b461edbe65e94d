package router

import "time"

// Stall tells that v's connection takes less than it is sent. Its pictures stop until
// Resume, and then until the next key frame; sound goes on. Nothing is asked for
// meanwhile: a key frame could not be sent, and everybody else would get it.
func (s *Shard) Stall(now time.Time, v *Viewer, out *Out) {
	if _, ok := s.viewers[v]; !ok || v.held {
		return
	}
	v.held = true
	for _, sec := range v.sections {
		sec.askAt = time.Time{}
		sec.stall(now, out)
	}
	v.flush(now)
	s.settle()
}

// Resume tells that v's connection has room again. A key frame is asked for, within
// the viewer's allowance (M-026): one that is always about to be full must not make
// key frames for everybody.
func (s *Shard) Resume(now time.Time, v *Viewer, out *Out) {
	if _, ok := s.viewers[v]; !ok || !v.held {
		return
	}
	v.held = false
	for _, sec := range v.sections {
		if sec.target != nil && sec.cfg.Kind == Video && sec.paused == 0 {
			sec.mayReplay = false // the past would fill the connection at once
			sec.askWithin(now, sec.target)
			sec.settleBurst(now, out)
		}
	}
	v.flush(now)
	s.settle()
}

// held tells that the section's pictures are stopped, by Stall or for lack of
// bandwidth.
func (s *section) held() bool {
	return s.cfg.Kind == Video && (s.viewer.held || s.paused != 0)
}

// askWithin asks l for a key frame, now or when the viewer's allowance permits.
func (s *section) askWithin(now time.Time, l *trackLayer) {
	set := s.settings()
	if s.asks.take(now, set) {
		s.ask(now, l, set.KeyFrameRepeat)
		return
	}
	s.askAt = now.Add(set.KeyFrameEvery)
}

// Skip tells that bursts of a layer of video were not handed in, because the
// worker was behind. Whoever is shown the layer waits for its next key frame:
// what depends on the frames that are missing would be work for nothing.
func (s *Shard) Skip(now time.Time, l *Layer, out *Out) {
	t := s.tracks[l.Track()]
	if t == nil {
		return
	}
	for _, sec := range t.sections {
		if sec.cur != nil && sec.cur.layer == l && !sec.replay.active { // a replay reads the history
			sec.stall(now, out)
			sec.viewer.flush(now)
		}
	}
	s.settle()
}

// stall stops a picture. The next one follows without a hole in the numbers, so
// that nothing of what was left out is asked for.
func (s *section) stall(now time.Time, out *Out) {
	if s.cfg.Kind != Video || s.cur == nil {
		return
	}
	s.viewer.pending.stalls++
	s.ready = nil
	s.abandonReplay(now)
	s.settleBurst(now, out)
}
