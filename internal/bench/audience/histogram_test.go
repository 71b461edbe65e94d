package audience

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuantilesAreWithinOnePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(60*time.Second)), 1, 300).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var h Histogram
		for _, v := range values {
			h.Add(time.Duration(v))
		}
		slices.Sort(values)
		want := time.Duration(values[max(int(math.Ceil(q*float64(len(values))-1e-6))-1, 0)])
		got := h.Quantile(q)
		if off := max(got-want, want-got); off > want/100+time.Microsecond {
			t.Fatalf("quantile %v is %v, want %v", q, got, want)
		}
		if h.Max() != time.Duration(values[len(values)-1]) || h.Count() != uint64(len(values)) {
			t.Fatalf("max %v, count %d", h.Max(), h.Count())
		}
	})
}

func TestMergedHistogramsAreOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b, both Histogram
		for i, v := range rapid.SliceOf(rapid.Int64Range(0, int64(100*time.Second))).Draw(t, "values") {
			both.Add(time.Duration(v))
			if i%2 == 0 {
				a.Add(time.Duration(v))
			} else {
				b.Add(time.Duration(v))
			}
		}
		a.Merge(&b)
		if a != both {
			t.Fatalf("%v, want %v", a, both)
		}
	})
}

func TestHistogramsTakeAnything(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 {
		t.Errorf("an empty one says %v", h)
	}
	for _, d := range []time.Duration{-time.Hour, 0, time.Hour, math.MaxInt64} {
		h.Add(d)
	}
	if h.Count() != 4 || h.Max() != math.MaxInt64 || h.Quantile(0.5) > time.Microsecond {
		t.Errorf("%v", h)
	}
}

func TestBucketsAreInOrderAndYieldEverything(t *testing.T) {
	for i := range buckets {
		if got := bucketOf(lowerBound(i)); got != i {
			t.Fatalf("bucket %d begins at %v, which is in %d", i, lowerBound(i), got)
		}
	}
	var h Histogram
	for _, ms := range []int{5, 1, 5, 2000} {
		h.Add(time.Duration(ms) * time.Millisecond)
	}
	var sum uint64
	last := time.Duration(-1)
	for low, n := range h.All() {
		if low <= last {
			t.Errorf("%v comes after %v", low, last)
		}
		last, sum = low, sum+n
	}
	if sum != 4 {
		t.Errorf("%d of 4", sum)
	}
}
