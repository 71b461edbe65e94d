package audience

import "time"

// tickEvery is how often viewers are asked whether they have something to send: it
// costs a look at each, so it is done less often than sweeping.
const tickEvery = 5 * time.Millisecond

// run empties all sockets once per period until the audience is closed. A sweep
// that took longer than the period is followed by the next at once.
func (a *Audience) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	sweeper := newSweeper(a.cfg)
	next, tickDue := time.Now(), time.Time{}
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-timer.C:
		}
		a.sweep(sweeper)
		now := time.Now()
		if !now.Before(tickDue) {
			tickDue = now.Add(tickEvery)
			a.tick(sweeper.viewers)
		}
		if next = next.Add(a.cfg.Sweep); next.Before(now) {
			next = now
		}
		timer.Reset(next.Sub(now))
	}
}

// sweep empties the sockets that have something.
func (a *Audience) sweep(s *sweeper) {
	a.mu.Lock()
	viewers, changes := a.viewers, a.changes // the slice is only ever appended to, or replaced
	a.mu.Unlock()
	if changes != s.changes {
		s.changes, s.viewers = changes, viewers
		for _, v := range viewers {
			v.begin(&s.scratch)
		}
		s.watch()
	}
	s.empty()
}

// begin takes what came before the viewer was ready.
func (v *Viewer) begin(w *scratch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, d := range v.early {
		v.datagram(d.at, d.data, w)
	}
	v.early = nil
}

func (a *Audience) tick(viewers []*Viewer) {
	now := a.cfg.Now()
	for _, v := range viewers {
		v.mu.Lock()
		if v.socket != nil {
			v.tick(now)
		}
		v.mu.Unlock()
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
