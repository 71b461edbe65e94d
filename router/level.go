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
		if level, known = l.levels.median(now.Sub(l.born)); known {
			return level, true
		}
	}
	return quietest, false
}

// levels are the newest levels of a layer of sound, each with its time in
// milliseconds. One goroutine writes them, any number read.
type levels struct {
	kept [levelsKept]atomic.Uint64 // (milliseconds + 1) << 8 | level; 0 for none
	next uint8                     // writer only
}

// note takes the value of an extension. What is not one byte is not a level.
func (l *levels) note(at time.Duration, value []byte) {
	if len(value) != 1 || at < 0 {
		return
	}
	// The first bit tells of voice activity, which is up to the publisher.
	l.kept[l.next].Store(uint64(at.Milliseconds()+1)<<8 | uint64(value[0]&0x7f))
	l.next = (l.next + 1) % levelsKept
}

// median is the level at a time since the layer was born.
func (l *levels) median(now time.Duration) (level uint8, known bool) {
	var sorted [levelsKept]uint8
	n, newest, lone := 0, levelForgotten, uint8(quietest)
	for i := range l.kept {
		kept := l.kept[i].Load()
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

// insertLevel puts v among the first n of sorted, the loudest first.
func insertLevel(sorted *[levelsKept]uint8, n int, v uint8) {
	for ; n > 0 && sorted[n-1] > v; n-- {
		sorted[n] = sorted[n-1]
	}
	sorted[n] = v
}
