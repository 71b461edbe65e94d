package call

import (
	"iter"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// ErrTooManyMutes refuses what would flood the streams of the others.
var ErrTooManyMutes = fault.New(fault.RateLimited, "too-many-mutes",
	"The microphone or camera is said to go off and on more often than the others may be told: five times a second; wait a moment.").After(time.Second)

// MuteSelf notes what the holder of a publication says of it: that the microphone or
// the camera is off. It is a word for people: nothing is kept back from viewers, and
// what an administrator muted stays so. The word is about one session, which need not
// be on air yet, and is gone with it. Changes are told to everybody, so they are counted
// as messages are. Errors: ErrPublicationUnknown where this login does not publish that,
// ErrTooManyMutes.
func (s *Service) MuteSelf(channel string, c router.Cast, login string, m Muted) error {
	defer s.director.stir(channel) // a camera that is off is no picture
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.personIn(channel, c.Participant)
	if p == nil {
		return ErrPublicationUnknown
	}
	known, changes := false, false
	for e := range p.publishing(c.Source, login) {
		known, changes = true, changes || e.muted != m
	}
	if !known {
		return ErrPublicationUnknown.Because("Nobody publishes that here with your login; publish it first.")
	}
	if changes && !(s.mayTalk("mute "+login, messageRate, messageBurst) && s.mayTalk("channel "+channel, crowdRate, crowdBurst)) {
		return ErrTooManyMutes
	}
	for e := range p.publishing(c.Source, login) {
		e.muted = m
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

// publishing are the entries of a login's publishers of a source.
func (p *person) publishing(source, login string) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for e := range p.entries {
			if e.Publisher && e.Source == source && e.Login == login && !yield(e) {
				return
			}
		}
	}
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
