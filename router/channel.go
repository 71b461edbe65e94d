package router

import "time"

// channel is a named place. The router's lock guards it.
type channel struct {
	name         string
	publications map[publicationKey]*publication
	attachments  map[*Attachment]struct{}
}

func newChannel(name string) *channel {
	return &channel{
		name:         name,
		publications: make(map[publicationKey]*publication),
		attachments:  make(map[*Attachment]struct{}),
	}
}

// pick returns the publication a viewer should see, nil when there is none.
func (c *channel) pick(sel Selector, self string) *publication {
	if sel.Participant == "" {
		return c.program(self)
	}
	if sel.Source != "" {
		return c.publications[publicationKey{sel.Participant, sel.Source}]
	}
	return best(c.publications, func(p *publication) bool { return p.key.participant == sel.Participant })
}

// program is what a channel shows to a player that can show one picture: the
// publication that has been live longest, and the viewer's own only when there
// is no other.
func (c *channel) program(self string) *publication {
	if self != "" {
		if p := best(c.publications, func(p *publication) bool { return p.key.participant != self && p.onAir() }); p != nil {
			return p
		}
	}
	return best(c.publications, func(*publication) bool { return true })
}

// best returns the most live of the publications that pass: live before
// interrupted before waiting, then the longest live, then by name.
func best(publications map[publicationKey]*publication, pass func(*publication) bool) *publication {
	var found *publication
	for _, p := range publications {
		if pass(p) && (found == nil || before(p, found)) {
			found = p
		}
	}
	return found
}

func before(a, b *publication) bool {
	if ra, rb := rank(a.state), rank(b.state); ra != rb {
		return ra < rb
	}
	if !a.liveSince.Equal(b.liveSince) {
		return a.liveSince.Before(b.liveSince)
	}
	if a.key.participant != b.key.participant {
		return a.key.participant < b.key.participant
	}
	return a.key.source < b.key.source
}

func rank(s State) int {
	switch s {
	case Live:
		return 0
	case Paused:
		return 1
	default:
		return 2
	}
}

// resolve points every viewer of the channel at what it should see now and
// returns the calls that end those who cannot. r.mu is held.
func (c *channel) resolve(now time.Time) (ends []func()) {
	for a := range c.attachments {
		ends = append(ends, a.resolve(now)...)
	}
	return ends
}
