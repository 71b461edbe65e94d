package egress

import (
	"sync"
	"time"

	"github.com/headgate/headgate/internal/histogram"
	"github.com/headgate/headgate/router"
)

// The bounds of what workers count: packets and runs in powers of two, delays
// around what a frame takes and what Config.MaxDelay allows, in seconds.
var (
	batchBounds = []float64{1, 2, 4, 8, 16, 32, 64}
	delayBounds = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2}
)

// sending is what is counted where packets are given to the system: plain numbers,
// because one goroutine writes them.
type sending struct {
	// runs are packets per run, calls runs per system call.
	runs, calls histogram.Histogram
	// streamed are packets put on framed connections.
	streamed uint64
}

func newSending() sending {
	return sending{runs: histogram.New(batchBounds), calls: histogram.New(batchBounds)}
}

// counts are a worker's numbers as others see them, one round old at most. The
// worker never waits for a reader: it tries again after the next round.
type counts struct {
	mu    sync.Mutex
	sent  sending
	delay histogram.Histogram
	late  bool
}

// noteDelays counts how long the bursts of a round took from their arrival until
// everything was given to the system.
func (w *Worker) noteDelays(bursts []router.Burst) {
	if len(bursts) == 0 {
		return
	}
	now := w.now()
	for _, b := range bursts {
		w.delay.ObserveTime(now.Sub(b.Packets[len(b.Packets)-1].Arrival))
	}
}

// publish shows the worker's numbers to others.
func (w *Worker) publish() {
	if !w.counts.mu.TryLock() {
		return
	}
	w.counts.sent, w.counts.delay, w.counts.late = w.box.batch.sent, w.delay, !w.load.since.IsZero()
	w.counts.mu.Unlock()
}

// Stats is what the workers did so far, and how they are.
type Stats struct {
	// Workers is their number, Late how many of them were too slow in their last
	// round. Saturated is Pool.Saturated.
	Workers, Late int
	Saturated     bool
	// Runs are packets per run and Calls runs per system call, of what went out by
	// UDP. Streamed are packets put on framed connections.
	Runs, Calls histogram.Histogram
	Streamed    uint64
	// Delay is how long bursts took from their arrival to the end of the round that
	// sent them, in seconds, once for each burst and worker.
	Delay histogram.Histogram
	// ShedBursts and ShedFeedback were dropped because workers were behind.
	ShedBursts, ShedFeedback uint64
}

// Stats returns the numbers of all workers together. now is for Saturated.
func (p *Pool) Stats(now time.Time) Stats {
	s := Stats{Workers: len(p.workers), Saturated: p.Saturated(now)}
	for _, w := range p.workers {
		w.addTo(&s)
	}
	return s
}

func (w *Worker) addTo(s *Stats) {
	w.inbox.mu.Lock()
	shed, feedback := w.inbox.shed, w.inbox.shedFeedback
	w.inbox.mu.Unlock()
	s.ShedBursts += shed - feedback
	s.ShedFeedback += feedback
	c := &w.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Runs.Add(&c.sent.runs)
	s.Calls.Add(&c.sent.calls)
	s.Streamed += c.sent.streamed
	s.Delay.Add(&c.delay)
	if c.late {
		s.Late++
	}
}
