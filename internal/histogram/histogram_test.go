package histogram

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAValueBelongsToTheFirstBoundThatHoldsIt(t *testing.T) {
	h := New(Bounds{1, 2, 4})
	for _, v := range []float64{0, 1, 1.5, 2, 4, 4.1, 100} {
		h.Observe(v)
	}
	if want := map[float64]uint64{1: 2, 2: 4, 4: 5}; !maps.Equal(h.Cumulative(), want) || h.Count() != 7 || h.Sum() != 112.6 {
		t.Errorf("%v, %d, %v", h.Cumulative(), h.Count(), h.Sum())
	}
	h.ObserveTime(1500 * time.Millisecond)
	if h.Cumulative()[2] != 5 {
		t.Error("a duration is not counted in seconds")
	}
}

func TestAddIsTheSameAsCountingInOnePlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bounds := Bounds{0.5, 1, 10}
		values := rapid.SliceOf(rapid.Float64Range(0, 20)).Draw(t, "values")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		all, one, other := New(bounds), New(bounds), New(bounds)
		for i, v := range values {
			all.Observe(v)
			if i < cut {
				one.Observe(v)
			} else {
				other.Observe(v)
			}
		}
		var sum Histogram
		sum.Add(&one)
		sum.Add(&other)
		if !maps.Equal(sum.Cumulative(), all.Cumulative()) || sum.Count() != all.Count() {
			t.Errorf("%v and %v", sum.Cumulative(), all.Cumulative())
		}
	})
}

func TestObservingAllocatesNothing(t *testing.T) {
	h := New(Bounds{1, 2})
	if n := testing.AllocsPerRun(100, func() { h.Observe(3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTooManyBoundsPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(make(Bounds, MaxBounds+1))
}
