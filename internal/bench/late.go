package bench

import (
	"context"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
)

const (
	lateJoiners = 3
	// lateSettle passes after the live edge before delays are compared, for
	// lateWindow; less if the windows of the scenario are shorter.
	lateSettle = time.Second
	lateWindow = 3 * time.Second
)

// late lets viewers join one after another half a group after a key frame, and
// compares their delay with that of those who are there.
func (r *run) late(ctx context.Context) ([]Late, error) {
	var list []Late
	for range lateJoiners {
		if err := r.awaitHalfGroup(ctx); err != nil {
			return list, err
		}
		late, err := r.lateJoiner(ctx)
		if err != nil {
			return list, err
		}
		list = append(list, late)
	}
	return list, nil
}

// awaitHalfGroup waits until a key frame of the first channel is half a group
// old.
func (r *run) awaitHalfGroup(ctx context.Context) error {
	half := r.s.Source.GOP / 2
	for {
		age := time.Since(r.publishers[0].LastKey())
		if age >= half && age < half+r.s.Source.GOP/4 {
			return nil
		}
		wait := half - age
		if wait <= 0 {
			wait = max(r.s.Source.GOP/20, time.Millisecond)
		}
		if age > 2*r.s.Source.GOP { // a file, of which nobody knows
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// lateJoiner brings one viewer in, in an audience of its own.
func (r *run) lateJoiner(ctx context.Context) (late Late, err error) {
	cfg := r.audienceConfig()
	cfg.SampleEvery = 1
	own, err := r.gather(cfg)
	if err != nil {
		return late, err
	}
	defer own.Close() //nolint:errcheck // its viewer has left
	channel := r.s.channel(0)
	limited, cancel := context.WithTimeout(ctx, joinLimit)
	v, err := own.Join(limited, fill(r.s.WHEP, channel), fill(r.s.PlayToken, channel))
	cancel()
	if err != nil {
		return Late{Error: err.Error()}, ctx.Err()
	}
	defer func() { _ = v.Leave(context.WithoutCancel(ctx)) }() // as in hall.leave
	t, err := r.awaitLiveEdge(ctx, v)
	late.FirstKeyFrame, late.LiveEdge = milliseconds(t.FirstKeyFrame), milliseconds(t.LiveEdge)
	if err != nil || t.LiveEdge == 0 {
		late.Error = "it never caught up"
		return late, err
	}
	return late, r.compareDelays(ctx, own, &late)
}

// awaitLiveEdge waits until the viewer has caught up, but not for ever.
func (r *run) awaitLiveEdge(ctx context.Context, v viewer) (audience.Timings, error) {
	for deadline := time.Now().Add(r.s.Source.GOP + 5*time.Second); ; {
		t := v.Timings()
		if t.LiveEdge > 0 && t.FirstKeyFrame > 0 || time.Now().After(deadline) {
			return t, nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return t, err
		}
	}
}

// compareDelays takes the delays of the late viewer and of the others in the
// same seconds.
func (r *run) compareDelays(ctx context.Context, own crowd, late *Late) error {
	if err := sleep(ctx, min(lateSettle, r.s.Duration)); err != nil {
		return err
	}
	own.Reset()
	before := r.crowd.Snapshot()
	if err := sleep(ctx, min(lateWindow, r.s.Duration)); err != nil {
		return err
	}
	mine, all := own.Snapshot(), r.crowd.Snapshot()
	others := between(&before.Delay, &all.Delay)
	late.DelayP50, late.FirstDelayP50 = milliseconds(mine.Delay.Quantile(0.5)), milliseconds(others.Quantile(0.5))
	return nil
}
