package router

import (
	"sync/atomic"
	"time"
)

const (
	// quietest is silence in -dBov (RFC 6464 section 3).
	quietest = 127
	// levelWindow is what Level looks at. levelLone is how old the newest packet may be
	// where it is the only one: Opus packets last up to 120 ms.
	levelWindow, levelLone = 100 * time.Millisecond, 150 * time.Millisecond
	// levelForgotten is the silence after which a level is no longer known.
	levelForgotten = time.Second
	// levelsKept is enough for the window where packets last 10 ms or more.
	levelsKept = 16
)

// Level is how loud a track of sound was of late, in -dBov: 0 is the loudest, 127
// silence (RFC 6464). It comes from the audio-level extension; known is false while
// its publisher does not send that, or for a second nothing came.
//
// It is the median over the packets of the last 100 ms, the quieter one of two: what
// lasts for less than half of that, as clicks and the strokes of keys do, does not
// count, and speech does after some 60 ms. Where nothing came for that long (Opus
// sends little in silence) it is silent.
//
// It is safe for concurrent use and takes no lock.
func (t *Track) Level(now time.Time) (level uint8, known bool) {
	for _, l := range t.Layers() {
		if l.levels == nil {
			continue
		}
		if level, known = l.levels.Level(now.Sub(l.born)); known {
			return level, true
		}
	}
	return quietest, false
}

// LevelMeter keeps how loud a sound was of late; Track.Level has one where levels
// come with the packets. Times count from any one moment. The zero LevelMeter has heard
// nothing.
//
// One goroutine may call Note, any number may call Level beside it.
type LevelMeter struct {
	// kept are the newest levels, each with its time in milliseconds:
	// (milliseconds + 1) << 8 | level; 0 for none.
	kept [levelsKept]atomic.Uint64
	next uint8 // of Note only
}

// Note takes the level of one packet, in -dBov.
func (m *LevelMeter) Note(at time.Duration, level uint8) {
	if at < 0 {
		return
	}
	m.kept[m.next].Store(uint64(at.Milliseconds()+1)<<8 | uint64(min(level, quietest)))
	m.next = (m.next + 1) % levelsKept
}

// Level is the level at a time, by the rule of Track.Level.
func (m *LevelMeter) Level(now time.Duration) (level uint8, known bool) {
	var sorted [levelsKept]uint8
	n, newest, lone := 0, levelForgotten, uint8(quietest)
	for i := range m.kept {
		kept := m.kept[i].Load()
		if kept == 0 {
			continue
		}
		value := uint8(kept & 0x7f)
		// The reader's time may be a little behind the writer's.
		age := max(now-time.Duration(kept>>8-1)*time.Millisecond, 0)
		if age < newest {
			newest, lone, known = age, value, true
		}
		if age < levelWindow {
			insertLevel(&sorted, n, value)
			n++
		}
	}
	switch {
	case n > 0:
		return sorted[n/2], true
	case newest < levelLone:
		return lone, true
	}
	return quietest, known
}

// noteLevel takes the value of the extension. What is not one byte is not a level.
func (l *Layer) noteLevel(at time.Duration, value []byte) {
	if l.levels != nil && len(value) == 1 {
		l.levels.Note(at, value[0]&0x7f) // the first bit tells of voice activity, if the publisher likes
	}
}

// insertLevel puts v among the first n of sorted, the loudest first.
func insertLevel(sorted *[levelsKept]uint8, n int, v uint8) {
	for ; n > 0 && sorted[n-1] > v; n-- {
		sorted[n] = sorted[n-1]
	}
	sorted[n] = v
}
