package router

import "time"

const (
	// timestampStep is the least by which a timestamp grows at a switch: shorter
	// than any frame, long enough for a player to see two frames.
	timestampStep = 10 * time.Millisecond
	// landingStep is the least by which it grows when live media takes over from a
	// replay, whose frames lie close together.
	landingStep = time.Millisecond
	// absurdCapture is how far capture and arrival distances may differ over a
	// switch before the arrival is believed.
	absurdCapture = 2 * time.Second
	// longestPause bounds the jump of a timestamp, so that it stays ahead of the
	// last one in 32 bits at any clock rate.
	longestPause = time.Hour
	// fullPace is the pace of live media, in thousandths.
	fullPace = 1000
)

// timestampMap maps a layer's timestamps to a section's within one segment. Live
// media moves at fullPace, replayed media in smaller steps, so that its timestamps
// agree with the times it is sent at.
type timestampMap struct {
	in, out uint32
	// pace is how many times faster than it was captured the media is sent, in
	// thousandths.
	pace int64
}

// at returns what is sent for the layer's timestamp ts. It is the same for
// every retransmission, and keeps the order of frames.
func (m timestampMap) at(ts uint32) uint32 {
	d := int64(int32(ts - m.in))
	if m.pace == fullPace {
		return m.out + uint32(d)
	}
	scaled := d * fullPace
	q := scaled / m.pace
	if scaled%m.pace < 0 {
		q-- // floor, so that the order is kept on both sides of m.in
	}
	return m.out + uint32(q)
}

// timeline is a section's line of timestamps against the gateway's clock: it goes
// on over switches by the distance of captures (M-042, M-043).
type timeline struct {
	started bool
	// highest is the highest timestamp sent.
	highest uint32
	// out was captured at capture and sent at sent; rate is its clock, in Hz.
	out           uint32
	capture, sent time.Time
	rate          uint32
}

// next returns the timestamp for the first frame of a new segment, captured and
// sent at the given times: the true distance to the last one, at least step, never
// back, and bounded.
func (t *timeline) next(capture, sent time.Time, rate uint32, step time.Duration) uint32 {
	distance := capture.Sub(t.capture)
	if wall := sent.Sub(t.sent); (distance - wall).Abs() > absurdCapture {
		distance = wall
	}
	ts := t.out + ticks(min(max(distance, 0), longestPause), rate)
	if least := t.highest + ticks(step, rate); int32(ts-least) < 0 {
		return least
	}
	return ts
}

// anchor notes that media captured at the given time went out as ts.
func (t *timeline) anchor(ts uint32, capture, sent time.Time, rate uint32) {
	t.out, t.capture, t.sent, t.rate = ts, capture, sent, rate
	t.note(ts)
}

// note notes a timestamp that was sent without moving the line.
func (t *timeline) note(ts uint32) {
	if !t.started || int32(ts-t.highest) > 0 {
		t.started, t.highest = true, ts
	}
}

// at extrapolates the line to a time of the gateway's clock, for sender reports.
func (t *timeline) at(now time.Time) uint32 { return t.out + ticks(now.Sub(t.capture), t.rate) }

// ticks converts a duration to units of a clock of rate Hz, rounded to the nearest.
func ticks(d time.Duration, rate uint32) uint32 {
	whole, rest := int64(d/time.Second), int64(d%time.Second)
	n := rest * int64(rate)
	half := int64(time.Second / 2)
	if n < 0 {
		half = -half
	}
	return uint32(whole*int64(rate) + (n+half)/int64(time.Second))
}
