package call

import (
	"cmp"
	"time"

	"github.com/headgate/headgate/router"
)

// KindOf is the kind of a channel now.
func (s *Service) KindOf(channel string) Kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kindOf(channel)
}

// kindOf is KindOf. s.mu is held.
func (s *Service) kindOf(channel string) Kind {
	if settings, ok := s.provisioned[channel]; ok {
		return cmp.Or(settings.Kind, Broadcast)
	}
	if c := s.channels[channel]; c != nil && c.call {
		return Call
	}
	return Broadcast
}

// isProvisioned tells whether somebody provided the channel. s.mu is held.
func (s *Service) isProvisioned(channel string) bool {
	_, ok := s.provisioned[channel]
	return ok
}

// maxMembers bounds those of a channel. s.mu is held.
func (s *Service) maxMembers(channel string) int {
	return cmp.Or(s.provisioned[channel].MaxMembers, s.cfg.MaxMembers)
}

// configure tells the router what holds for a channel now. s.mu is not held.
func (s *Service) configure(channel string) {
	defer s.director.stir(channel)
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	settings, own := s.provisioned[channel]
	isCall := s.kindOf(channel) == Call
	s.mu.Unlock()
	if !own && !isCall {
		s.parts.Router.Configure(channel, nil)
		return
	}
	s.parts.Router.Configure(channel, &router.Settings{
		Duplicates: router.Duplicates(settings.Duplicates), Idle: router.Idle(settings.Idle), Standby: settings.Standby,
		MaxPublications: settings.MaxPublications, MaxViewers: settings.MaxViewers, MaxBitrate: settings.MaxBitrate,
		ViewerLinger: time.Duration(settings.ViewerLinger) * time.Second, Call: isCall,
	})
}
