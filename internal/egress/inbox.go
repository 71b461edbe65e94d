package egress

import (
	"sync"
	"time"

	"github.com/headgate/headgate/router"
)

// feedback is one RTCP packet of a viewer, copied.
type feedback struct {
	client *Client
	bytes  []byte
}

type control func(now time.Time, s *router.Shard, out *router.Out)

// tasks is everything a worker takes from its inbox at once.
type tasks struct {
	controls  []control
	feedbacks []feedback
	bursts    []router.Burst
}

func (b *tasks) empty() bool {
	return len(b.controls)+len(b.feedbacks)+len(b.bursts) == 0
}

func (b *tasks) reset() {
	clear(b.controls)
	clear(b.feedbacks)
	clear(b.bursts)
	b.controls, b.feedbacks, b.bursts = b.controls[:0], b.feedbacks[:0], b.bursts[:0]
}

// inbox collects work for one worker. Publishers, connections and the router
// put in; only the worker takes out. Bursts and feedback are bounded, because
// publishers and viewers make them; control functions are not, because losing
// one would lose a viewer, and sessions are limited elsewhere.
type inbox struct {
	wake chan struct{} // capacity 1: a wake-up is never lost and never waits

	mu        sync.Mutex
	pending   tasks
	maxBursts int
	maxRTCP   int
	shed      uint64 // bursts and feedback dropped because the worker is behind
}

func newInbox(maxBursts, maxRTCP int) *inbox {
	return &inbox{wake: make(chan struct{}, 1), maxBursts: maxBursts, maxRTCP: maxRTCP}
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
	in.pending.bursts = append(in.pending.bursts[:at], in.pending.bursts[at+1:]...)
	in.shed++
}

func (in *inbox) feedback(f feedback) {
	in.mu.Lock()
	if len(in.pending.feedbacks) < in.maxRTCP {
		in.pending.feedbacks = append(in.pending.feedbacks, f)
	} else {
		in.shed++
	}
	in.mu.Unlock()
	in.signal()
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
