package router

import (
	"time"
)

// Cast names a publication; the zero Cast is nobody.
type Cast struct{ Participant, Source string }

// Program is what a channel shows to players that did not ask for somebody: whose
// picture and whose sound, the preferred ones first. A player gets the first that
// is live, that it can play and that is not its own; when there is none, the
// publication that has been live longest.
type Program struct{ Video, Audio []Cast }

func (p Program) of(kind Kind) []Cast {
	if kind == Video {
		return p.Video
	}
	return p.Audio
}

// SetProgram changes the program of a channel. It is kept, whether anybody is in the
// channel or not, until another one is set; the zero Program takes it away. It is safe
// for concurrent use.
func (r *Router) SetProgram(now time.Time, channel string, p Program) {
	for _, end := range r.setProgram(now, channel, p) {
		end()
	}
}

func (r *Router) setProgram(now time.Time, name string, p Program) []func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p.Video)+len(p.Audio) == 0 {
		delete(r.programs, name)
	} else {
		r.programs[name] = p
	}
	c := r.channels[name]
	if c == nil {
		return nil
	}
	c.program = p
	return c.resolve(now)
}

// shown is the publication that the program shows to a player that did not ask for
// somebody, nil where it shows none.
func (c *channel) shown(sel Selector, self string, kind Kind, plays func(*publication) bool) *publication {
	if sel.Participant != "" {
		return nil
	}
	for _, cast := range c.program.of(kind) {
		p := c.publications[publicationKey(cast)]
		if p != nil && p.state == Live && (self == "" || cast.Participant != self) && plays(p) {
			return p
		}
	}
	return nil
}
