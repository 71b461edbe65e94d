package call

import (
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// ErrPublicationUnknown refuses what is asked of a publication that is not there.
var ErrPublicationUnknown = fault.New(fault.NotFound, "publication-unknown",
	"Nobody publishes that in this channel; the list of publications says who does.")

// Mute is router.Mute, told to the members. Error: ErrPublicationUnknown.
func (s *Service) Mute(channel string, c router.Cast, m router.Mute) error {
	s.configuring.Lock() // so that the last one told is the one that holds
	defer s.configuring.Unlock()
	now := s.parts.Now()
	if !s.parts.Router.Mute(now, channel, c, m) {
		return ErrPublicationUnknown
	}
	defer s.director.stir(channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.personIn(channel, c.Participant)
	if p == nil || p.publications[c.Source] == nil {
		return nil // it is told when it goes on air
	}
	told := &p.publications[c.Source].told.Muted
	if *told == Muted(m) {
		return nil
	}
	*told = Muted(m)
	p.changed()
	p.channel.tell(EventMuted, mutedOf(p.publications[c.Source].told, byAdministrator, now))
	return nil
}
