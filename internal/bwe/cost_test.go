package bwe

import (
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
)

func BenchmarkSent(b *testing.B) {
	e := New(DefaultConfig())
	now := time.Now() // with the monotonic clock, as the gateway's
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		e.Sent(now, 1200)
	}
}

// BenchmarkFeedback takes feedback on 40 packets, and the 40 calls of Sent.
func BenchmarkFeedback(b *testing.B) {
	e := New(DefaultConfig())
	recorder := twcc.NewRecorder(1)
	var all [][]byte
	for i := range 1 << 16 {
		recorder.Record(1, uint16(i), int64(i)*2500)
		if i%40 == 39 {
			all = append(all, bodies(recorder)...)
		}
	}
	now, i := time.Now(), 0
	b.ReportAllocs()
	for b.Loop() {
		if i == len(all) {
			i, e = 0, New(DefaultConfig())
		}
		for range 40 {
			now = now.Add(2500 * time.Microsecond)
			e.Sent(now, 1200)
		}
		e.Feedback(now, all[i])
		i++
	}
}

func BenchmarkAllocate(b *testing.B) {
	for name, demands := range map[string][]Demand{
		"plain":   {{Audio: true, Steps: steps(64_000)}, {Steps: steps(150_000, 500_000, 1_700_000)}},
		"nine":    many(9),
		"quarter": many(25),
	} {
		b.Run(name, func(b *testing.B) {
			var a Allocator
			grants := make([]int, len(demands))
			now := start
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(100 * time.Millisecond)
				a.Allocate(now, 3_000_000, true, demands, grants)
			}
		})
	}
}

func many(n int) (demands []Demand) {
	for range n {
		demands = append(demands, Demand{Steps: steps(150_000, 500_000, 1_700_000), Current: Paused})
	}
	return demands
}

func TestNothingIsAllocatedInSteadyState(t *testing.T) {
	e := New(DefaultConfig())
	recorder := twcc.NewRecorder(1)
	now := start
	var body []byte
	var a Allocator
	demands, grants := many(3), make([]int, 3)
	round := func() {
		for range 40 {
			now = now.Add(5 * time.Millisecond)
			e.Sent(now, 1200)
		}
		e.Feedback(now, body)
		bits, known := e.Estimate()
		wanted, _ := a.Allocate(now, bits, known, demands, grants)
		e.Want(wanted, wanted, false)
		e.Padding(now)
	}
	for i := range 100 { // the rings grow
		for range 40 {
			recorder.Record(1, uint16(40*i), int64(i)*200_000)
		}
		body = bodies(recorder)[0]
		round()
	}
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
