package call

import (
	"maps"
	"slices"
	"time"

	"github.com/headgate/headgate/router"
)

// sweep looks at what is over. It is called every second.
func (s *Service) sweep(now time.Time) {
	s.sweepStreams(now)
	s.lookAtPublications(now)
	s.sweepKinds()
	s.sweepProvisioned(now)
}

// sweepStreams ends the streams whose time is over, and forgets what is old.
func (s *Service) sweepStreams(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range slices.Collect(maps.Values(s.streams)) {
		s.sweepStream(now, st)
	}
	for secret, g := range s.graves {
		if !now.Before(g.until) {
			delete(s.graves, secret)
		}
	}
	s.sweepInvitations(now)
	s.forgetPaces(now)
	for _, c := range slices.Collect(maps.Values(s.channels)) {
		maps.DeleteFunc(c.bans, func(_ string, b Ban) bool { return !now.Before(b.Until) })
		s.forget(c)
	}
}

func (s *Service) sweepStream(now time.Time, st *stream) {
	switch p := st.person; {
	case !st.expires.IsZero() && !now.Before(st.expires):
		s.end(now, st, ErrTokenExpired, EventClosed, encode(ended{Reason: ErrTokenExpired.Code, At: stamp(now)}))
		p.goes(ErrTokenExpired.Code)
	case st.silent(now, st.patience()):
		s.end(now, st, ErrLeft, "", nil)
		p.goes(router.ErrLost.Code)
	default:
		st.warn(now)
		return
	}
	s.settle(now, st.person)
}

// patience is how long the stream may be without a reader.
func (st *stream) patience() time.Duration {
	p := st.person
	alive := len(p.publications) > 0 || slices.ContainsFunc(p.streams, func(other *stream) bool { return other.reader != nil })
	switch {
	case !st.opened:
		return unopenedFor
	case alive:
		return unreadFor
	}
	return goneFor
}

// warn tells that the login is about to end: the stream, or a session before it.
func (st *stream) warn(now time.Time) {
	end := st.expires
	for e := range st.person.entries {
		if e.Login == st.login && !e.Expires.IsZero() && (end.IsZero() || e.Expires.Before(end)) {
			end = e.Expires
		}
	}
	if end.IsZero() || end.Equal(st.warned) || now.Before(end.Add(-expiryTold)) || now.After(end) {
		return
	}
	st.warned = end
	st.tell(EventTokenExpiring, encode(expiring{Expires: stamp(end), At: stamp(now)}))
}

// lookAtPublications tells of sizes, layers and codecs that changed: the router tells
// only of states.
func (s *Service) lookAtPublications(now time.Time) {
	for _, name := range s.watched() {
		if info, ok := s.parts.Router.Channel(name); ok {
			s.lookAt(now, info)
		}
	}
}

// watched are the channels with publications and somebody to tell.
func (s *Service) watched() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		if len(c.streams) > 0 {
			list = append(list, c.name)
		}
	}
	return list
}

func (s *Service) lookAt(now time.Time, info router.ChannelInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[info.Name]
	if c == nil {
		return
	}
	for _, i := range info.Publications {
		p := c.people[i.Participant]
		if p == nil {
			continue
		}
		if pub := p.publications[i.Source]; pub != nil && pub.told.Session == i.Session {
			s.update(now, p, pub, PublicationOf(c.name, "", i))
		}
	}
}

// sweepKinds makes calls of channels that nobody provisioned broadcasts again when
// nothing is left in them.
func (s *Service) sweepKinds() {
	for _, name := range s.emptyCalls() {
		if s.parts.Router.InUse(name) {
			continue
		}
		s.mu.Lock()
		if c := s.channels[name]; c != nil && len(c.people) == 0 {
			c.call = false
			s.forget(c)
		}
		s.mu.Unlock()
		s.configure(name)
	}
}

// emptyCalls are channels that members made calls, and where nobody is any more.
func (s *Service) emptyCalls() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		if c.call && len(c.people) == 0 {
			list = append(list, c.name)
		}
	}
	return list
}
