package call

import (
	"math"
	"time"

	"github.com/headgate/headgate/router"
)

const (
	// silentLevel is the level of silence, in -dBov.
	silentLevel = 127
	// A voice becomes active above leastLoud, and above its noise by noiseMargin; it
	// stays so down to stayLoud and stayMargin. Decibels above silence.
	leastLoud, noiseMargin = silentLevel - 50, 12
	stayLoud, stayMargin   = silentLevel - 58, 8
	// mostVoiced bounds what activity is remembered.
	mostVoiced = time.Second
	// The noise of a voice is the least loudness of so many spans of time. Speech has
	// pauses in that time, a fan has none.
	noiseSpans, noiseSpan = 5, time.Second
)

// voice is what is known of one publication's sound.
type voice struct {
	cast  router.Cast
	noise noiseFloor
	// active tells that there is something above the noise now, last when that was.
	active bool
	last   time.Time
	// voiced is how much of the last time was active; speaking comes of it.
	voiced   time.Duration
	speaking bool
	// talk is how much, and how loudly, was said in the last second or so: decibels.
	talk float64
	// ahead is how long it has talked more than whoever is heard.
	ahead time.Duration
}

func newVoice(c router.Cast) *voice { return &voice{cast: c} }

// look takes a level that holds for a step of time. gain is what that step counts for
// in talk.
func (v *voice) look(now time.Time, step time.Duration, gain float64, m sample) {
	loud := 0
	if m.known && !m.mute {
		loud = silentLevel - min(int(m.level), silentLevel)
		v.noise.look(now, loud)
	}
	noise := v.noise.least()
	if v.active {
		v.active = loud > stayLoud && loud > noise+stayMargin
	} else {
		v.active = loud > leastLoud && loud > noise+noiseMargin
	}
	excess := 0.0
	if v.active {
		v.last = now
		v.voiced = min(v.voiced+step, mostVoiced)
		excess = float64(loud - stayLoud)
	} else {
		v.voiced = max(v.voiced-step, 0)
	}
	v.talk += (excess - v.talk) * gain
	switch {
	case m.mute || v.speaking && v.quiet(now) >= release:
		v.speaking, v.voiced = false, 0
	case v.voiced >= attack:
		v.speaking = true
	}
}

// quiet is how long the voice has not been active.
func (v *voice) quiet(now time.Time) time.Duration {
	if v.last.IsZero() {
		return math.MaxInt64
	}
	return now.Sub(v.last)
}

// outTalks keeps count of how long v has talked clearly more than whoever is heard.
func (v *voice) outTalks(heard *voice, step time.Duration) {
	if heard != nil && v.talk > outTalkFactor*heard.talk+outTalkMargin {
		v.ahead += step
	} else {
		v.ahead = 0
	}
}

// follows tells whether v, who speaks, is heard instead of heard, who may be nil.
func (v *voice) follows(now time.Time, heard *voice) bool {
	switch {
	case heard == nil || !heard.speaking:
		return true
	case heard.quiet(now) >= turnPause && v.active && v.voiced >= turnActive:
		return true
	}
	return v.ahead >= outTalkFor
}

// noiseFloor is the least loudness of the last seconds. Before that there was
// silence: whoever comes in talking is heard.
type noiseFloor struct {
	spans [noiseSpans]int
	at    int // the span that goes on
	since time.Time
}

func (f *noiseFloor) look(now time.Time, loud int) {
	if f.since.IsZero() {
		f.since = now
	}
	if now.Sub(f.since) >= noiseSpan {
		f.at, f.since = (f.at+1)%noiseSpans, now
		f.spans[f.at] = loud
	}
	f.spans[f.at] = min(f.spans[f.at], loud)
}

func (f *noiseFloor) least() int {
	least := f.spans[0]
	for _, loud := range f.spans {
		least = min(least, loud)
	}
	return least
}
