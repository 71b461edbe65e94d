package audience

import (
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
)

const (
	// upToDate is how old the packets of a newcomer may be for it to have caught up.
	upToDate = 50 * time.Millisecond
	// empty is after how long without media nobody is in a section.
	empty = time.Second
)

// seat follows who is in a section, by the numbers of sources.
type seat struct {
	who   int       // the source; 0 before anybody came
	since time.Time // its first packet, while it is replayed; zero after that
	heard time.Time

	casts, own    uint64
	caughtUp, gap Histogram
}

func (t *seat) reset() { t.casts, t.own, t.caughtUp, t.gap = 0, 0, Histogram{}, Histogram{} }

// take notes a stamped packet of a source, and reports whether it is replayed to
// catch up.
func (t *seat) take(now time.Time, who, self int, delay time.Duration) (replayed bool) {
	if who == self {
		t.own++
	}
	if who != t.who {
		if t.who != 0 {
			t.casts++
			t.gap.Add(now.Sub(t.heard))
		}
		t.who, t.since = who, now
	}
	t.heard = now
	if t.since.IsZero() {
		return false
	}
	if delay >= upToDate {
		return true
	}
	t.caughtUp.Add(now.Sub(t.since))
	t.since = time.Time{}
	return false
}

func (t *seat) addTo(s *Stats, now time.Time, video bool) {
	s.Casts += t.casts
	s.Own += t.own
	s.CaughtUp.Merge(&t.caughtUp)
	if video {
		s.PictureGap.Merge(&t.gap)
	} else {
		s.SoundGap.Merge(&t.gap)
	}
	if t.who != 0 && now.Sub(t.heard) < empty {
		s.Shown++
	}
}

// seated tells the seat of a stream about a stamp, where sources have numbers.
func (v *Viewer) seated(now time.Time, s *stream, frame uint32, delay time.Duration) (replayed bool) {
	if v.audience.cfg.Self == nil || s.rtx {
		return false
	}
	who := stamp.Source(frame)
	return who != 0 && s.seat.take(now, who, v.self, delay)
}
