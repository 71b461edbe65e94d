package router

import (
	"slices"
	"sync/atomic"
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

// publicationKey is a Cast by another name: conversions want the same fields.
type publicationKey struct{ Participant, Source string }

// publication is a participant's source. It outlives its publishers: viewers
// stay when one goes and another comes. The router's lock guards it.
type publication struct {
	channel *channel
	key     publicationKey
	state   State
	// liveSince orders publications for the program.
	liveSince    time.Time
	lastTakeover time.Time
	suspected    time.Time // the beat after which standbys were asked for key frames
	// active feeds the viewers; nil between two publishers. Without one the
	// publication is waiting. shown is its video, for those who may not take the
	// router's lock.
	active *Publisher
	shown  atomic.Pointer[Track]
	muted  Mute
	// pending are being negotiated, in the order of their POSTs.
	pending []*Publisher
	// standbys are kept warm, the first in line first. There are none without an
	// active publisher.
	standbys []*Publisher
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
	return append(append(all, p.standbys...), p.pending...)
}

// newest is the publisher a new one takes the place of, where the policy is to
// replace.
func (p *publication) newest() *Publisher {
	if n := len(p.pending); n > 0 {
		return p.pending[n-1]
	}
	return p.active
}

// remove takes a publisher out, wherever it is.
func (p *publication) remove(gone *Publisher) {
	same := func(q *Publisher) bool { return q == gone }
	p.pending = slices.DeleteFunc(p.pending, same)
	p.standbys = slices.DeleteFunc(p.standbys, same)
	if p.active == gone {
		p.active = nil
		p.shown.Store(nil)
	}
}

// show makes a publisher the active one.
func (p *publication) show(next *Publisher) {
	p.active, next.standby = next, false
	p.shown.Store(next.video)
}

// release takes out a publisher that is over. A standby takes an active one's
// place; without one viewers see nothing, but keep their sessions. It returns the
// calls that end viewers. r.mu is held.
func (r *Router) release(now time.Time, gone *Publisher) (ends []func()) {
	pub := gone.pub
	wasActive, wasStandby := pub.active == gone, slices.Contains(pub.standbys, gone)
	pub.remove(gone)
	switch next := pub.successor(now); {
	case wasStandby:
		r.observe(now, StandbyGone, gone)
	case wasActive && next != nil:
		ends = r.promote(now, next)
	case wasActive:
		ends = r.unpublish(now, gone)
	}
	if len(pub.publishers()) == 0 && pub.channel.publications[pub.key] == pub {
		delete(pub.channel.publications, pub.key)
		r.forget(pub.channel)
	}
	return ends
}

// unpublish takes a publication off the air whose last publisher has gone. r.mu
// is held.
func (r *Router) unpublish(now time.Time, gone *Publisher) []func() {
	pub := gone.pub
	if pub.onAir() {
		r.observe(now, Unpublished, gone)
	}
	pub.state = Waiting
	return pub.channel.resolve(now)
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
	r.observe(now, what, pub.active)
	return pub.channel.resolve(now)
}

// sweepPublication ends publishers that are lost, and moves the publication by
// the silence of the active one.
func (r *Router) sweepPublication(now time.Time, pub *publication) (ends []func()) {
	for _, p := range pub.publishers() {
		if p.wasHeard() && now.Sub(p.lastSeen()) >= r.cfg.EndedAfter {
			ends = append(ends, p.endWith(ErrLost)...)
			ends = append(ends, r.release(now, p)...)
		}
	}
	if pub.active == nil {
		return ends
	}
	switch silence := now.Sub(pub.active.lastSeen()); {
	case silence >= r.cfg.InterruptedAfter && pub.state == Live:
		pub.state = Paused
		r.observe(now, Interrupted, pub.active)
		ends = append(ends, pub.channel.resolve(now)...)
	case silence < r.cfg.InterruptedAfter && pub.state == Paused:
		ends = append(ends, r.goLive(now, pub)...)
	}
	return ends
}
