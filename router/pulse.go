package router

import (
	"sync/atomic"
	"time"
)

const (
	// rememberedPauses is how many pauses between bursts are looked at for the
	// usual one.
	rememberedPauses = 4
	// pausesOfPatience is how many usual pauses make a silence, in quarters: one
	// lost packet of a publisher that sends every 400 ms makes 800 ms.
	pausesOfPatience = 9
)

// pulse tells when media of a publisher came last, on any of its tracks, and how
// long its pauses usually are: 20 ms of speech, 400 ms of Opus in silence (DTX), a
// second of a shared screen. One goroutine at a time writes, any may read.
type pulse struct {
	born time.Time
	// last is since born, 0 before the first burst.
	last, usual atomic.Int64

	pauses [rememberedPauses]time.Duration // the writer's
	count  int
}

// beat notes a burst that came at a time.
func (p *pulse) beat(at time.Time) {
	d := max(at.Sub(p.born), 1)
	before := time.Duration(p.last.Load())
	if d <= before {
		return
	}
	p.last.Store(int64(d))
	if before == 0 {
		return
	}
	p.pauses[p.count%rememberedPauses] = d - before
	p.count++
	p.usual.Store(int64(p.secondLongest()))
}

// secondLongest is the usual pause: one long one is an accident, two are a habit.
func (p *pulse) secondLongest() time.Duration {
	var longest, second time.Duration
	for _, d := range p.pauses {
		if d > longest {
			longest, second = d, longest
		} else if d > second {
			second = d
		}
	}
	return second
}

// lastBeat is when media came last; ok is false when none ever did.
func (p *pulse) lastBeat() (at time.Time, ok bool) {
	d := p.last.Load()
	return p.born.Add(time.Duration(d)), d != 0
}

// patience is how long a silence must be to mean something: least, more for
// those that send rarely, but no more than most.
func (p *pulse) patience(least, most time.Duration) time.Duration {
	return max(least, min(time.Duration(p.usual.Load())*pausesOfPatience/4, most))
}
