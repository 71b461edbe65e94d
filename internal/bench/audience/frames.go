package audience

import "time"

// A freeze is a pause between frames of more than three usual ones, or of a usual
// one and 150 ms if that is more (freezeCount of WebRTC's statistics).
const (
	freezeTimes = 3
	freezeExtra = 150 * time.Millisecond
	// usualWeight is how slowly the usual pause follows: WebRTC takes the mean of 30.
	usualWeight = 30
)

// frames judges the frames of one video stream by timestamps, markers and holes.
// A frame is shown when it and all before it are complete, back to a key frame.
type frames struct {
	started   bool
	timestamp uint32 // of the newest packet in order
	marked    bool   // that one ended its frame
	cadence   cadence
	// needKey means that what comes is not decodable before a key frame; key is the
	// timestamp of the last one while keyOpen, that is until it is shown.
	needKey, keyOpen bool
	key              uint32
	keyAt            time.Time

	shownAt, first time.Time // the last frame, the first key frame
	shownLast      uint32    // the timestamp of the last frame
	usual          time.Duration
	lastGap        int64
	lastSpoilt     uint32

	begun, broken, skipped, freezes uint64
	// longest is the longest pause that was a freeze, frozen all of them together
	// less a usual pause each.
	longest, frozen time.Duration
	// switched means that a new layer has begun and is not shown yet; stood counts
	// the pictures that pauses with a switch in them left out.
	switched         bool
	stood            uint64
	pause, usualThen time.Duration // the newest pause, and the usual one before it
}

// inOrder takes a packet that is above all before it, with the gap that it shows;
// whole that nothing else is missing. It reports whether the packet begins a frame,
// and completes g.
func (f *frames) inOrder(now time.Time, timestamp uint32, marker bool, g *gap, whole bool) (fresh bool) {
	fresh = !f.started || timestamp != f.timestamp
	switch {
	case !f.started:
		f.started, f.begun = true, 1
	case fresh:
		f.begun++
		if g.size == 0 && !f.marked && whole {
			f.shown(now, f.timestamp) // nobody marks ends here
		}
		f.between(timestamp, g)
	case g.size > 0:
		g.spoils, g.spoilt = true, timestamp
	}
	f.timestamp, f.marked = timestamp, marker
	return fresh
}

// between learns the usual step of timestamps, and tells what a gap has swallowed.
func (f *frames) between(timestamp uint32, g *gap) {
	delta := timestamp - f.timestamp
	if g.size == 0 {
		f.skipped += uint64(f.cadence.next(delta))
		return
	}
	g.whole = min(f.cadence.steps(delta)-1, g.size)
	switch {
	case !f.marked:
		g.spoils, g.spoilt = true, f.timestamp // its end
	case g.whole == 0:
		g.spoils, g.spoilt = true, timestamp // its beginning
	}
}

// shown notes that the frames up to timestamp can be seen. To be told again is no
// harm.
func (f *frames) shown(now time.Time, timestamp uint32) {
	if f.needKey || !f.shownAt.IsZero() && timestamp == f.shownLast {
		return
	}
	f.shownLast = timestamp
	if f.keyOpen && int32(timestamp-f.key) >= 0 {
		f.keyOpen = false
		if f.first.IsZero() {
			f.first = now
		}
	}
	if !f.shownAt.IsZero() {
		pause := now.Sub(f.shownAt)
		f.paused(pause)
		if f.usual == 0 {
			f.usual = pause
		} else {
			f.usual += (pause - f.usual) / usualWeight
		}
	}
	f.shownAt = now
}

// paused judges a pause between two pictures.
func (f *frames) paused(pause time.Duration) {
	if f.isFreeze(pause) {
		f.freezes++
		f.longest = max(f.longest, pause)
		f.frozen += pause - f.usual
	}
	f.pause, f.usualThen = pause, f.usual
	if f.switched {
		f.stoodStill()
	}
}

// layerChanged notes that the frame with this timestamp is the first of another
// layer. It may be shown already.
func (f *frames) layerChanged(timestamp uint32) {
	f.switched = true
	if timestamp == f.shownLast && f.pause > 0 {
		f.stoodStill()
	}
}

// stoodStill counts the pictures that the newest pause left out.
func (f *frames) stoodStill() {
	f.switched = false
	if f.usualThen > 0 {
		f.stood += uint64(max(0, (f.pause-f.usualThen/2)/f.usualThen)) //nolint:gosec // not negative
	}
}

func (f *frames) isFreeze(pause time.Duration) bool {
	return f.usual > 0 && pause > max(freezeTimes*f.usual, f.usual+freezeExtra)
}

// frozenNow reports whether the picture stands still now.
func (f *frames) frozenNow(now time.Time) bool {
	return !f.shownAt.IsZero() && f.isFreeze(now.Sub(f.shownAt))
}

// keyFrame notes that the frame with this timestamp needs none before it.
func (f *frames) keyFrame(now time.Time, timestamp uint32) {
	f.needKey, f.keyOpen, f.key, f.keyAt = false, true, timestamp, now
}

// lost counts the frames that a hole has spoilt for good, once per gap and frame.
func (f *frames) lost(g gap) {
	f.needKey = true
	if g.shown == f.lastGap {
		return
	}
	f.lastGap = g.shown
	f.begun += uint64(g.whole)
	f.broken += uint64(g.whole)
	if g.spoils && (f.broken == 0 || g.spoilt != f.lastSpoilt) {
		f.broken++
		f.lastSpoilt = g.spoilt
	}
}
