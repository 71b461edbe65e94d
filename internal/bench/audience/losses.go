package audience

import "time"

// maxHoles bounds what one stream remembers of its losses (libwebrtc keeps 1000);
// the oldest are given up.
const maxHoles = 1000

// patience is how long a hole may stay: libwebrtc asks ten times, 100 ms apart.
const patience = time.Second

// hole is a packet that is missing.
type hole struct {
	index   int64
	noticed time.Time
	asked   time.Time // the last NACK; zero before the first
	times   int
	// timestamp is that of the packet that showed it, whole the frames that were
	// lost with nothing left of them, told by the first hole of a gap.
	timestamp uint32
	whole     int
}

// losses are the holes of one stream, in ascending order. The slice is kept.
type losses struct{ open []hole }

// add notes that the n packets before index are missing, and returns those that
// are given up for want of room.
func (l *losses) add(now time.Time, index int64, n int, timestamp uint32, whole int) (given []hole) {
	n = min(n, maxHoles)
	if over := len(l.open) + n - maxHoles; over > 0 {
		given = append(given, l.open[:over]...)
		l.drop(over)
	}
	for i := index - int64(n); i < index; i++ {
		l.open = append(l.open, hole{index: i, noticed: now, timestamp: timestamp, whole: whole})
		whole = 0
	}
	return given
}

func (l *losses) drop(n int) { l.open = l.open[:copy(l.open, l.open[n:])] }

// fill removes the hole at index and reports whether there was one, and whether it
// had been asked for.
func (l *losses) fill(index int64) (filled, asked bool) {
	for i := range l.open {
		if l.open[i].index == index {
			asked = l.open[i].times > 0
			l.open = append(l.open[:i], l.open[i+1:]...)
			return true, asked
		}
	}
	return false, false
}

// expire returns and removes what has been missing for too long. The slice is
// valid until the next call.
func (l *losses) expire(now time.Time) []hole {
	n := 0
	for n < len(l.open) && now.Sub(l.open[n].noticed) >= patience {
		n++
	}
	return l.take(n)
}

// before returns and removes what is older than index: a key frame makes it
// useless.
func (l *losses) before(index int64) []hole {
	n := 0
	for n < len(l.open) && l.open[n].index < index {
		n++
	}
	return l.take(n)
}

func (l *losses) take(n int) []hole {
	if n == 0 {
		return nil
	}
	taken := append([]hole(nil), l.open[:n]...) // rare
	l.drop(n)
	return taken
}
