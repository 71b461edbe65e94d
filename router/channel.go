package router

import "time"

// channel is a named place. The router's lock guards it.
type channel struct {
	name         string
	publications map[publicationKey]*publication
	attachments  map[*Attachment]struct{}
	program      Program
}

func newChannel(name string) *channel {
	return &channel{
		name:         name,
		publications: make(map[publicationKey]*publication),
		attachments:  make(map[*Attachment]struct{}),
	}
}

// pick returns the publication a viewer should see, nil when there is none. Of
// several it takes one that passes plays; where none does it returns the one
// that would be seen otherwise, so that the caller can tell why it cannot.
func (c *channel) pick(sel Selector, self string, plays func(*publication) bool) *publication {
	if sel.Source != "" {
		return c.publications[publicationKey(sel)]
	}
	wanted := func(p *publication) bool { return sel.Participant == "" || p.key.Participant == sel.Participant }
	others := func(p *publication) bool {
		return wanted(p) && sel.Participant == "" && self != "" && p.key.Participant != self
	}
	onAir := func(pass func(*publication) bool) *publication {
		return best(c.publications, func(p *publication) bool { return pass(p) && p.onAir() && plays(p) })
	}
	if p := onAir(others); p != nil { // one's own picture only when there is no other
		return p
	}
	if p := onAir(wanted); p != nil {
		return p
	}
	return best(c.publications, wanted)
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
	if a.key.Participant != b.key.Participant {
		return a.key.Participant < b.key.Participant
	}
	return a.key.Source < b.key.Source
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
