package router

import (
	"fmt"
	"slices"
	"time"
)

// Publish takes the place of a publication for a new publisher, or refuses with
// ErrBusy or ErrFull. The caller negotiates next and then calls Commit, or
// Abort if that failed.
func (r *Router) Publish(now time.Time, req PublishRequest) (*Publisher, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, err := r.channel(req.Channel)
	if err != nil {
		return nil, err
	}
	defer r.forget(c)
	pub, replaces, err := r.place(now, c, req)
	if err != nil {
		return nil, fmt.Errorf("publish %q in %q: %w", req.Participant, req.Channel, err)
	}
	p := newPublisher(now, r, pub, req)
	p.replaces, p.standby = replaces, r.keepsStandby(c.name)
	pub.pending = append(pub.pending, p)
	c.publications[pub.key] = pub
	return p, nil
}

// place finds the publication for req, new or to be taken over, and whom req is
// going to replace there.
func (r *Router) place(now time.Time, c *channel, req PublishRequest) (pub *publication, replaces *Publisher, err error) {
	key := publicationKey{req.Participant, req.Source}
	pub = c.publications[key]
	if pub != nil && r.keepsStandby(c.name) {
		replaces, err = r.standBy(now, pub, req)
		return pub, replaces, err
	}
	if err := r.admitLogin(now, c, req); err != nil {
		return nil, nil, err
	}
	if pub == nil {
		if len(c.publications) >= r.maxPublications(c.name) {
			return nil, nil, ErrFull
		}
		return newPublication(c, key), nil, nil
	}
	cur := pub.newest()
	if cur != nil && cur.live(now) {
		if wait := r.cfg.TakeoverHold - now.Sub(pub.lastTakeover); wait > 0 && !pub.lastTakeover.IsZero() {
			return nil, nil, ErrBusy.After(wait)
		}
	}
	return pub, cur, nil
}

// admitLogin applies the policy for duplicates: the same participant under
// another login, while that login is live. A standby is no duplicate.
func (r *Router) admitLogin(now time.Time, c *channel, req PublishRequest) error {
	if r.duplicates(c.name) == ReplaceDuplicates {
		return nil // Commit ends the older login's sessions
	}
	for k, pub := range c.publications {
		if k.Participant != req.Participant {
			continue
		}
		for _, p := range pub.publishers() {
			if p.req.Login != req.Login && !p.standby && !p.silent(now) {
				return ErrBusy.After(2 * time.Second)
			}
		}
	}
	return nil
}

// replace ends everybody whose place p takes. r.mu is held.
func (r *Router) replace(now time.Time, p *Publisher) (ends []func()) {
	for old := p.replaces; old != nil; old = old.replaces {
		if old.live(now) {
			p.pub.lastTakeover = now
		}
		switch {
		case old == p.pub.active:
			r.observe(now, TakenOver, p)
		case slices.Contains(p.pub.standbys, old):
			r.observe(now, StandbyGone, old)
		}
		reason := ErrReplaced
		if r.duplicates(p.pub.channel.name) == ReplaceDuplicates && old.req.Login != p.req.Login {
			reason = ErrDuplicateID
		}
		ends = append(ends, old.endWith(reason)...)
		p.pub.remove(old)
	}
	p.replaces = nil
	return ends
}

// endDuplicates ends what the same participant publishes under other logins: the
// policy for duplicates let p in, or they have been silent. r.mu is held.
func (r *Router) endDuplicates(now time.Time, p *Publisher) (ends []func()) {
	for k, other := range p.pub.channel.publications {
		if other == p.pub || k.Participant != p.pub.key.Participant {
			continue
		}
		for _, q := range other.publishers() {
			if q.req.Login != p.req.Login && !q.standby {
				ends = append(ends, q.endWith(ErrDuplicateID)...)
				ends = append(ends, r.release(now, q)...)
			}
		}
	}
	return ends
}
