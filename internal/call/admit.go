package call

import (
	"cmp"
	"slices"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// Admission is who wants to come in.
type Admission struct {
	Channel, Participant, Login string
	// Member tells that it is a publisher or a member stream, and not a bare viewer.
	Member bool
	// Publisher tells that it is a publisher: whose place it may take is the router's
	// business.
	Publisher bool
	// Slots tells that it is a viewer with slots: see Entry.
	Slots bool
}

// Admit is asked before a session or a member stream is made.
//
// Errors: ErrBanned, ErrChannelUnknown, ErrClosed; router.ErrBusy where the participant
// is there under another login and the policy is to reject; router.ErrFull.
func (s *Service) Admit(a Admission) error {
	rules := s.rules(a.Channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admit(s.parts.Now(), a, rules)
}

// rules are what the router says of a channel, asked before s.mu is taken.
type rules struct {
	// replace lets another login of a participant end the older one.
	replace bool
	// publishers tells that publishers of other logins are left alone: they stand by
	// for one another, or the router decides among them.
	publishers bool
}

// of are the rules for a publisher, or for anybody else.
func (r rules) of(publisher bool) rules {
	r.publishers = r.publishers || publisher
	return r
}

func (s *Service) rules(channel string) rules {
	duplicates, standby := s.parts.Router.Policies(channel)
	return rules{replace: duplicates == router.ReplaceDuplicates, publishers: standby}
}

func (s *Service) admit(now time.Time, a Admission, rules rules) error {
	c := s.channels[a.Channel]
	switch {
	case s.closed:
		return ErrClosed
	case s.cfg.Create == CreateProvisioned && !s.isProvisioned(a.Channel):
		return ErrChannelUnknown
	case c == nil:
		return nil
	}
	if reason, banned := c.banned(now, a.Participant); banned {
		return reason
	}
	p := c.people[a.Participant]
	if p != nil && (a.Member || a.Slots) && !rules.replace && p.livesElsewhere(now, a.Login, rules.of(a.Publisher)) {
		return router.ErrBusy.Because("%q is in this channel with another login already; end that one, or choose another name.", a.Participant).After(2 * time.Second)
	}
	if most := s.maxMembers(a.Channel); a.Member && (p == nil || !p.member()) && c.members() >= most {
		return router.ErrFull.Because("This channel has %d members, and may not have more; try again later.", most)
	}
	return nil
}

// member tells whether p takes one of the places that MaxMembers bounds: that of a
// publisher is taken before it is on air.
func (p *person) member() bool {
	if p.present() {
		return true
	}
	for e := range p.entries {
		if e.Publisher {
			return true
		}
	}
	return false
}

func (c *channel) members() (n int) {
	for _, p := range c.people {
		if p.member() {
			n++
		}
	}
	return n
}

// livesElsewhere tells whether p is there under another login, with somebody behind
// it.
func (p *person) livesElsewhere(now time.Time, login string, rules rules) bool {
	if slices.ContainsFunc(p.streams, func(st *stream) bool { return st.login != login && !st.silent(now, silentAfter) }) {
		return true
	}
	for e := range p.entries {
		if p.duplicates(e, login, rules) && e.live(now) {
			return true
		}
	}
	return false
}

// duplicates tells whether a session of p is in the way of a login.
func (p *person) duplicates(e *entry, login string, rules rules) bool {
	return e.Login != login && e.counts() && !(e.Publisher && rules.publishers)
}

// ending is a session, or several, to be ended once s.mu is free.
type ending struct {
	match  Match
	reason *fault.Error
}

// endDuplicates ends the streams of p under other logins, and returns the sessions
// that go with them.
func (s *Service) endDuplicates(now time.Time, p *person, login string, rules rules) (others []ending) {
	last := ended{Reason: router.ErrDuplicateID.Code, Detail: router.ErrDuplicateID.Public, At: stamp(now)}
	s.endAll(now, p, func(st *stream) bool { return st.login != login }, router.ErrDuplicateID, EventKicked, last)
	for e := range p.entries {
		if p.duplicates(e, login, rules) {
			others = append(others, ending{Match{ID: e.ID}, router.ErrDuplicateID})
		}
	}
	return others
}

// endSessions ends sessions. s.mu is not held.
func (s *Service) endSessions(list []ending) {
	s.mu.Lock()
	sessions := s.sessions
	s.mu.Unlock()
	if sessions == nil {
		return
	}
	for _, e := range list {
		sessions.EndSessions(e.match, e.reason)
	}
}

func compare(a, b, c, d string) int { return cmp.Or(cmp.Compare(a, b), cmp.Compare(c, d)) }
