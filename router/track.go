package router

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// activeFor is how long a track or a layer counts as active after its last
// media packet (M-050).
const activeFor = time.Second

// Track is one audio or one video medium of one publisher. When another
// publisher takes the publication over, its viewers are moved to other tracks.
//
// All methods are safe for concurrent use.
type Track struct {
	kind  Kind
	clock *SourceClock
	pulse *pulse      // of the publisher; nil where nobody asks
	cache *groupCache // of the router; nil: groups have their own bounds only
	// shown is the video that the publication shows now; nil without a publication.
	shown *atomic.Pointer[Track]

	declared      atomic.Int32 // encodings its publisher said it would send
	subscriptions atomic.Pointer[[]*subscription]
	layers        atomic.Pointer[[]*Layer]

	mu sync.Mutex // guards every change of the subscriptions
}

// NewTrack makes a track that nobody feeds yet; one Ingest may. clock is shared
// by the audio and the video track of one publisher; nil makes one for this
// track alone.
func NewTrack(kind Kind, clock *SourceClock) *Track {
	if clock == nil {
		clock = NewSourceClock()
	}
	return &Track{kind: kind, clock: clock}
}

// Kind tells whether the track is audio or video.
func (t *Track) Kind() Kind { return t.kind }

// Codec is the codec of the layers, zero while there are none.
func (t *Track) Codec() Codec {
	if layers := t.Layers(); len(layers) > 0 {
		return layers[0].codec
	}
	return Codec{}
}

// Layers returns the layers that have sent media,
// lowest first: by measured picture size, then by bit rate, then in declared
// order. The slice is a snapshot and must not be changed.
func (t *Track) Layers() []*Layer {
	if p := t.layers.Load(); p != nil {
		return *p
	}
	return nil
}

// onAir is the track that viewers of the publication watch, or nil.
func (t *Track) onAir() *Track {
	if t.shown == nil {
		return nil
	}
	return t.shown.Load()
}

// Adapts tells that there is, or may be, more than one way to send the track: its
// publisher declared several encodings, or sends layers that can be left out.
func (t *Track) Adapts() bool {
	layers := t.Layers()
	return t.declared.Load() > 1 || len(layers) > 1 || slices.ContainsFunc(layers, (*Layer).scales)
}

// scales tells that there are, or may be, scalability layers that can be left out: of
// a layer that has only just started nothing is known.
func (l *Layer) scales() bool {
	young := l.wire.rates[spatialIDs-1][temporalIDs-1].Load() == 0
	switch l.codec.Name {
	case VP8, VP9, AV1:
		return young || l.Spatial() > 0 || l.Temporal() > 0
	}
	return false
}

// Active tells whether media came within the last second.
func (t *Track) Active(now time.Time) bool {
	for _, l := range t.Layers() {
		if l.activeAt(now) {
			return true
		}
	}
	return false
}

// Subscribe makes s receive every burst of every layer from now on. Once cancel
// has returned, s receives nothing more; cancel may be called more than once,
// but not from within Deliver of the same subscriber.
func (t *Track) Subscribe(s Subscriber) (cancel func()) {
	sub := &subscription{to: s}
	t.mu.Lock()
	defer t.mu.Unlock()
	var next []*subscription
	if old := t.subscriptions.Load(); old != nil {
		next = append(next, *old...)
	}
	next = append(next, sub)
	t.subscriptions.Store(&next)
	return func() { t.unsubscribe(sub) }
}

func (t *Track) unsubscribe(sub *subscription) {
	t.mu.Lock()
	var next []*subscription
	for _, other := range *t.subscriptions.Load() {
		if other != sub {
			next = append(next, other)
		}
	}
	t.subscriptions.Store(&next)
	t.mu.Unlock()
	sub.end()
}

// subscription is one subscriber of one track. Its mutex makes cancelling wait
// for a delivery that is under way; nobody else ever contends for it.
type subscription struct {
	to    Subscriber
	mu    sync.Mutex
	ended bool
}

func (s *subscription) deliver(b Burst) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.to.Deliver(b)
	}
}

func (s *subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// show makes layers those of the track. The slice belongs to the track
// afterwards.
func (t *Track) show(layers []*Layer) { t.layers.Store(&layers) }

// deliver hands a burst to all subscribers.
func (t *Track) deliver(b Burst) {
	subs := t.subscriptions.Load()
	if subs == nil {
		return
	}
	for _, s := range *subs {
		s.deliver(b)
	}
}
