package call

import "time"

// score looks how well everybody's media goes, every Config.QualityEvery, in channels
// where somebody may be told. It is called every 100 ms, by the loop alone.
func (s *Service) score(now time.Time) {
	if now.Sub(s.scored) < s.cfg.QualityEvery {
		return
	}
	s.scored = now
	s.mu.Lock()
	sessions := s.sessions
	s.mu.Unlock()
	for _, name := range s.scorable() {
		s.rate(now, name, qualities(sessions.Measures(now, name)))
	}
}

// scorable are the channels with member streams, and calls. What was known of others
// is forgotten.
func (s *Service) scorable() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.channels {
		if len(c.streams) > 0 || s.kindOf(name) == Call {
			list = append(list, name)
			continue
		}
		for _, p := range c.people {
			p.quality = nil
		}
	}
	return list
}

// rate notes and tells how well those of a channel do.
func (s *Service) rate(now time.Time, name string, all map[string]Quality) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[name]
	if c == nil {
		return
	}
	scored := make(map[string]Quality)
	for id, p := range c.people {
		p.quality = nil
		if q, ok := all[id]; ok && !p.joined.IsZero() {
			p.quality, scored[id] = &q, q
			s.tally.observe(q)
		}
	}
	if len(scored) > 0 {
		c.tell(EventQuality, quality{Participants: scored, At: stamp(now)})
	}
}
