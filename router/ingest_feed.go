package router

import (
	"slices"
	"time"
)

// trackFeed is one publisher's hold on a track: the layers it shows there.
type trackFeed struct {
	track  *Track
	clocks timebases
	layers []*Layer // lowest first
}

// join shows a new layer.
func (f *trackFeed) join(l *Layer) {
	at := len(f.layers)
	for at > 0 && f.layers[at-1].order > l.order {
		at--
	}
	f.show(slices.Insert(slices.Clone(f.layers), at, l))
}

// leave takes a layer away.
func (f *trackFeed) leave(l *Layer) {
	f.show(slices.DeleteFunc(slices.Clone(f.layers), func(o *Layer) bool { return o == l }))
}

func (f *trackFeed) show(layers []*Layer) {
	f.layers = layers
	f.track.show(layers)
}

// sort puts the layers in order as they are measured now.
func (f *trackFeed) sort(now time.Time) {
	sorted := slices.Clone(f.layers)
	for range sorted {
		for i := 1; i < len(sorted); i++ {
			if above(now, sorted[i-1], sorted[i]) {
				sorted[i-1], sorted[i] = sorted[i], sorted[i-1]
			}
		}
	}
	if !slices.Equal(sorted, f.layers) {
		f.show(sorted)
	}
}

// above tells whether a is clearly a higher layer than b: by the size of the
// picture, or by half as much more bits again where sizes do not tell.
func above(now time.Time, a, b *Layer) bool {
	aw, ah := a.Size()
	bw, bh := b.Size()
	if aw*ah != 0 && bw*bh != 0 && aw*ah != bw*bh {
		return aw*ah > bw*bh
	}
	ar, br := a.Bitrate(now), b.Bitrate(now)
	return br > 0 && 2*ar > 3*br
}

// deliver hands a burst to the subscribers.
func (f *trackFeed) deliver(b Burst) {
	if f.track.pulse != nil {
		f.track.pulse.beat(b.Packets[len(b.Packets)-1].Arrival)
	}
	f.track.deliver(b)
}
