package audience

import (
	"context"
	"errors"
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
)

// Observation is a stamped packet that was looked into.
type Observation struct {
	At time.Time
	// Delay is the time since its stamp.
	Delay time.Duration
	Video bool
	// Layer is that of the newest frame of video, -1 where stamps tell none.
	Layer int
	// Frame is the number in the stamp, without the layer.
	Frame uint32
}

// layers follows the layers of one video stream by its stamps.
type layers struct {
	known     bool
	current   int
	frame     uint32 // the stamp's number, of the newest frame
	timestamp uint32 // of that frame
	isMixed   bool   // it is counted already

	frames          [stamp.MaxLayers]uint64
	switches, mixed uint64
}

func (l *layers) reset() {
	l.frames, l.switches, l.mixed = [stamp.MaxLayers]uint64{}, 0, 0
}

// take notes a packet of a frame and reports whether it begins another layer.
func (l *layers) take(layer int, frame, timestamp uint32) (changed bool) {
	same := l.known && timestamp == l.timestamp
	if same && frame != l.frame && !l.isMixed {
		l.mixed++
		l.isMixed = true
	}
	if l.known && int32(timestamp-l.timestamp) <= 0 {
		return false // more of the same, or a late one
	}
	changed = l.known && layer != l.current
	if changed {
		l.switches++
	}
	l.known, l.current, l.frame, l.timestamp, l.isMixed = true, layer, frame, timestamp, false
	l.frames[layer]++
	return changed
}

func (l *layers) addTo(s *Stats) {
	if !l.known {
		return
	}
	s.OnLayer[l.current]++
	s.Switches += l.switches
	s.Mixed += l.mixed
	for i, n := range l.frames {
		s.LayerFrames[i] += n
	}
}

// wish is what a viewer has asked to be sent.
type wish struct {
	open  bool
	layer int
	at    time.Time

	made, unmet uint64
	delay       Histogram
}

func (w *wish) make(now time.Time, layer int) {
	if w.open {
		w.unmet++
	}
	w.open, w.layer, w.at = true, layer, now
	w.made++
}

// arrived notes that the picture is of this layer.
func (w *wish) arrived(now time.Time, layer int) {
	if w.open && layer == w.layer {
		w.open = false
		w.delay.Add(now.Sub(w.at))
	}
}

func (w *wish) reset() { w.made, w.unmet, w.delay = 0, 0, Histogram{} }

// stamped takes what a stamp says about the packet it is in.
func (v *Viewer) stamped(now time.Time, s *stream, h header, frame uint32, delay time.Duration) {
	layer, ok := stamp.Layer(frame)
	if !ok || !s.video {
		layer = -1
	}
	if s.video && ok {
		if s.layers.take(layer, frame, h.timestamp) {
			s.frames.layerChanged(h.timestamp)
		}
		layer = s.layers.current
		v.wish.arrived(now, layer)
	}
	if observe := v.audience.cfg.Observe; observe != nil {
		observe(Observation{At: now, Delay: delay, Video: s.video, Layer: layer, Frame: stamp.Number(frame)})
	}
}

// layerRel announces the selection of layers (the playback draft's extension).
const layerRel = "urn:ietf:params:whep:ext:core:layer"

// ErrNoSelection means that the server lets players select no layers.
var ErrNoSelection = errors.New("the server announces no selection of layers")

// Select asks for the layer with this RID, which stamps call layer; an empty RID
// leaves the choice to the server. The time until it is there goes into
// Stats.SwitchDelay. A refusal is a *whep.StatusError.
func (v *Viewer) Select(ctx context.Context, rid string, layer int) error {
	target := v.session.Extension(layerRel)
	if target == "" {
		return ErrNoSelection
	}
	document := map[string]string{"mediaId": videoMID}
	if rid != "" {
		document["rid"] = rid
		v.mu.Lock()
		v.wish.make(v.audience.cfg.Now(), layer)
		v.mu.Unlock()
	}
	err := v.session.PostJSON(ctx, target, document)
	if err != nil {
		v.mu.Lock()
		v.wish.open = false
		v.mu.Unlock()
	}
	return err
}
