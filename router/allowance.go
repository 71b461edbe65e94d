package router

import "time"

// allowance is a token bucket.
type allowance struct {
	left float64
	last time.Time
}

// take takes n out of a bucket that holds burst and fills at rate per second, and
// tells whether there was enough. It starts full.
func (a *allowance) take(now time.Time, n, rate, burst float64) bool {
	if a.last.IsZero() {
		a.left = burst
	} else if d := now.Sub(a.last); d > 0 {
		a.left = min(burst, a.left+d.Seconds()*rate)
	}
	a.last = now
	if a.left < n {
		return false
	}
	a.left -= n
	return true
}

// rateMeter measures a byte rate over windows of half a second.
type rateMeter struct {
	since time.Time
	bytes int
	// bitsPerSecond is a moving average over the windows that are complete.
	bitsPerSecond float64
}

const rateWindow = 500 * time.Millisecond

func (m *rateMeter) add(now time.Time, bytes int) {
	if d := now.Sub(m.since); d >= rateWindow {
		m.roll(now, d)
	}
	m.bytes += bytes
}

func (m *rateMeter) roll(now time.Time, d time.Duration) {
	rate := float64(m.bytes) * 8 / d.Seconds()
	switch {
	case m.since.IsZero() || d > 4*rateWindow:
		m.bitsPerSecond = 0
	case m.bitsPerSecond == 0:
		m.bitsPerSecond = rate
	default:
		m.bitsPerSecond += (rate - m.bitsPerSecond) / 2
	}
	m.since, m.bytes = now, 0
}
