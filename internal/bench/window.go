package bench

import (
	"context"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/source"
)

// window is what happened while nothing was to change.
type window struct {
	began    time.Time
	took     time.Duration
	stats    audience.Stats // of the whole window
	lost     int            // viewers whose session ended
	cpu      time.Duration  // of the server
	own      time.Duration  // of this process
	machine  time.Duration  // of all processors
	sent     source.Stats   // in the window
	late     time.Duration  // of a publisher
	restarts int
	refused  int // selections
	series   []Second
}

// watch measures for the time of the scenario, with churn and restarts if these
// are wanted.
func (r *run) watch(ctx context.Context) (*window, error) {
	disturb, stop := context.WithCancel(ctx)
	var trouble sync.WaitGroup
	defer trouble.Wait()
	defer stop()
	w := &window{began: time.Now()}
	r.crowd.Reset()
	lostBefore, err := r.begin(w)
	if err != nil {
		return nil, err
	}
	if r.s.Churn > 0 {
		trouble.Go(func() { r.churn(disturb) })
	}
	if r.s.RestartEvery > 0 {
		trouble.Go(func() { r.restart(disturb, w) })
	}
	if r.s.SwitchEvery > 0 {
		trouble.Go(func() { r.choose(disturb, w) })
	}
	if err := r.follow(ctx, w); err != nil {
		return nil, err
	}
	stop()
	trouble.Wait()
	w.lost = max(0, w.stats.Ended+w.stats.Silent-lostBefore)
	return w, nil
}

// begin notes what there was before; end turns it into differences.
func (r *run) begin(w *window) (lost int, err error) {
	if w.cpu, err = r.cpu(); err != nil {
		return 0, err
	}
	w.own, _ = r.gauge.CPU(r.self) // known on Linux only, as the next
	w.machine, _ = r.gauge.Machine()
	w.sent, _ = r.sent()
	before := r.crowd.Snapshot()
	return before.Ended + before.Silent, nil
}

func (r *run) end(w *window) error {
	w.took = time.Since(w.began)
	cpu, err := r.cpu()
	if err != nil {
		return err
	}
	own, _ := r.gauge.CPU(r.self) // as above
	machine, _ := r.gauge.Machine()
	sent, late := r.sent()
	w.cpu, w.own, w.machine, w.late = cpu-w.cpu, own-w.own, machine-w.machine, late
	w.sent.KeyFrames = sent.KeyFrames - w.sent.KeyFrames
	w.sent.KeyFrameRequests = sent.KeyFrameRequests - w.sent.KeyFrameRequests
	w.stats = r.crowd.Snapshot()
	return nil
}

// follow takes a look every second until the window is over.
func (r *run) follow(ctx context.Context, w *window) error {
	end := time.NewTimer(r.s.Duration)
	defer end.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	before, cpu := audience.Stats{}, w.cpu
	look := func() {
		now, used := r.crowd.Snapshot(), time.Duration(0)
		if total, err := r.cpu(); err == nil {
			used, cpu = total-cpu, total
		}
		w.series = append(w.series, secondOf(time.Since(w.began), &before, &now, used))
		before = now
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-second.C:
			look()
		case <-end.C:
			if time.Since(w.began) >= time.Duration(len(w.series)+1)*time.Second {
				look() // both were due
			}
			return r.end(w)
		}
	}
}

func secondOf(at time.Duration, before, now *audience.Stats, cpu time.Duration) Second {
	delay := between(&before.Delay, &now.Delay)
	s := Second{
		At: round(at.Seconds()), Packets: now.Packets - before.Packets,
		DelayP50: milliseconds(delay.Quantile(0.5)), DelayP99: milliseconds(delay.Quantile(0.99)),
	}
	if n := delivered(now) - delivered(before); n > 0 {
		s.CPUPerPacket = round(float64(cpu.Microseconds()) / float64(n))
	}
	return s
}

// describe writes what was delivered, and what that took here, into p.
func (w *window) describe(p *Point) {
	s, seconds := &w.stats, w.took.Seconds()
	percent := func(part, whole uint64) float64 {
		if whole == 0 {
			return 0
		}
		return round(100 * float64(part) / float64(whole))
	}
	p.Seconds, p.Series = round(seconds), w.series
	p.Delivery = Delivery{
		Packets: s.Packets, PacketsPerSecond: round(float64(s.Packets) / seconds), MegabitPerSecond: round(float64(s.Bytes) * 8 / 1e6 / seconds),
		LossPercent: percent(s.Lost, s.Expected), Lost: s.Lost, Duplicates: s.Duplicates, Reordered: s.Reordered, Retransmitted: s.Retransmitted, Dropped: s.Dropped,
		DelaySamples: s.Delay.Count(), Frames: s.Frames, FramesBrokenPercent: percent(s.FramesBroken, s.Frames),
		FramesSkippedPercent: percent(s.FramesSkipped, s.Frames+s.FramesSkipped), Freezes: s.Freezes, ViewersLost: w.lost,
		LongestFreeze: milliseconds(s.LongestFreeze), FrozenPercent: round(100 * s.Frozen.Seconds() / (seconds * float64(max(p.Viewers, 1)))),
		StepsBack: s.StepsBack, PLIs: s.PLIs, NACKs: s.NACKs, Feedbacks: s.Transports,
		DelayP50: milliseconds(s.Delay.Quantile(0.5)), DelayP95: milliseconds(s.Delay.Quantile(0.95)),
		DelayP99: milliseconds(s.Delay.Quantile(0.99)), DelayMax: milliseconds(s.Delay.Max()),
	}
	p.Client = Client{
		OtherCores:  round(max(0, w.machine-w.own-w.cpu).Seconds() / seconds),
		ClientCores: round(w.own.Seconds() / seconds), PublisherLate: milliseconds(w.late), Overflow: s.Overflow,
		KeyFrames: w.sent.KeyFrames, KeyFrameRequests: w.sent.KeyFrameRequests, Restarts: w.restarts,
	}
}

// churnParallel is how many viewers are replaced at once; who would be one more
// is left out.
const churnParallel = 16

// churn replaces viewers until ctx ends, and waits for those under way.
func (r *run) churn(ctx context.Context) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / r.s.Churn))
	defer ticker.Stop()
	places := make(chan struct{}, churnParallel) // full: this turn is skipped
	var work sync.WaitGroup
	defer work.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		select {
		case places <- struct{}{}:
			work.Go(func() {
				r.hall.swap(context.WithoutCancel(ctx))
				<-places
			})
		default:
		}
	}
}

// restart stops and starts publishers in turn until ctx ends. One that cannot
// come back is reported by publisherError.
func (r *run) restart(ctx context.Context, w *window) {
	ticker := time.NewTicker(r.s.RestartEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p := r.publishers[w.restarts%len(r.publishers)]
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinLimit)
			err := p.Restart(limited)
			cancel()
			if w.restarts++; err != nil {
				r.say("a publisher cannot come back: %v", err)
				return
			}
		}
	}
}
