package bench

import (
	"slices"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
)

// quantile returns the duration that the share q of list does not exceed, 0 of
// an empty list. It sorts list.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	rank := int(q*float64(len(list)) + 0.999999)
	return list[min(max(rank, 1), len(list))-1]
}

// between returns what later counted beyond earlier, of which it is the
// continuation. Values are those of buckets.
func between(earlier, later *audience.Histogram) (h audience.Histogram) {
	before := make(map[time.Duration]uint64)
	for d, n := range earlier.All() {
		before[d] = n
	}
	for d, n := range later.All() {
		for range n - before[d] {
			h.Add(d)
		}
	}
	return h
}
