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
	gap     gap
}

// gap is what was missing when a packet came.
type gap struct {
	// shown is the index of that packet, size how many are missing before it.
	shown int64
	size  int
	// whole counts frames with nothing left of them. If spoils, the frame with the
	// timestamp spoilt lacks a part.
	whole  int
	spoilt uint32
	spoils bool
}

// losses are the holes of one stream, in ascending order. The slice is kept.
type losses struct{ open []hole }

// add notes what is missing, and returns what is given up for want of room.
func (l *losses) add(now time.Time, g gap) (given []hole) {
	n := min(g.size, maxHoles)
	given = l.take(max(len(l.open)+n-maxHoles, 0))
	for i := g.shown - int64(n); i < g.shown; i++ {
		l.open = append(l.open, hole{index: i, noticed: now, gap: g})
	}
	return given
}

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

// expire returns and removes what has been missing for too long.
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
	l.open = l.open[:copy(l.open, l.open[n:])]
	return taken
}
