package depacket

import "time"

// maxDrift is how far timestamps may leave the time of arrival before they are
// not believed any more: the sender began anew.
const maxDrift = 5 * time.Second

// Timeline turns RTP timestamps into time since an origin: by the timestamps as
// long as one sender goes on, across their wrap, and by the time of arrival where
// a sender ends and another begins.
type Timeline struct {
	// Rate is the clock rate in Hz, Origin the time that is 0.
	Rate   uint32
	Origin time.Time

	started bool
	stamp   uint32
	at      time.Duration
	base    int64 // ticks between the start of this sender and stamp
	began   time.Duration
}

// Restart says that the next timestamp is of another sender.
func (t *Timeline) Restart() { t.started = false }

// At returns when the frame with this timestamp is due, which came at now.
func (t *Timeline) At(stamp uint32, now time.Time) time.Duration {
	arrival := now.Sub(t.Origin)
	if t.started {
		ticks := t.base + int64(int32(stamp-t.stamp)) //nolint:gosec // the distance on a circle
		at := t.began + Ticks(ticks, t.Rate)
		if drift := (at - arrival).Abs(); drift <= maxDrift {
			t.base, t.stamp, t.at = ticks, stamp, at
			return at
		}
	}
	t.started, t.stamp, t.base = true, stamp, 0
	t.began = max(arrival, t.at)
	t.at = t.began
	return t.at
}

// Ticks is a number of ticks of a clock as time.
func Ticks(n int64, rate uint32) time.Duration {
	hertz := int64(rate)
	return time.Duration(n/hertz)*time.Second + time.Duration(n%hertz)*time.Second/time.Duration(hertz)
}

// Stamp is the opposite of Ticks, rounded and cut to the 32 bits of RTP.
func Stamp(at time.Duration, rate uint32) uint32 {
	seconds, rest := at/time.Second, at%time.Second
	return uint32(int64(seconds)*int64(rate) + (int64(rest)*int64(rate)+int64(time.Second)/2)/int64(time.Second)) //nolint:gosec // modulo 2^32 is meant
}
