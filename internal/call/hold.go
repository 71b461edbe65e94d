package call

import "slices"

// A login holds a participant by a member stream, a publisher or a viewer with slots:
// what makes another login a duplicate. A bare viewer only says who it is, so that
// nothing may follow from its word while somebody else holds the name.

// holds tells whether a login holds p.
func (p *person) holds(login string) bool {
	for e := range p.entries {
		if e.Login == login && e.counts() {
			return true
		}
	}
	return slices.ContainsFunc(p.streams, func(st *stream) bool { return st.login == login })
}

// held tells whether any login holds p.
func (p *person) held() bool {
	for e := range p.entries {
		if e.counts() {
			return true
		}
	}
	return len(p.streams) > 0
}

// heldByOther tells whether p is somebody else than this login.
func (p *person) heldByOther(login string) bool { return p.held() && !p.holds(login) }

// In tells whether a login is in a channel as this participant: it has a member
// stream, a publisher or a viewer with slots there.
func (s *Service) In(channel, participant, login string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.personIn(channel, participant)
	return p != nil && p.holds(login)
}

// Occupied tells whether somebody is in a channel as this participant, in the sense
// of In.
func (s *Service) Occupied(channel, participant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.personIn(channel, participant)
	return p != nil && p.held()
}

// stands tells whether a data channel may act as its participant.
func (s *Service) stands(t *Talker) bool {
	if t.Anonymous == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.personIn(t.Channel, t.Participant)
	return p == nil || !p.heldByOther(t.Login)
}

// speaker is who says what comes by a data channel.
func (s *Service) speaker(t *Talker) string {
	if s.stands(t) {
		return t.Participant
	}
	return t.Anonymous
}
