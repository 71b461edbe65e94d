package call

import "github.com/headgate/headgate/router"

// MuteSelf notes what the holder of a publication says of it: that the microphone or
// the camera is off. It is a word for people: nothing is kept back from viewers, and
// what an administrator muted stays so. The word is about one session, which need not
// be on air yet, and is gone with it. Error: ErrPublicationUnknown where this login
// does not publish that.
func (s *Service) MuteSelf(channel string, c router.Cast, login string, m Muted) error {
	defer s.director.stir(channel) // a camera that is off is no picture
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.personIn(channel, c.Participant)
	if p == nil {
		return ErrPublicationUnknown
	}
	known := false
	for e := range p.entries {
		if e.Publisher && e.Source == c.Source && e.Login == login {
			e.muted, known = m, true
		}
	}
	if !known {
		return ErrPublicationUnknown.Because("Nobody publishes that here with your login; publish it first.")
	}
	pub := p.publications[c.Source]
	if pub == nil { // told when it goes on air
		return nil
	}
	if said := p.saidOf(pub.told.Session); said != pub.told.SelfMuted {
		pub.told.SelfMuted = said
		p.changed()
		p.channel.tell(EventMuted, mutedOf(pub.told, bySelf, now))
	}
	return nil
}

// saidOf is what its holder says of a session.
func (p *person) saidOf(session string) Muted {
	for e := range p.entries {
		if e.ID == session {
			return e.muted
		}
	}
	return Muted{}
}

// SelfMuted is what the holders say of the publications of a channel that are on air,
// where anything is off; nil where nothing is.
func (s *Service) SelfMuted(channel string) (said map[router.Cast]Muted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return nil
	}
	for _, p := range c.people {
		for source, pub := range p.publications {
			if m := pub.told.SelfMuted; m != (Muted{}) {
				if said == nil {
					said = make(map[router.Cast]Muted)
				}
				said[router.Cast{Participant: p.id, Source: source}] = m
			}
		}
	}
	return said
}
