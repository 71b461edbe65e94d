package bwe

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// deaf runs a test for receivers with reports, with REMB, and with either but no NACKs.
func deaf(t *testing.T, seeds uint64, run func(t *testing.T, over func(road, ...int) *world)) {
	t.Helper()
	for kind, name := range map[witness]string{reportsOnly: "reports", rembOnly: "REMB"} {
		for seed := range seeds {
			for _, nacks := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/NACKs %v/%d", name, nacks, seed), func(t *testing.T) {
					run(t, func(r road, ladder ...int) *world {
						w := newDeafWorld(seed, kind, r, ladder...)
						w.reporter.nacks = nacks
						t.Cleanup(func() {
							if t.Failed() {
								w.dump(t)
							}
						})
						return w
					})
				})
			}
		}
	}
}

// shares runs on for d and returns how much of it each layer had; paused is what no
// layer had.
func (w *world) shares(d time.Duration) (layers []float64, paused float64) {
	counts, n := make([]int, len(w.ladder)+1), 0
	for end := w.now + d; w.now < end; n++ {
		w.run(100 * time.Millisecond)
		counts[w.current+1]++
	}
	for _, c := range counts {
		layers = append(layers, float64(c)/float64(n))
	}
	return layers[1:], layers[0]
}

// A step up can be tried only by sending it: now and then, and less and less often, a
// layer too high is seen for a moment.
func TestDeafPlayersGetTheLayerThatFits(t *testing.T) {
	runs, weak := 0, 0
	for _, c := range []struct {
		bits   int
		ladder []int
		layer  int
	}{
		{4_000_000, threeLayers, 2},
		{1_000_000, threeLayers, 1},
		{300_000, threeLayers, 0},
		{3_000_000, fourLayers, 2},
		{1_000_000, fourLayers, 1},
		{300_000, fourLayers, 0},
		{8_000_000, fourLayers, 3},
	} {
		t.Run(fmt.Sprintf("%d of %d", c.bits, len(c.ladder)), func(t *testing.T) {
			deaf(t, 2, func(t *testing.T, over func(road, ...int) *world) {
				w := over(road{bits: always(c.bits), queue: 400 * time.Millisecond}, c.ladder...).run(20 * time.Second)
				soon, paused := w.shares(100 * time.Second)
				early := w.changes
				w.waits = nil
				late, _ := w.shares(100 * time.Second)
				if paused > 0 || soon[c.layer] < 0.3 || late[c.layer] < 0.3 {
					t.Errorf("on layer %d for %.2f, then %.2f of the time, paused for %.2f", c.layer, soon[c.layer], late[c.layer], paused)
				}
				if runs++; soon[c.layer] < 0.9 || late[c.layer] < 0.95 {
					weak++
				}
				if n := w.changes - early; n > 7 {
					t.Errorf("%d changes in the last 100 s", n)
				}
				if p := w.wait(0.95); p > 200*time.Millisecond {
					t.Errorf("queueing p95 %v in the last 100 s", p)
				}
			})
		})
	}
	if weak > runs/10 {
		t.Errorf("%d of %d were on another layer for more than a tenth of the time", weak, runs)
	}
}

func TestDeafPlayersOnALinkThatFalls(t *testing.T) {
	deaf(t, 3, func(t *testing.T, over func(road, ...int) *world) {
		const from, low = 40 * time.Second, 30 * time.Second
		w := over(road{bits: fall(4_000_000, 700_000, from, from+low), queue: 400 * time.Millisecond}, threeLayers...).run(from)
		if w.current != 2 {
			t.Errorf("layer %d before", w.current)
		}
		w.run(3 * time.Second)
		if w.current > 1 {
			t.Errorf("layer %d 3 s after the fall", w.current)
		}
		if layers, paused := w.shares(low - 3*time.Second); layers[2] > 0.25 || paused > 0.1 {
			t.Errorf("layers %.2f, paused %.2f of the time after the fall", layers, paused)
		}
		recovered := w.now
		for w.current != 2 && w.now < recovered+time.Minute {
			w.run(100 * time.Millisecond)
		}
		if back := w.now - recovered; back > 40*time.Second {
			t.Errorf("back after %v", back)
		}
		early := w.changes
		if w.run(30 * time.Second); w.changes > early+2 {
			t.Errorf("%d changes after it", w.changes-early)
		}
	})
}

