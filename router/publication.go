package router

import (
	"slices"
	"time"
)

// State is where a publication is in its life.
type State string

// The states of a publication. It is waiting from the POST to the first packet.
const (
	Waiting State = "waiting"
	Live    State = "live"
	Paused  State = "interrupted"
)

type publicationKey struct{ participant, source string }

// publication is a participant's source. It outlives its publishers: viewers
// stay when one goes and another comes. The router's lock guards it.
type publication struct {
	channel *channel
	key     publicationKey
	state   State
	// liveSince orders publications for the program.
	liveSince    time.Time
	lastTakeover time.Time
	// active feeds the viewers; nil between two publishers. Without one the
	// publication is waiting.
	active *Publisher
	// pending are being negotiated, in the order of their POSTs.
	pending []*Publisher
}

func newPublication(c *channel, key publicationKey) *publication {
	return &publication{channel: c, key: key, state: Waiting}
}

// onAir tells whether viewers may be sent here: media flows, or did a moment ago.
func (p *publication) onAir() bool { return p.state == Live || p.state == Paused }

// codecs are what the publisher of now sends; kinds it lacks are missing.
func (p *publication) codecs() map[Kind]Codec {
	if p.active == nil {
		return nil
	}
	return p.active.codecs
}

// publishers are all who hold on to the publication.
func (p *publication) publishers() []*Publisher {
	var all []*Publisher
	if p.active != nil {
		all = append(all, p.active)
	}
	return append(all, p.pending...)
}

// newest is the publisher a new one takes the place of.
func (p *publication) newest() *Publisher {
	if n := len(p.pending); n > 0 {
		return p.pending[n-1]
	}
	return p.active
}

// remove takes a publisher out, wherever it is.
func (p *publication) remove(gone *Publisher) {
	p.pending = slices.DeleteFunc(p.pending, func(q *Publisher) bool { return q == gone })
	if p.active == gone {
		p.active = nil
	}
}

// release takes out a publisher that is over. Without an active one viewers see
// nothing but keep their sessions; the caller resolves afterwards. r.mu is held.
func (r *Router) release(now time.Time, gone *Publisher) {
	pub := gone.pub
	wasActive := pub.active == gone
	pub.remove(gone)
	if wasActive {
		r.unpublish(now, pub)
	}
	if len(pub.publishers()) == 0 && pub.channel.publications[pub.key] == pub {
		delete(pub.channel.publications, pub.key)
		r.forget(pub.channel)
	}
}

// unpublish takes a publication off the air. r.mu is held.
func (r *Router) unpublish(now time.Time, pub *publication) {
	if pub.onAir() {
		r.observe(now, Unpublished, pub)
	}
	pub.state = Waiting
}

// goLive enters the live state. r.mu is held.
func (r *Router) goLive(now time.Time, pub *publication) []func() {
	what := Published
	if pub.state == Paused {
		what = Resumed
	} else {
		pub.liveSince = now
	}
	pub.state = Live
	r.observe(now, what, pub)
	return pub.channel.resolve(now)
}

// sweepPublication moves a publication by the silence of its publisher.
func (r *Router) sweepPublication(now time.Time, pub *publication) (ends []func()) {
	p := pub.active
	if p == nil {
		return nil
	}
	silence := now.Sub(p.lastSeen())
	switch {
	case silence >= r.cfg.EndedAfter && p.wasHeard():
		ends = p.endWith(ErrLost)
		r.release(now, p)
		return append(ends, pub.channel.resolve(now)...)
	case silence >= r.cfg.InterruptedAfter && pub.state == Live:
		pub.state = Paused
		r.observe(now, Interrupted, pub)
		return pub.channel.resolve(now)
	case silence < r.cfg.InterruptedAfter && pub.state == Paused:
		return r.goLive(now, pub)
	}
	return nil
}
