package call

import (
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// maxName bounds the names that are shown to people, in bytes.
const maxName = 128

// Entry is a WHIP or WHEP session of somebody.
type Entry struct {
	Channel, Participant, Source, Login string
	// ID is the public id of the session. Publisher tells that it is one.
	ID        string
	Publisher bool
	// Slots tells that it is a viewer with slots: a place in the call, so that the
	// same participant under another login is a duplicate.
	Slots bool
	Name  string
	Tags  map[string]string
	// Expires is when the token ends the session; zero for never.
	Expires time.Time
	// Seen tells when the client was last heard, the zero time before it was. It
	// must not block, and is called with the Service's lock held; nil is "now".
	Seen func() time.Time
}

// Enter notes a session of a participant, for names, tags and logins. Sessions and
// streams of the same participant under another login are ended: Admit has let this
// one in. leave is called with the reason when it begins to end, before it gives its
// publication back; the reason may be nil.
func (s *Service) Enter(e Entry) (leave func(reason *fault.Error)) {
	if e.Participant == "" {
		return func(*fault.Error) {}
	}
	in, others := s.enter(e, s.rules(e.Channel))
	s.endSessions(others)
	return func(reason *fault.Error) { s.leave(in, reason) }
}

func (s *Service) enter(e Entry, rules rules) (*entry, []ending) {
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(e.Channel)
	p := c.person(e.Participant)
	e.Name, e.Tags = cut(e.Name), maps.Clone(e.Tags)
	in := &entry{Entry: e, person: p, since: now}
	var others []ending
	if in.counts() {
		others = s.endDuplicates(now, p, e.Login, rules.of(e.Publisher))
		p.goes(router.ErrDuplicateID.Code)
	}
	p.entries[in] = struct{}{}
	if !p.heldByOther(e.Login) {
		p.describe(now, e.Name, e.Tags)
	}
	s.settle(now, p)                              // the streams of another login may have been all there was
	if b, banned := c.banned(now, p.id); banned { // meanwhile
		others = append(others, ending{Match{ID: e.ID}, b})
	}
	return in, others
}

// leave notes that a session ends. What it published is told of with the reason.
func (s *Service) leave(e *entry, reason *fault.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := e.person
	if _, in := p.entries[e]; !in {
		return
	}
	delete(p.entries, e)
	now := s.parts.Now()
	if reason != nil && reason.Code == router.ErrLost.Code {
		p.doubt(now, e.Login)
	}
	if pub := p.publications[e.Source]; pub != nil && pub.told.Session == e.ID {
		pub.reason = reason
	}
	s.settle(now, p)
}

// doubt cuts the readers of a login off whose session was lost: one that is there
// comes again within seconds and goes on. The connection of one that is not may end at
// a proxy, which would not notice for a quarter of an hour.
func (p *person) doubt(now time.Time, login string) {
	for _, st := range p.streams {
		if st.login == login && st.reader != nil {
			st.reader.Close()
			st.reader, st.unread = nil, now
		}
	}
}

// counts tells that the session is a place in the call that no other login of the
// participant may have.
func (e *entry) counts() bool { return e.Publisher || e.Slots }

// silentAfter is how long nothing may be heard of a session before its participant
// may come with another login, viewerSilentAfter how long of a viewer. connectFor is how long it may take to connect.
const (
	silentAfter       = time.Second
	viewerSilentAfter = 6 * time.Second
	connectFor        = 10 * time.Second
)

// live tells that somebody is there behind the session.
func (e *entry) live(now time.Time) bool {
	if e.Seen == nil {
		return true
	}
	seen := e.Seen()
	if seen.IsZero() {
		return now.Sub(e.since) < connectFor
	}
	patience := silentAfter
	if !e.Publisher { // viewers have less to say
		patience = viewerSilentAfter
	}
	return now.Sub(seen) < patience
}

// Extend moves the end of a login's member streams: it showed a newer token with one
// of its sessions. Zero is never.
func (s *Service) Extend(channel, participant, login string, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil || c.people[participant] == nil {
		return
	}
	c.people[participant].extend(login, expires)
	for e := range c.people[participant].entries {
		if e.Login == login && !e.Expires.IsZero() && (expires.IsZero() || expires.After(e.Expires)) {
			e.Expires = expires
		}
	}
}

// cut makes a name fit to be told: valid UTF-8 of at most maxName bytes.
func cut(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if len(name) <= maxName {
		return name
	}
	n := maxName
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}
