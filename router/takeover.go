package router

import (
	"fmt"
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
	pub, err := r.place(now, c, req)
	if err != nil {
		return nil, fmt.Errorf("publish %q in %q: %w", req.Participant, req.Channel, err)
	}
	p := newPublisher(now, r, pub, req)
	p.replaces = pub.newest()
	pub.pending = append(pub.pending, p)
	c.publications[pub.key] = pub
	return p, nil
}

// place finds the publication for req, new or to be taken over.
func (r *Router) place(now time.Time, c *channel, req PublishRequest) (*publication, error) {
	key := publicationKey{req.Participant, req.Source}
	if err := r.admitLogin(now, c, req, key); err != nil {
		return nil, err
	}
	pub := c.publications[key]
	if pub == nil {
		if len(c.publications) >= r.cfg.MaxPublications {
			return nil, ErrFull
		}
		return newPublication(c, key), nil
	}
	if cur := pub.newest(); cur != nil && cur.live(now) {
		if wait := r.cfg.TakeoverHold - now.Sub(pub.lastTakeover); wait > 0 && !pub.lastTakeover.IsZero() {
			return nil, ErrBusy.After(wait)
		}
	}
	return pub, nil
}

// admitLogin applies the policy for duplicates: the same participant under
// another login, while that login is live.
func (r *Router) admitLogin(now time.Time, c *channel, req PublishRequest, key publicationKey) error {
	if r.cfg.Duplicates == ReplaceDuplicates {
		return nil // Commit ends the older login's sessions
	}
	for k, pub := range c.publications {
		if k.participant != key.participant {
			continue
		}
		for _, p := range pub.publishers() {
			if p.req.Login != req.Login && !p.silent(now) {
				return ErrBusy.After(2 * time.Second)
			}
		}
	}
	return nil
}

// replace ends everybody whose place p takes. r.mu is held.
func (r *Router) replace(now time.Time, p *Publisher) (ends []func()) {
	if p.pub.active != nil {
		r.observe(now, TakenOver, p.pub)
	}
	for old := p.replaces; old != nil; old = old.replaces {
		if old.live(now) {
			p.pub.lastTakeover = now
		}
		reason := ErrReplaced
		if r.cfg.Duplicates == ReplaceDuplicates && old.req.Login != p.req.Login {
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
		if other == p.pub || k.participant != p.pub.key.participant {
			continue
		}
		for _, q := range other.publishers() {
			if q.req.Login != p.req.Login {
				ends = append(ends, q.endWith(ErrDuplicateID)...)
				r.release(now, q)
			}
		}
	}
	return ends
}
