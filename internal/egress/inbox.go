package egress

import (
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/router"
)

type control func(now time.Time, s *router.Shard, out *router.Out)

// tasks is everything a worker takes from its inbox at once.
type tasks struct {
	controls  []control
	feedbacks feedbacks
	bursts    []router.Burst
	// skipped are the layers bursts of which were dropped.
	skipped []*router.Layer
}

func (b *tasks) empty() bool {
	return len(b.controls)+len(b.feedbacks.list)+len(b.bursts)+len(b.skipped) == 0
}

func (b *tasks) reset() {
	clear(b.controls)
	b.feedbacks.reset()
	clear(b.bursts)
	clear(b.skipped)
	b.controls, b.bursts, b.skipped = b.controls[:0], b.bursts[:0], b.skipped[:0]
}

// inbox collects work for one worker. Publishers, connections and the router
// put in; only the worker takes out. Bursts and feedback are bounded, because
// publishers and viewers make them; control functions are not, because losing
// one would lose a viewer, and sessions are limited elsewhere.
type inbox struct {
	wake chan struct{} // capacity 1: a wake-up is never lost and never waits
	// late fires when feedback that nobody woke the worker for has waited long enough.
	late *time.Timer

	mu        sync.Mutex
	pending   tasks
	maxBursts int
	maxRTCP   int
	shed      uint64 // bursts and feedback dropped because the worker is behind
	// shedFeedback is how much of shed was feedback.
	shedFeedback uint64
	// armed tells that late is going to fire.
	armed bool
}

func newInbox(maxBursts, maxRTCP int) *inbox {
	in := &inbox{wake: make(chan struct{}, 1), late: time.NewTimer(time.Hour), maxBursts: maxBursts, maxRTCP: maxRTCP}
	in.late.Stop()
	return in
}

func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default: // a wake-up is pending already
	}
}

// Deliver implements router.Subscriber. When the worker is behind, whole bursts
// of video are dropped, the oldest first; audio is kept.
func (in *inbox) Deliver(b router.Burst) {
	in.mu.Lock()
	if len(in.pending.bursts) >= in.maxBursts {
		in.shedVideo()
	}
	in.pending.bursts = append(in.pending.bursts, b)
	in.mu.Unlock()
	in.signal()
}

// shedVideo drops the oldest video burst, or the oldest burst if all is audio.
func (in *inbox) shedVideo() {
	at := 0
	for i, b := range in.pending.bursts {
		if b.Layer.Track().Kind() == router.Video {
			at = i
			break
		}
	}
	in.pending.skip(in.pending.bursts[at].Layer)
	in.pending.bursts = slices.Delete(in.pending.bursts, at, at+1)
	in.shed++
}

// skip notes that a burst of l was dropped.
func (b *tasks) skip(l *router.Layer) {
	if l.Track().Kind() == router.Video && !slices.Contains(b.skipped, l) {
		b.skipped = append(b.skipped, l)
	}
}

// dropped counts bursts that the worker dropped.
func (in *inbox) dropped(n uint64) {
	in.mu.Lock()
	in.shed += n
	in.mu.Unlock()
}

func (in *inbox) control(c control) {
	in.mu.Lock()
	in.pending.controls = append(in.pending.controls, c)
	in.mu.Unlock()
	in.signal()
}

// take swaps what is pending with the emptied tasks of the last round.
func (in *inbox) take(empty *tasks) {
	in.mu.Lock()
	in.pending, *empty = *empty, in.pending
	in.mu.Unlock()
}
