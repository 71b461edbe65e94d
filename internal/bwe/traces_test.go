package bwe

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	threeLayers = []int{150_000, 500_000, 1_700_000}
	fourLayers  = []int{100_000, 400_000, 1_500_000, 4_000_000}
)

func TestALinkThatStaysGetsItsLayerAndKeepsIt(t *testing.T) {
	for _, c := range []struct {
		bits   int
		ladder []int
		layer  int
	}{
		{4_000_000, threeLayers, 2},
		{1_000_000, threeLayers, 1},
		{300_000, threeLayers, 0},
		{4_000_000, fourLayers, 2},
		{1_000_000, fourLayers, 1},
		{300_000, fourLayers, 0},
		{8_000_000, fourLayers, 3},
	} {
		for seed := range uint64(6) {
			burst := int(seed/3) * 10_000
			t.Run(fmt.Sprintf("%d/%d/%d/%d", c.bits, len(c.ladder), burst, seed), func(t *testing.T) {
				w := newWorld(seed, road{bits: always(c.bits), burst: burst}, c.ladder...).run(8 * time.Second)
				early := w.changes
				w.run(52 * time.Second)
				// What a shaper lets through at once looks like room: then a wrong step up,
				// taken back, is allowed, and what finding out costs.
				changes, wait := 0, 150*time.Millisecond
				if burst > 0 {
					changes, wait = 2, 200*time.Millisecond
				}
				if w.current != c.layer || changes == 0 && w.since() > 8*time.Second {
					t.Errorf("layer %d since %v, want %d", w.current, w.since(), c.layer)
				}
				if w.changes > early+changes {
					t.Errorf("%d changes after 8 s", w.changes-early)
				}
				if p := w.wait(0.95); p > wait {
					t.Errorf("queueing p95 %v", p)
				}
				if w.freeze() > time.Second {
					t.Errorf("no picture for %v", w.freeze())
				}
				if t.Failed() || testing.Verbose() {
					w.dump(t)
				}
			})
		}
	}
}

// fall is a rate that is low between two times.
func fall(high, low int, from, to time.Duration) func(time.Duration) int {
	return func(t time.Duration) int {
		if t >= from && t < to {
			return low
		}
		return high
	}
}

func TestALinkThatGetsNarrowAndWideAgain(t *testing.T) {
	for seed := range uint64(4) {
		for _, low := range []time.Duration{8 * time.Second, 20 * time.Second, 60 * time.Second} {
			t.Run(fmt.Sprintf("%v/%d", low, seed), func(t *testing.T) {
				const before = 15 * time.Second
				w := newWorld(seed, road{bits: fall(4_000_000, 700_000, before, before+low)}, threeLayers...).run(before)
				if w.current != 2 {
					t.Errorf("layer %d before", w.current)
				}
				w.run(2 * time.Second)
				if w.current > 1 {
					t.Errorf("layer %d 2 s after the fall", w.current)
				}
				w.run(low - 2*time.Second)
				if w.current > 1 {
					t.Errorf("layer %d before the recovery", w.current)
				}
				w.run(10 * time.Second)
				if w.current != 2 {
					t.Errorf("layer %d 10 s after the recovery", w.current)
				}
				if w.freeze() > time.Second {
					t.Errorf("no picture for %v", w.freeze())
				}
				if t.Failed() || testing.Verbose() {
					w.dump(t)
				}
			})
		}
	}
}

func TestRandomLossCostsNoLayer(t *testing.T) {
	for seed := range uint64(4) {
		for _, loss := range []float64{0.02, 0.05} {
			w := newWorld(seed, road{bits: always(4_000_000), loss: loss}, threeLayers...).run(10 * time.Second)
			early := w.changes
			w.run(50 * time.Second)
			if w.current != 2 || w.changes > early {
				t.Errorf("loss %v: layer %d, %d changes", loss, w.current, w.changes-early)
				w.dump(t)
			}
		}
	}
}

func TestAnotherFlowTakesHalf(t *testing.T) {
	for seed := range uint64(4) {
		other := func(t time.Duration) int {
			if t > 15*time.Second && t < 45*time.Second {
				return 1_250_000
			}
			return 0
		}
		w := newWorld(seed, road{bits: always(2_500_000), cross: other}, threeLayers...).run(15 * time.Second)
		if w.current != 2 {
			t.Errorf("layer %d alone", w.current)
		}
		w.run(2 * time.Second)
		if w.current > 1 {
			t.Errorf("layer %d after 2 s beside the other", w.current)
		}
		w.run(28 * time.Second)
		if w.current != 1 {
			t.Errorf("layer %d beside the other", w.current)
		}
		w.run(10 * time.Second)
		if w.current != 2 {
			t.Errorf("layer %d alone again", w.current)
		}
		if p := w.wait(0.95); p > 150*time.Millisecond {
			t.Errorf("queueing p95 %v", p)
		}
		if t.Failed() {
			w.dump(t)
		}
	}
}

// mobile is the jitter of a radio link: turns of some ms, and now and then a handover.
func mobile(r *rand.Rand, at time.Duration) time.Duration {
	j := time.Duration(r.ExpFloat64() * float64(8*time.Millisecond))
	if at%(7*time.Second) < 80*time.Millisecond {
		j += 80*time.Millisecond - at%(7*time.Second)
	}
	return min(j, 120*time.Millisecond)
}

func TestAJitteryLinkKeepsItsLayer(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(seed, road{bits: always(4_000_000), jitter: mobile, loss: 0.005}, threeLayers...).run(10 * time.Second)
		early := w.changes
		w.run(50 * time.Second)
		if w.current != 2 || w.changes > early {
			t.Errorf("layer %d, %d changes", w.current, w.changes-early)
			w.dump(t)
		}
	}
}
