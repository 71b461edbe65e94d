// Package histogram counts values by size, in memory of a fixed size, for those
// who count on the way of every packet.
package histogram

import "time"

// MaxBounds is how many bounds a Histogram can have.
const MaxBounds = 16

// Bounds are upper bounds, inclusive and rising, MaxBounds at most.
type Bounds []float64

// Histogram counts values. A copy shares nothing that changes. It is not safe for
// concurrent use; the zero value has one bucket for everything.
type Histogram struct {
	bounds Bounds
	counts [MaxBounds + 1]uint64 // the one behind the last bound is for what is larger
	sum    float64
}

// New makes an empty Histogram. It panics if there are more than MaxBounds.
func New(bounds Bounds) Histogram {
	if len(bounds) > MaxBounds {
		panic("too many bounds")
	}
	return Histogram{bounds: bounds}
}

// Observe counts v.
func (h *Histogram) Observe(v float64) {
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] {
		i++
	}
	h.counts[i]++
	h.sum += v
}

// ObserveTime counts a duration in seconds.
func (h *Histogram) ObserveTime(d time.Duration) { h.Observe(d.Seconds()) }

// Add counts everything o has counted; both must have the same bounds.
func (h *Histogram) Add(o *Histogram) {
	if h.bounds == nil {
		h.bounds = o.bounds
	}
	for i := range o.counts {
		h.counts[i] += o.counts[i]
	}
	h.sum += o.sum
}

// Count is how many values were counted.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}

// Sum is the sum of the values.
func (h *Histogram) Sum() float64 { return h.sum }

// Cumulative maps each bound to how many values were not above it.
func (h *Histogram) Cumulative() map[float64]uint64 {
	m, n := make(map[float64]uint64, len(h.bounds)), uint64(0)
	for i, bound := range h.bounds {
		n += h.counts[i]
		m[bound] = n
	}
	return m
}
