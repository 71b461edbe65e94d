package bwe

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// anyRoad draws a way of any length and depth, with a disturbance or without.
func anyRoad(r *rand.Rand) road {
	way := road{
		trip:   time.Duration(10+r.IntN(190)) * time.Millisecond,
		queue:  time.Duration(150+r.IntN(1350)) * time.Millisecond,
		report: time.Duration(60+r.IntN(150)) * time.Millisecond,
	}
	switch r.IntN(4) {
	case 0:
		way.loss = r.Float64() * 0.05
	case 1:
		way.jitter = mobile
	case 2:
		way.unheard, way.drift = 0.1, 100e-6
	}
	return way
}

// anyWorld puts a stream with any key frames on it.
func anyWorld(seed uint64, r *rand.Rand, way road, ladder ...int) *world {
	w := newWorld(seed, way, ladder...)
	w.key = 3 + r.Float64()*4
	w.gop = time.Duration(1+r.IntN(9)) * time.Second
	return w
}

// fits is the highest layer that fits when it takes share of the bits.
func fits(bits int, share float64, ladder []int) int {
	best := Paused
	for i, layer := range ladder {
		if float64(layer+audioBits+50*8*Overhead) <= share*float64(bits) {
			best = i
		}
	}
	return best
}

// Where a layer fits well it is sent, where none better fits there is no switching;
// between the two a switch now and then is allowed.
func TestManyLinksThatStay(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 99))
		bits := int(300_000 * math.Exp2(r.Float64()*5))
		ladder := [][]int{threeLayers, fourLayers}[r.IntN(2)]
		way := anyRoad(r)
		way.bits = always(bits)
		w := anyWorld(seed, r, way, ladder...).run(12 * time.Second)
		early := w.changes
		w.run(48 * time.Second)
		sure, best := fits(bits, 0.74, ladder), fits(bits, 1, ladder)
		if w.current < sure || w.current > best {
			t.Errorf("seed %d, %d bits: layer %d, want %d to %d", seed, bits, w.current, sure, best)
		}
		if changes := w.changes - early; changes > 5 || sure == best && changes > 2 {
			t.Errorf("seed %d, %d bits: %d changes", seed, bits, changes)
		}
		if p := w.wait(0.95); sure == best && p > 150*time.Millisecond {
			t.Errorf("seed %d, %d bits: queueing p95 %v", seed, bits, p)
		}
		if sure > Paused && w.freeze() > time.Second {
			t.Errorf("seed %d, %d bits: no picture for %v", seed, bits, w.freeze())
		}
	}
}

// A fall must be noticed in time always, a recovery nearly always.
func TestManyLinksThatFall(t *testing.T) {
	const before = 15 * time.Second
	late, seeds := 0, uint64(60)
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 98))
		high, low := 2_700_000+r.IntN(6_000_000), 400_000+r.IntN(1_100_000)
		lasts := time.Duration(3+r.IntN(60)) * time.Second
		way := anyRoad(r)
		way.bits = fall(high, low, before, before+lasts)
		w := anyWorld(seed, r, way, threeLayers...).run(before)
		if w.current != 2 {
			t.Errorf("seed %d, %d bits: layer %d before", seed, high, w.current)
		}
		w.run(2 * time.Second)
		if w.current == 2 && low < 1_400_000 { // what is more nearly carries the layer, and only its key frames queue
			t.Errorf("seed %d, %d to %d bits: layer %d 2 s later", seed, high, low, w.current)
		}
		w.run(lasts - 2*time.Second)
		if w.current != 0 && w.current != 1 {
			t.Errorf("seed %d, %d bits: layer %d", seed, low, w.current)
		}
		if w.run(10 * time.Second); w.current != 2 {
			late++
		}
		if w.freeze() > time.Second {
			t.Errorf("seed %d, %d to %d bits: no picture for %v", seed, high, low, w.freeze())
		}
	}
	if late > int(seeds)/20 {
		t.Errorf("%d of %d did not recover within 10 s", late, seeds)
	}
}
