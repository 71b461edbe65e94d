package router

import (
	"math"
	"slices"
	"time"
)

// chooseEvery is how often the layers of a track with several are looked at.
const chooseEvery = 250 * time.Millisecond

// trackLayer is a shard's view of one layer.
type trackLayer struct {
	layer *Layer
	track *shardTrack
	// newest is the highest number a burst brought.
	newest int64
	heard  time.Time // last burst, zero before the first
	health layerHealth
}

// live tells whether media came lately: to this shard, or before it listened.
func (l *trackLayer) live(now time.Time) bool {
	if l.heard.IsZero() {
		return l.layer.Bitrate(now) > 0
	}
	return now.Sub(l.heard) <= layerSilence
}

// shardTrack is a track that sections of a shard show. The shard subscribes to it
// once for all of them.
type shardTrack struct {
	shard    *Shard
	track    *Track
	cancel   func()
	sections []*section
	timer    wakeTimer

	layers []*trackLayer // lowest first
}

// find returns the view of a layer the track has now.
func (t *shardTrack) find(layer *Layer) *trackLayer {
	for _, l := range t.layers {
		if l.layer == layer {
			return l
		}
	}
	return nil
}

func (t *shardTrack) has(l *trackLayer) bool { return t.find(l.layer) == l }

// note takes notice of a burst and returns the view of its layer, nil when it is
// none of the track's any more.
func (t *shardTrack) note(now time.Time, b Burst, out *Out) *trackLayer {
	l := t.find(b.Layer)
	if l == nil {
		t.refresh(now, out)
		if l = t.find(b.Layer); l == nil {
			return nil
		}
	}
	for _, p := range b.Packets {
		l.newest = max(l.newest, p.Seq)
	}
	l.heard = now
	if !l.health.live() {
		t.refresh(now, out)
	}
	return l
}

// refresh looks at the layers the track has now, and lets the viewers who want it
// choose among them.
func (t *shardTrack) refresh(now time.Time, out *Out) {
	changed := t.sync()
	for _, l := range t.layers {
		l.health.note(now, l.live(now))
	}
	t.shard.schedule.set(&t.timer, t.nextWake(now))
	if !changed && len(t.layers) < 2 {
		return
	}
	for _, s := range t.sections {
		if s.want == t {
			s.viewer.allocate(now, out)
			s.viewer.flush(now)
			out.relieve()
		}
	}
}

// sync takes over the track's list of layers, keeps what is known of them, and
// tells whether it has changed.
func (t *shardTrack) sync() (changed bool) {
	now := t.track.Layers()
	layers := make([]*trackLayer, 0, len(now))
	for _, layer := range now {
		l := t.find(layer)
		if l == nil {
			l = &trackLayer{layer: layer, track: t, newest: math.MinInt64}
		}
		layers = append(layers, l)
	}
	changed = !slices.Equal(layers, t.layers)
	t.layers = layers
	return changed
}

// nextWake is when to look at the layers again. One alone needs no looking after.
func (t *shardTrack) nextWake(now time.Time) time.Time {
	if len(t.layers) < 2 {
		return time.Time{}
	}
	return now.Add(chooseEvery)
}

// wake implements wakeable.
func (t *shardTrack) wake(now time.Time, out *Out) time.Time {
	t.refresh(now, out)
	return t.nextWake(now)
}

func (t *shardTrack) add(s *section) {
	for _, other := range t.sections {
		if other == s {
			return
		}
	}
	t.sections = append(t.sections, s)
}

func (t *shardTrack) remove(s *section) {
	for i, other := range t.sections {
		if other == s {
			last := len(t.sections) - 1
			t.sections[i] = t.sections[last]
			t.sections[last] = nil
			t.sections = t.sections[:last]
			return
		}
	}
}
