package egress

import (
	"sync/atomic"
	"time"
)

const (
	// lateAfter is the age of the oldest packet in a round that makes a worker
	// late: many times what it takes on a busy machine.
	lateAfter = 100 * time.Millisecond
	// lateFor is how long it must be late in every round to count as saturated: a
	// few hundred viewers who come at once take a second of a core, and that passes.
	lateFor = 2 * time.Second
	// shedAgain is within what time a worker that dropped media must do so again,
	// after lateFor at the earliest, to count as saturated.
	shedAgain = 15 * time.Second
	// recovery is how long a worker counts as saturated afterwards.
	recovery = 3 * time.Second
)

// load watches how late a worker is. The worker writes, anybody reads.
type load struct {
	// since is when it became late, zero if it is not; shed is when it began to drop
	// media. Both are the worker's.
	since, shed time.Time
	until       atomic.Int64 // saturated until then, Unix nanoseconds
}

// note takes the age of the oldest packet of a round, and whether media was
// dropped.
func (l *load) note(now time.Time, age time.Duration, shed bool) {
	again := shed && l.shedsAgain(now)
	switch {
	case age < lateAfter:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = now
	}
	if again || !l.since.IsZero() && now.Sub(l.since) >= lateFor {
		l.until.Store(now.Add(recovery).UnixNano())
	}
}

// shedsAgain notes that media was dropped, and tells whether it was a while ago too.
func (l *load) shedsAgain(now time.Time) bool {
	ago := now.Sub(l.shed)
	if l.shed.IsZero() || ago > shedAgain {
		l.shed = now
		return false
	}
	if ago < lateFor {
		return false
	}
	l.shed = now.Add(-lateFor) // still the same trouble
	return true
}

func (l *load) saturated(now time.Time) bool { return now.UnixNano() < l.until.Load() }
