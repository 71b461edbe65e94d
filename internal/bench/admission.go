package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
)

// admission is what it took to fill the hall.
type admission struct {
	came    int // who were not there before
	took    time.Duration
	cpu     time.Duration // of the server, meanwhile
	packets uint64        // delivered meanwhile
}

// admit fills the hall to n viewers. It is an error if nobody could join.
func (r *run) admit(ctx context.Context, n int) (in admission, err error) {
	before := r.hall.size()
	r.hall.forget()
	r.crowd.Reset()
	start, err := r.cpu()
	if err != nil {
		return in, err
	}
	in.took = r.hall.fill(ctx, n)
	if ctx.Err() != nil {
		return in, context.Cause(ctx)
	}
	end, err := r.cpu()
	stats := r.crowd.Snapshot()
	in.cpu, in.packets, in.came = end-start, delivered(&stats), max(r.hall.size()-before, 0)
	if _, _, first := r.hall.book(); r.hall.size() == 0 && first != nil {
		return in, fmt.Errorf("no viewer could join %s: %w", fill(r.s.WHEP, r.s.channel(0)), first)
	}
	return in, err
}

// joins sums up the ways in of all who came.
func (r *run) joins(in admission) Joins {
	timings, failed, first := r.hall.book()
	of := func(field func(*audience.Timings) time.Duration) (list []time.Duration) {
		for i := range timings {
			if d := field(&timings[i]); d > 0 {
				list = append(list, d)
			}
		}
		return list
	}
	packets := of(func(t *audience.Timings) time.Duration { return t.FirstPacket })
	keys := of(func(t *audience.Timings) time.Duration { return t.FirstKeyFrame })
	j := Joins{
		Joined: len(timings), JoinErrors: failed, NoKeyFrame: len(timings) - len(keys),
		AnsweredP50:    milliseconds(quantile(of(func(t *audience.Timings) time.Duration { return t.Answered }), 0.5)),
		ConnectedP50:   milliseconds(quantile(of(func(t *audience.Timings) time.Duration { return t.DTLSConnected }), 0.5)),
		FirstPacketP50: milliseconds(quantile(packets, 0.5)), FirstPacketP95: milliseconds(quantile(packets, 0.95)),
		FirstKeyFrameP50: milliseconds(quantile(keys, 0.5)), FirstKeyFrameP95: milliseconds(quantile(keys, 0.95)),
		LiveEdgeP95: milliseconds(quantile(of(func(t *audience.Timings) time.Duration { return t.LiveEdge }), 0.95)),
	}
	if first != nil {
		j.FirstError = first.Error()
	}
	if in.took > 0 {
		j.JoinsPerSecond = round(float64(in.came) / in.took.Seconds())
	}
	return j
}

// delivered is what the server sent and the viewers got, also what they were told
// to lose.
func delivered(s *audience.Stats) uint64 { return s.Packets + s.Dropped }

// server sums up what the server used: in the window, for the way in, and of
// memory.
func (r *run) server(in admission, w *window) (*Server, error) {
	memory, err := r.gauge.Memory(r.s.PIDs...)
	if err != nil {
		return nil, err
	}
	s := &Server{Cores: round(w.cpu.Seconds() / w.took.Seconds()), MemoryRSS: round(float64(memory.RSS) / (1 << 20))}
	price := 0.0 // seconds of processor a packet
	if n := delivered(&w.stats); n > 0 {
		price = w.cpu.Seconds() / float64(n)
		s.CPUPerPacket = round(price * 1e6)
	}
	if n := r.hall.size(); n > 0 {
		s.MemoryPerViewer = round(float64(memory.RSS-r.base.RSS) / 1024 / float64(n))
		if r.base.PSS > 0 {
			s.PSSPerViewer = round(float64(memory.PSS-r.base.PSS) / 1024 / float64(n))
		}
	}
	if in.came > 0 {
		s.SetupPerSessionGross = round(in.cpu.Seconds() * 1000 / float64(in.came))
		s.SetupPerSession = round(max(0, in.cpu.Seconds()-price*float64(in.packets)) * 1000 / float64(in.came))
	}
	return s, nil
}
