package audience

import (
	"fmt"
	"iter"
	"math/bits"
	"time"
)

// A bucket is a microsecond wide below 2^linearBits, above it 1/2^subBits of its
// octave: whatever falls into one is within 0.8 % of its middle.
const (
	subBits    = 6
	linearBits = subBits + 1
	maxBits    = 26 // 2^26 µs is 67 s
	buckets    = 1<<linearBits + (maxBits-linearBits)<<subBits
)

// Histogram counts durations from 0 to 67 s with an error below 1 %. The zero
// value is empty. It is not safe for concurrent use.
type Histogram struct {
	counts [buckets]uint32
	count  uint64
	max    time.Duration
}

// Add counts d; what is negative counts as 0, what is too long as the longest.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(d)]++
	h.count++
	h.max = max(h.max, d)
}

func bucketOf(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	if us < 1<<linearBits {
		return int(us)
	}
	octave := bits.Len64(us) - 1
	if octave >= maxBits {
		return buckets - 1
	}
	sub := int(us>>(octave-subBits)) & (1<<subBits - 1)
	return 1<<linearBits + (octave-linearBits)<<subBits + sub
}

// lowerBound is the least duration of bucket i.
func lowerBound(i int) time.Duration {
	if i < 1<<linearBits {
		return time.Duration(i) * time.Microsecond
	}
	i -= 1 << linearBits
	octave, sub := i>>subBits+linearBits, i&(1<<subBits-1)
	return time.Duration(1<<octave+sub<<(octave-subBits)) * time.Microsecond
}

// Merge adds all that o counted.
func (h *Histogram) Merge(o *Histogram) {
	if o.count == 0 {
		return
	}
	for i, n := range &o.counts {
		h.counts[i] += n
	}
	h.count += o.count
	h.max = max(h.max, o.max)
}

// Count is how many durations were counted.
func (h *Histogram) Count() uint64 { return h.count }

// Max is the longest, exactly; 0 if there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the duration that the share q of all (0 to 1) does not exceed,
// to within 1 %; 0 if there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	rank := max(uint64(q*float64(h.count)+0.999999), 1)
	var seen uint64
	for i, n := range &h.counts {
		if seen += uint64(n); seen >= rank {
			return min((lowerBound(i)+lowerBound(i+1))/2, h.max)
		}
	}
	return h.max
}

// All yields the lower bound of every bucket that is not empty with its count, in
// ascending order.
func (h *Histogram) All() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		for i, n := range &h.counts {
			if n > 0 && !yield(lowerBound(i), uint64(n)) {
				return
			}
		}
	}
}

// String tells the count and the usual quantiles.
func (h Histogram) String() string {
	return fmt.Sprintf("{n=%d p50=%v p95=%v p99=%v max=%v}", h.count, h.Quantile(0.5), h.Quantile(0.95), h.Quantile(0.99), h.max)
}
