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
	step      majority
	// needKey means that what comes is not decodable before a key frame; key is the
	// timestamp of the last one while keyOpen, that is until it is shown.
	needKey, keyOpen bool
	key              uint32

	shownAt, first time.Time // the last frame, the first key frame
	shownLast      uint32    // the timestamp of the last frame
	usual          time.Duration
	lastBroken     uint32

	begun, broken, skipped, freezes uint64
}

// inOrder takes a packet that is above all before it. whole is how many frames
// vanished in the gap before it; fresh that it begins a frame.
func (f *frames) inOrder(now time.Time, timestamp uint32, marker bool, gap int, clear bool) (fresh bool, whole int) {
	switch {
	case !f.started:
		f.started, f.begun, fresh = true, 1, true
	case timestamp != f.timestamp:
		fresh = true
		f.begun++
		whole = f.between(timestamp, gap)
		if gap == 0 && !f.marked && clear {
			f.shown(now, f.timestamp) // nobody marks ends here
		}
	}
	f.timestamp, f.marked = timestamp, marker
	return fresh, whole
}

// between learns the usual step of timestamps and tells how many frames a gap has
// swallowed; without a gap they were never sent.
func (f *frames) between(timestamp uint32, gap int) (whole int) {
	delta := timestamp - f.timestamp
	if gap == 0 {
		f.step.vote(delta)
	}
	missing := f.step.count(delta) - 1
	if missing <= 0 {
		return 0
	}
	if gap == 0 {
		f.skipped += uint64(missing)
		return 0
	}
	return min(missing, gap)
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
		if f.isFreeze(pause) {
			f.freezes++
		}
		if f.usual == 0 {
			f.usual = pause
		} else {
			f.usual += (pause - f.usual) / usualWeight
		}
	}
	f.shownAt = now
}

func (f *frames) isFreeze(pause time.Duration) bool {
	return f.usual > 0 && pause > max(freezeTimes*f.usual, f.usual+freezeExtra)
}

// frozen reports whether the picture stands still now.
func (f *frames) frozen(now time.Time) bool {
	return !f.shownAt.IsZero() && f.isFreeze(now.Sub(f.shownAt))
}

// keyFrame notes that the frame with this timestamp needs none before it.
func (f *frames) keyFrame(timestamp uint32) {
	f.needKey, f.keyOpen, f.key = false, true, timestamp
}

// lost counts the frames that a hole has spoilt for good.
func (f *frames) lost(h hole) {
	f.begun += uint64(h.whole)
	f.broken += uint64(h.whole)
	if h.timestamp != f.lastBroken || f.broken == 0 {
		f.broken++
		f.lastBroken = h.timestamp
	}
	f.needKey = true
}

// majority finds the value that most votes are for (Boyer and Moore), and keeps up
// when that changes.
type majority struct {
	value uint32
	votes int
}

// enough votes make a value sure.
const (
	enoughVotes = 5
	mostVotes   = 50
)

func (m *majority) vote(v uint32) {
	switch {
	case v == m.value:
		m.votes = min(m.votes+1, mostVotes)
	case m.votes > 0:
		m.votes--
	default:
		m.value, m.votes = v, 1
	}
}

// count is how many steps a distance has, to the nearest; 1 if that is not known,
// and for what cannot be a distance.
func (m *majority) count(distance uint32) int {
	if m.votes < enoughVotes || m.value == 0 || distance > 1<<31 {
		return 1
	}
	return int((uint64(distance) + uint64(m.value)/2) / uint64(m.value))
}
