package call

import (
	"context"
	"time"
)

// The loop looks every loopEvery at who speaks, and every sweepEvery at what is over.
// Where publications change it looks at once.
const (
	loopEvery  = 100 * time.Millisecond
	sweepEvery = time.Second
)

// loop is the Service's one goroutine. Start starts it and Close waits for it.
func (s *Service) loop(ctx context.Context) {
	tick := time.NewTicker(loopEvery)
	defer tick.Stop()
	var swept time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.director.woken:
			s.react(s.parts.Now())
			continue
		case <-tick.C:
		}
		now := s.parts.Now()
		s.listen(now)
		s.score(now)
		if now.Sub(swept) >= sweepEvery {
			swept = now
			s.sweep(now)
		}
	}
}
