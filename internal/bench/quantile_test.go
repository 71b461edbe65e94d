package bench

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/bench/audience"
)

func TestQuantile(t *testing.T) {
	list := []time.Duration{4, 1, 3, 2}
	for q, want := range map[float64]time.Duration{0: 1, 0.25: 1, 0.5: 2, 0.51: 3, 0.95: 4, 1: 4} {
		if got := quantile(list, q); got != want {
			t.Errorf("%v: %d, want %d", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 50).Draw(t, "v"))
		}), 1, 100).Draw(t, "list")
		q := rapid.Float64Range(0.01, 1).Draw(t, "q")
		v := quantile(list, q)
		under, below := 0, 0
		for _, d := range list {
			if d <= v {
				under++
			}
			if d < v {
				below++
			}
		}
		if n := float64(len(list)); float64(under) < q*n-1e-6*n || float64(below) >= q*n+1e-6*n {
			t.Fatalf("%d of %d are within %d, want a share of %v", under, len(list), v, q)
		}
	})
}

func TestBetweenForgetsWhatWasBefore(t *testing.T) {
	var h audience.Histogram
	for range 100 {
		h.Add(time.Second)
	}
	before := h
	for i := range 10 {
		h.Add(time.Duration(i+1) * time.Millisecond)
	}
	d := between(&before, &h)
	if d.Count() != 10 {
		t.Errorf("%d counted", d.Count())
	}
	if p50 := d.Quantile(0.5); p50 < 4900*time.Microsecond || p50 > 5100*time.Microsecond {
		t.Errorf("p50 %v", p50)
	}
}

func TestRoundKeepsFourDigits(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 12.34567: 12.35, 0.00123456: 0.001235, 123456: 123500, -1.23456: -1.235, math.Inf(1): 0} {
		if got := round(v); math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
	if got := round(math.NaN()); got != 0 {
		t.Errorf("NaN: %v", got)
	}
}
