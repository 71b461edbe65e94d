package egress

import (
	"context"
	"time"

	"github.com/headgate/headgate/router"
)

// Worker owns one shard of the viewers; its goroutine is the only one that
// touches them.
type Worker struct {
	inbox *inbox
	shard *router.Shard
	now   func() time.Time
	out   router.Out
	box   *Outbox
	// idle is the longest sleep while nothing is scheduled.
	idle time.Duration
}

func newWorker(cfg Config) *Worker {
	in := newInbox(cfg.MaxBursts, cfg.MaxRTCP)
	w := &Worker{inbox: in, shard: router.NewShard(in), now: cfg.now, box: NewOutbox(), idle: time.Second}
	w.out.Drain = w.flush
	return w
}

// Do implements router.Executor.
func (w *Worker) Do(f func(now time.Time, s *router.Shard, out *router.Out)) { w.inbox.control(f) }

// run works until ctx ends.
func (w *Worker) run(ctx context.Context) {
	timer := time.NewTimer(w.idle)
	defer timer.Stop()
	var work tasks
	var next time.Time
	for {
		select {
		case <-ctx.Done():
			w.finish(&work)
			return
		case <-w.inbox.wake:
		case <-timer.C:
		}
		next = w.round(&work, next)
		timer.Reset(w.pause(next))
	}
}

// finish runs the control functions that are still waiting, so that whoever
// waits for one of them is not left waiting.
func (w *Worker) finish(work *tasks) {
	work.reset()
	w.inbox.take(work)
	for _, c := range work.controls {
		c(w.now(), w.shard, &w.out)
	}
	w.out.Reset()
}

// round handles everything that is pending and returns when the shard wants to
// be called next.
func (w *Worker) round(work *tasks, next time.Time) time.Time {
	work.reset()
	w.inbox.take(work)
	now := w.now()
	for _, c := range work.controls {
		c(now, w.shard, &w.out)
		w.flush()
	}
	for _, b := range work.bursts {
		w.shard.Burst(now, b, &w.out)
		w.flush()
	}
	for _, f := range work.feedbacks {
		w.shard.RTCP(now, f.client.viewer, f.bytes, &w.out)
		w.flush()
	}
	if !work.empty() || !next.After(now) {
		next = w.shard.Tick(now, &w.out)
		w.flush()
	}
	w.box.Flush()
	return next
}

func (w *Worker) pause(next time.Time) time.Duration {
	if next.IsZero() {
		return w.idle
	}
	return min(max(next.Sub(w.now()), 0), w.idle)
}

// flush seals what the shard planned. Most of it is sent with the next full batch,
// or at the end of the round. Errors belong to one packet: a viewer whose
// connection is going away loses packets, nobody else does.
func (w *Worker) flush() {
	for from := 0; from < len(w.out.Packets); {
		viewer := w.out.Packets[from].Viewer
		to := from + 1
		for to < len(w.out.Packets) && w.out.Packets[to].Viewer == viewer {
			to++
		}
		w.box.Put(viewer.Handle().(*Client).line, w.out.Packets[from:to])
		from = to
	}
	for i := range w.out.RTCP {
		client, _ := w.out.RTCP[i].Viewer.Handle().(*Client)
		client.sendRTCP(w.out.RTCP[i].Packets)
	}
	w.out.Reset()
}