func TestDeafPlayersOnBadLinks(t *testing.T) {
	for name, r := range map[string]road{
		"2 % lost": {loss: 0.02}, "5 % lost": {loss: 0.05}, "mobile": {jitter: mobile, loss: 0.005},
	} {
		r.bits = always(4_000_000)
		t.Run(name, func(t *testing.T) {
			deaf(t, 2, func(t *testing.T, over func(road, ...int) *world) {
				w := over(r, threeLayers...).run(30 * time.Second)
				early := w.changes
				if layers, _ := w.shares(90 * time.Second); layers[2] < 0.9 || w.changes > early+2 {
					t.Errorf("layers %.2f, %d changes", layers, w.changes-early)
				}
			})
		})
	}
}

func TestMuchLossPausesNoDeafPlayer(t *testing.T) {
	deaf(t, 2, func(t *testing.T, over func(road, ...int) *world) {
		w := over(road{bits: always(4_000_000), loss: 0.12}, threeLayers...).run(30 * time.Second)
		if layers, paused := w.shares(90 * time.Second); paused > 0.15 {
			t.Errorf("layers %.2f, paused %.2f of the time", layers, paused)
		}
	})
}

func TestDeafPlayersBesideAnotherFlow(t *testing.T) {
	other := func(t time.Duration) int {
		if t > 30*time.Second && t < 90*time.Second {
			return 1_250_000
		}
		return 0
	}
	deaf(t, 2, func(t *testing.T, over func(road, ...int) *world) {
		w := over(road{bits: always(2_500_000), cross: other}, threeLayers...).run(30 * time.Second)
		if w.current != 2 {
			t.Errorf("layer %d alone", w.current)
		}
		if layers, paused := w.shares(time.Minute); layers[1] < 0.8 || paused > 0 {
			t.Errorf("layers %.2f, paused %.2f beside the other", layers, paused)
		}
		if w.run(time.Minute); w.current != 2 {
			t.Errorf("layer %d alone again", w.current)
		}
	})
}

// Of any link at least the layer that fits well is sent most of the time, none that does
// not fit for long, and nobody swings.
func TestManyDeafLinks(t *testing.T) {
	weak, seeds := 0, uint64(30)
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 97))
		bits := int(300_000 * math.Exp2(r.Float64()*5))
		ladder := [][]int{threeLayers, fourLayers}[r.IntN(2)]
		way := anyRoad(r)
		way.bits = always(bits)
		w := newDeafWorld(seed, []witness{reportsOnly, rembOnly}[r.IntN(2)], way, ladder...)
		w.reporter.nacks, w.reporter.every = r.IntN(2) == 0, time.Duration(1+r.IntN(5))*time.Second
		w.key, w.gop = 3+r.Float64()*4, time.Duration(1+r.IntN(9))*time.Second
		w.run(time.Minute)
		early := w.changes
		layers, _ := w.shares(2 * time.Minute)
		sure, best := fits(bits, 0.74, ladder), fits(bits, 1, ladder)
		good, above := 0.0, 0.0
		for i, share := range layers {
			if i > best {
				above += share
			} else if i >= sure {
				good += share
			}
		}
		if sure == Paused {
			good = 1
		}
		if good < 0.9 {
			weak++
		}
		if good < 0.3 || above > 0.35 || w.changes > early+8 {
			t.Errorf("seed %d, %d bits: layers %.2f, want %d to %d, %d changes", seed, bits, layers, sure, best, w.changes-early)
		}
	}
	if weak > int(seeds)/10 {
		t.Errorf("%d of %d were elsewhere for more than a tenth of the time", weak, seeds)
	}
}
