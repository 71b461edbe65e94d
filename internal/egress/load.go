package egress

import (
	"sync/atomic"
	"time"
)

const (
	// lateAfter is the age of the oldest packet in a round that makes a worker
	// late: many times what it takes on a busy machine.
	lateAfter = 100 * time.Millisecond
	// lateFor is how long it must be late in every round to count as saturated.
	lateFor = time.Second
	// recovery is how long a worker counts as saturated afterwards.
	recovery = 3 * time.Second
)

// load watches how late a worker is. The worker writes, anybody reads.
type load struct {
	since time.Time    // late since then, worker only; zero if it is not
	until atomic.Int64 // saturated until then, Unix nanoseconds
}

// note takes the age of the oldest packet of a round, and whether media was
// dropped.
func (l *load) note(now time.Time, age time.Duration, shed bool) {
	switch {
	case age < lateAfter:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = now
	}
	if shed || !l.since.IsZero() && now.Sub(l.since) >= lateFor {
		l.until.Store(now.Add(recovery).UnixNano())
	}
}

func (l *load) saturated(now time.Time) bool { return now.UnixNano() < l.until.Load() }
