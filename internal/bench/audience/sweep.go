package audience

import "time"

// run empties all sockets once per period until the audience is closed. A sweep
// that took longer than the period is followed by the next at once.
func (a *Audience) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	sweeper := newSweeper(a.cfg)
	next := time.Now()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-timer.C:
		}
		a.sweep(sweeper)
		now := time.Now()
		if next = next.Add(a.cfg.Sweep); next.Before(now) {
			next = now
		}
		timer.Reset(next.Sub(now))
	}
}

func (a *Audience) sweep(s *sweeper) {
	a.mu.Lock()
	viewers := a.viewers // only ever appended to, or replaced
	a.mu.Unlock()
	now := a.cfg.Now()
	tick := !now.Before(s.tickDue)
	if tick {
		s.tickDue = now.Add(tickEvery)
	}
	for _, v := range viewers {
		v.mu.Lock()
		if v.socket != nil {
			v.sweep(s)
			if tick {
				v.tick(now)
			}
		}
		v.mu.Unlock()
	}
}

// tickEvery is how often viewers are asked whether they have something to send: it
// costs a look at each, so it is done less often than sweeping.
const tickEvery = 5 * time.Millisecond

// sweep takes what has arrived.
func (v *Viewer) sweep(s *sweeper) {
	if v.early != nil {
		for _, d := range v.early {
			v.datagram(d.at, d.data, &s.scratch)
		}
		v.early = nil
	}
	if !v.audience.cfg.DeafToMedia {
		s.empty(v)
	}
}

// tick sends what it is time for.
func (v *Viewer) tick(now time.Time) {
	if check := v.consent.tick(now, v.keys); check != nil {
		_ = v.socket.write(check) // or the next time
	}
	for _, s := range v.streams {
		s.expire(now)
	}
	for _, datagram := range v.feedback.due(now, v.streams, v.received) {
		v.send(datagram)
	}
}
