package router

import (
	"slices"
	"time"
)

const (
	// standbyRetry is how often a standby is looked for while the active publisher
	// is silent and no standby sends.
	standbyRetry = 50 * time.Millisecond
	// standbyProbes is how often a new standby is asked for a key frame: whether it
	// answers is to be known before it is needed. An encoder that is deaf to
	// requests may seem to answer once, by chance.
	standbyProbes     = 2
	standbyProbeEvery = time.Second
)

// keepsStandby tells whether a second publisher of a channel's publication is kept
// warm instead of replacing the first.
func (c *Config) keepsStandby(channel string) bool {
	return slices.ContainsFunc(c.Standby, func(pattern string) bool { return matches(pattern, channel) })
}

// standBy finds room for one more publisher of a publication that keeps standbys,
// whatever its login is. One that fell silent is replaced; when all places are
// taken, so is one that does not send, by its own login at once.
func (r *Router) standBy(now time.Time, pub *publication, req PublishRequest) (replaces *Publisher, err error) {
	staying := pub.staying()
	for _, p := range staying {
		if p.wasHeard() && p.silent(now) {
			return p, nil
		}
	}
	if len(staying) <= r.cfg.MaxStandbys {
		return nil, nil
	}
	for i := len(staying) - 1; i >= 0; i-- {
		p := staying[i]
		if p.req.Login == req.Login && !p.sending(now, p.patience()) || !p.sent && p.silent(now) {
			return p, nil
		}
	}
	return nil, ErrBusy.After(2 * time.Second)
}

// staying are the publishers that nobody under negotiation is going to replace.
func (p *publication) staying() (list []*Publisher) {
	leaving := make(map[*Publisher]bool)
	for _, q := range p.pending {
		leaving[q.replaces] = true
	}
	for _, q := range p.publishers() {
		if !leaving[q] {
			list = append(list, q)
		}
	}
	return list
}

// enlist makes p a standby, the last in line. r.mu is held.
func (r *Router) enlist(now time.Time, p *Publisher) {
	p.pub.standbys = append(p.pub.standbys, p)
	r.watched[p.pub] = struct{}{}
	r.observe(now, StandbyReady, p)
}

// promote makes a standby the active publisher. The active one, if it is still
// there, becomes the last standby: a publisher that comes back does not take its
// place back. r.mu is held.
func (r *Router) promote(now time.Time, p *Publisher) []func() {
	pub, old := p.pub, p.pub.active
	pub.remove(p)
	if old != nil {
		old.standby = true
		pub.standbys = append(pub.standbys, old)
	}
	pub.show(p)
	r.observe(now, SwitchedOver, p)
	if p.sent && pub.state != Live {
		return r.goLive(now, pub)
	}
	return pub.channel.resolve(now)
}

// successor is the standby to take over when the active publisher has gone: one
// that sends now, else one that ever did, else any; of equals the first in line.
func (p *publication) successor(now time.Time) *Publisher {
	if s := p.warmest(now); s != nil {
		return s
	}
	for _, s := range p.standbys {
		if s.sent {
			return s
		}
	}
	if len(p.standbys) > 0 {
		return p.standbys[0]
	}
	return nil
}

// warmest is the first standby in line that sends now.
func (p *publication) warmest(now time.Time) *Publisher {
	for _, s := range p.standbys {
		if s.sending(now, s.patience()/2) {
			return s
		}
	}
	return nil
}

// sending tells whether media of p came within d.
func (p *Publisher) sending(now time.Time, d time.Duration) bool {
	at, ever := p.pulse.lastBeat()
	return ever && now.Sub(at) < d
}

// patience is how long no media may come from p before a standby takes over.
func (p *Publisher) patience() time.Duration {
	return p.pulse.patience(p.router.cfg.StandbyAfter, p.router.cfg.InterruptedAfter)
}

// Watch lets standbys take over from publishers that send no media any more. It
// returns when it wants to be called next, the zero time while there are no
// standbys; call it, too, whenever a publisher was committed.
func (r *Router) Watch(now time.Time) (next time.Time) {
	next, ends := r.watch(now)
	for _, end := range ends {
		end()
	}
	return next
}

func (r *Router) watch(now time.Time) (next time.Time, ends []func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pub := range r.watched {
		if len(pub.standbys) == 0 {
			delete(r.watched, pub)
			continue
		}
		at, more := r.watchPublication(now, pub)
		next, ends = earlier(next, at), append(ends, more...)
	}
	return next, ends
}

// watchPublication asks the standbys for key frames when half of the patience
// with the active publisher is over, so that there is a fresh picture to begin
// with, and lets one of them take over when all of it is.
func (r *Router) watchPublication(now time.Time, pub *publication) (next time.Time, ends []func()) {
	for _, s := range pub.standbys {
		s.probe(now)
	}
	last, ever := pub.active.pulse.lastBeat()
	patience := pub.active.patience()
	switch silence := now.Sub(last); {
	case ever && silence < patience/2:
		return last.Add(patience / 2), nil
	case ever && silence < patience:
		if !pub.suspected.Equal(last) {
			pub.suspected = last
			pub.askStandbys(now)
		}
		return last.Add(patience), nil
	}
	if s := pub.warmest(now); s != nil {
		return now.Add(standbyRetry), r.promote(now, s)
	}
	return now.Add(standbyRetry), nil
}

func (p *publication) askStandbys(now time.Time) {
	for _, s := range p.standbys {
		s.askKeyFrame(now)
	}
}

func (p *Publisher) askKeyFrame(now time.Time) {
	for _, l := range p.video.Layers() {
		l.RequestKeyFrame(now)
	}
}

// probe finds out whether a standby answers requests for key frames. A section
// that has to begin with an old group waits for an answer first, unless it is
// known that none will come.
func (p *Publisher) probe(now time.Time) {
	if p.probes >= standbyProbes || now.Sub(p.probed) < standbyProbeEvery || len(p.video.Layers()) == 0 {
		return
	}
	p.probes, p.probed = p.probes+1, now
	p.askKeyFrame(now)
}
