package egress

import (
	"context"
	"time"

	"github.com/headgate/headgate/internal/histogram"
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
	load  load
	// delay is the worker's own; counts is what others see.
	delay  histogram.Histogram
	counts counts
	// overrun are viewers whose connection took less than it was given in this
	// round, paused those whose picture is stopped until theirs has room again.
	overrun, paused []*router.Viewer
	// maxDelay is Config.MaxDelay.
	maxDelay time.Duration
	// idle is the longest sleep while nothing is scheduled.
	idle time.Duration
}

func newWorker(cfg Config) *Worker {
	in := newInbox(cfg.MaxBursts, cfg.MaxRTCP)
	w := &Worker{inbox: in, shard: router.NewShard(in), now: cfg.now, box: NewOutbox(), maxDelay: cfg.MaxDelay, idle: time.Second, delay: histogram.New(delayBounds)}
	w.publish()
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
		case <-w.inbox.late.C:
			if !w.inbox.overdue() {
				continue
			}
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
	now = w.forward(now, work)
	for _, f := range work.feedbacks.list {
		f.client.waiting.Add(-1)
		w.shard.RTCP(now, f.client.viewer, work.feedbacks.of(f), &w.out)
		w.flush()
	}
	if !work.empty() || !next.After(now) {
		next = w.shard.Tick(now, &w.out)
		w.flush()
	}
	w.box.Flush()
	w.noteDelays(work.bursts)
	w.pauseOverrun(now)
	next = earlier(next, w.resumePaused(now))
	w.box.Flush() // what goes on may have moved from TCP to UDP meanwhile
	w.publish()
	return next
}

// pauseOverrun stops the pictures of viewers whose connections are full, once
// nobody walks over the shard.
func (w *Worker) pauseOverrun(now time.Time) {
	for i, viewer := range w.overrun {
		if line := lineOf(viewer); !line.paused {
			line.paused = true
			w.shard.Stall(now, viewer, &w.out)
			w.paused = append(w.paused, viewer)
		}
		w.overrun[i] = nil
	}
	w.overrun = w.overrun[:0]
	w.flush()
}

// resumeEvery is how often full connections are looked at.
const resumeEvery = 50 * time.Millisecond

// resumePaused lets pictures go on for which there is room again. It returns when
// to look again, zero if nobody waits.
func (w *Worker) resumePaused(now time.Time) time.Time {
	kept := w.paused[:0]
	for _, viewer := range w.paused {
		line := lineOf(viewer)
		if line.path.Load().behind(true) {
			kept = append(kept, viewer)
			continue
		}
		line.paused = false
		w.shard.Resume(now, viewer, &w.out)
		w.flush()
	}
	clear(w.paused[len(kept):])
	w.paused = kept
	if len(kept) == 0 {
		return time.Time{}
	}
	return now.Add(resumeEvery)
}

// earlier returns the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func lineOf(v *router.Viewer) *Line { return v.Handle().(*Client).line }

// soundDelay is how many times later than video sound may be before it is dropped:
// it is a fiftieth of the work, and what people miss most.
const soundDelay = 4

// forward hands bursts to the shard, but drops what is too late to be worth sending
// when its turn comes, so that delay can't grow however long a round takes. Then
// whoever was shown it waits for a key frame. It returns the time it is then.
func (w *Worker) forward(now time.Time, work *tasks) time.Time {
	shed := uint64(0)
	var age time.Duration
	if len(work.bursts) > 0 {
		age = now.Sub(arrivalOf(work.bursts[0]))
	}
	for _, l := range work.skipped {
		w.skip(now, l)
	}
	for _, b := range work.bursts {
		now = w.now()
		if now.Sub(arrivalOf(b)) > w.patience(b) {
			shed++
			w.skip(now, b.Layer)
			continue
		}
		w.shard.Burst(now, b, &w.out)
		w.flush()
	}
	w.inbox.dropped(shed)
	w.load.note(now, age, shed+uint64(len(work.skipped)) > 0)
	return now
}

func (w *Worker) skip(now time.Time, l *router.Layer) {
	if l.Track().Kind() == router.Video {
		w.shard.Skip(now, l, &w.out)
		w.flush()
	}
}

// patience is how late a burst may be.
func (w *Worker) patience(b router.Burst) time.Duration {
	if b.Layer.Track().Kind() == router.Audio {
		return soundDelay * w.maxDelay
	}
	return w.maxDelay
}

// arrivalOf is when the last packet of a burst came.
func arrivalOf(b router.Burst) time.Time { return b.Packets[len(b.Packets)-1].Arrival }

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
		line := lineOf(viewer)
		w.box.Put(line, w.out.Packets[from:to])
		if line.overrun {
			line.overrun = false
			w.overrun = append(w.overrun, viewer)
		}
		from = to
	}
	for i := range w.out.RTCP {
		w.box.PutRTCP(lineOf(w.out.RTCP[i].Viewer), &w.out.RTCP[i])
	}
	w.out.Reset()
}
