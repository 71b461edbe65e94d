package router

import "time"

// Stall tells that v's connection takes less than it is sent. Its pictures stop
// until the next key frame, which is asked for; sound goes on.
func (s *Shard) Stall(now time.Time, v *Viewer, out *Out) {
	if _, ok := s.viewers[v]; !ok {
		return
	}
	for _, sec := range v.sections {
		sec.stall(now, out)
	}
	v.flush(now)
	s.settle()
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
