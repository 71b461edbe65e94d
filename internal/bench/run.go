package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/floor"
	"github.com/headgate/headgate/internal/bench/procstat"
	"github.com/headgate/headgate/internal/bench/source"
)

// floorTime is how long each of the two measurements of the floor takes.
const floorTime = time.Second

// run is a scenario under way.
type run struct {
	world
	s          Scenario
	say        func(format string, args ...any)
	out        Run
	crowd      crowd
	hall       *hall
	publishers []publisher
	members    []member // of a call
	// base is the memory before the first viewer came.
	base procstat.Memory
}

// Measure runs one scenario. progress is told what happens, line by line; it may
// be nil. What was measured before an error, or before ctx ended, is returned
// beside it.
func Measure(ctx context.Context, s Scenario, progress func(string)) (Run, error) {
	return measure(ctx, realWorld(), s, progress)
}

func measure(ctx context.Context, w world, s Scenario, progress func(string)) (Run, error) {
	if err := s.Validate(); err != nil {
		return Run{}, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	r := &run{world: w, s: s, out: describe(s), say: func(format string, args ...any) { progress(fmt.Sprintf(format, args...)) }}
	err := r.all(ctx)
	return r.out, err
}

// describe writes down what is going to be measured.
func describe(s Scenario) Run {
	return Run{
		Name: s.Name, WHIP: s.WHIP, WHEP: s.WHEP, Started: time.Now().UTC().Truncate(time.Second),
		Stream: Stream{Channels: s.Channels, Config: s.Source, GOP: s.Source.GOP.Seconds(), MinKeyInterval: s.Source.MinKeyInterval.Seconds()},
		Setup: Setup{
			Duration: s.Duration.Seconds(), Warmup: s.Warmup.Seconds(), JoinParallel: s.JoinParallel, JoinRate: s.JoinRate, Churn: s.Churn,
			RestartEvery: s.RestartEvery.Seconds(), SwitchEvery: s.SwitchEvery.Seconds(), LossPercent: round(s.Loss * 100), Feedback: s.Feedback.String(), Limits: s.Limits,
		},
	}
}

func (r *run) all(ctx context.Context) (err error) {
	if err = r.floor(ctx); err != nil {
		return err
	}
	if err = r.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	switch {
	case r.s.FindMax:
		err = r.search(ctx)
	case r.s.CompareFeedback:
		err = r.compare(ctx)
	default:
		err = r.list(ctx)
	}
	if err == nil {
		err = r.floor(ctx)
	}
	r.compareWithFloor()
	return err
}

// floor measures what a packet costs at least, if that is wanted.
func (r *run) floor(ctx context.Context) error {
	if !r.s.Floor || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	result, err := floor.Measure(floor.Reference(), floorTime)
	if err != nil {
		return fmt.Errorf("measure the floor: %w", err)
	}
	r.say("floor: %.0f ns a packet", result.NsPerPacket)
	if r.out.FloorNs == 0 || result.NsPerPacket < r.out.FloorNs {
		r.out.FloorNs = round(result.NsPerPacket)
	}
	return nil
}

func (r *run) compareWithFloor() {
	for i := range r.out.Points {
		if p := &r.out.Points[i]; p.Server != nil && r.out.FloorNs > 0 {
			p.OfFloor = round(p.CPUPerPacket * 1000 / r.out.FloorNs)
		}
	}
}

// open starts the publishers and looks at the server before anybody watches.
func (r *run) open(ctx context.Context) (err error) {
	if _, err = r.cpu(); err != nil {
		return fmt.Errorf("look at the server's process: %w", err)
	}
	if r.crowd, err = r.gather(r.audienceConfig()); err != nil {
		return err
	}
	r.hall = &hall{crowd: r.crowd, s: &r.s}
	if err = r.join(ctx); err != nil {
		return errors.Join(err, r.close(ctx))
	}
	for i := range r.s.publishers() {
		endpoint, token, cfg := r.s.publishing(i)
		p, err := r.publish(ctx, cfg, endpoint, token)
		if err != nil {
			return errors.Join(fmt.Errorf("publish to %s: %w", endpoint, err), r.close(ctx))
		}
		r.publishers = append(r.publishers, p)
	}
	r.say("%d on air", len(r.publishers))
	if err = sleep(ctx, r.s.Warmup); err == nil && len(r.s.PIDs) > 0 {
		r.base, err = r.gauge.Memory(r.s.PIDs...)
	}
	if err != nil {
		return errors.Join(err, r.close(ctx))
	}
	return nil
}

func (r *run) audienceConfig() audience.Config {
	cfg := audience.Config{SampleEvery: r.s.SampleEvery, Feedback: r.s.Feedback, Loss: r.s.Loss}
	if r.s.layered() {
		cfg.Witnesses = witnesses
	}
	if r.s.SwitchEvery > 0 || r.s.Call != nil {
		cfg.SampleEvery = 1 // to see a layer's or somebody's first frame
	}
	if r.s.Call != nil {
		cfg.Slots, cfg.Self = r.s.Call.Slots, r.s.self
	}
	return cfg
}

// close ends viewers, then publishers.
func (r *run) close(ctx context.Context) error {
	r.hall.leave(ctx, r.hall.size())
	errs := make([]error, len(r.publishers))
	parallel(leaveParallel, len(r.publishers), func(i int) { errs[i] = r.publishers[i].Close(ctx) })
	r.publishers = nil
	errs = append(errs, r.leave(ctx), r.crowd.Close())
	return errors.Join(errs...)
}

// list measures each number of viewers, each with a hall that was empty.
func (r *run) list(ctx context.Context) error {
	for i, n := range r.s.Viewers {
		if i > 0 {
			r.hall.leave(ctx, r.hall.size())
		}
		p, err := r.point(ctx, n)
		if err != nil {
			return err
		}
		r.out.Points = append(r.out.Points, p)
	}
	return nil
}

// point measures with n viewers.
func (r *run) point(ctx context.Context, n int) (Point, error) {
	p := Point{Viewers: n, Channels: r.s.Channels}
	in, err := r.admit(ctx, n)
	if err != nil {
		return p, err
	}
	r.say("%d viewers are in after %v; measuring for %v", r.hall.size(), in.took.Round(time.Millisecond), r.s.Duration)
	if err = sleep(ctx, r.s.Warmup); err != nil {
		return p, err
	}
	w, err := r.watch(ctx)
	if err != nil {
		return p, err
	}
	w.describe(&p)
	if r.s.layered() {
		p.Adaptation = w.adaptation(r.hall.size())
	}
	if r.s.Call != nil {
		p.Slots = w.slots(r)
	}
	p.Joins = r.joins(in)
	if len(r.s.PIDs) > 0 {
		if p.Server, err = r.server(in, w); err != nil {
			return p, err
		}
	}
	if r.s.LateJoin {
		if p.Late, err = r.late(ctx); err != nil {
			return p, err
		}
	}
	p.Broken = r.s.Limits.broken(&p)
	p.Notes = notes(&p)
	r.say("%s", p.brief())
	return p, r.publisherError()
}

// publisherError tells whether a publisher stopped by itself.
func (r *run) publisherError() error {
	for i, p := range r.publishers {
		if err := p.Err(); err != nil {
			endpoint, _, _ := r.s.publishing(i)
			return fmt.Errorf("the publisher to %s stopped: %w", endpoint, err)
		}
	}
	return nil
}

// cpu is the server's processor time so far, 0 if it is not known.
func (r *run) cpu() (time.Duration, error) {
	if len(r.s.PIDs) == 0 {
		return 0, nil
	}
	return r.gauge.CPU(r.s.PIDs...)
}

// sent sums up the publishers, and by how much one was late since sent was called
// before.
func (r *run) sent() (sum source.Stats, late time.Duration) {
	for _, p := range r.publishers {
		s := p.Stats()
		sum.KeyFrames += s.KeyFrames
		sum.KeyFrameRequests += s.KeyFrameRequests
		late = max(late, p.Late())
	}
	return sum, late
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
