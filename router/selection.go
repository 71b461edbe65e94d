package router

import (
	"slices"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// ErrNoLayer refuses a selection of something that is not there.
var ErrNoLayer = fault.New(fault.NotFound, "layer-unknown",
	"Nothing that is published here fits this selection; the layers event lists what there is.")

// Any is the id of a scalability layer that is not chosen by hand.
const Any = -1

// Selection is what a viewer asks to be sent in one section. Start from
// Automatic.
type Selection struct {
	// RID fixes the encoding; empty leaves it to the allocator.
	RID string
	// Spatial and Temporal fix a scalability layer, MaxSpatial and MaxTemporal bound
	// it; each may be Any.
	Spatial, Temporal, MaxSpatial, MaxTemporal int
	// MaxWidth and MaxHeight bound the picture, in pixels; 0 does not. The lowest
	// layer is sent even if it is larger.
	MaxWidth, MaxHeight int
	// Hidden sections are sent nothing.
	Hidden bool
}

// Automatic leaves everything to the allocator.
func Automatic() Selection {
	return Selection{Spatial: Any, Temporal: Any, MaxSpatial: Any, MaxTemporal: Any}
}

// admits tells whether the selection leaves room for a layer.
func (s *Selection) admits(l *Layer) bool {
	if s.RID != "" {
		return l.rid == s.RID
	}
	w, h := l.Size()
	return (s.MaxWidth == 0 || w <= s.MaxWidth) && (s.MaxHeight == 0 || h <= s.MaxHeight)
}

// LayerState is one layer that a section may be sent.
type LayerState struct {
	RID string
	// Spatial and Temporal are the ids of a scalability layer, Any where the
	// encoding has none.
	Spatial, Temporal int
	// Bits is the bit rate per second with all the layer depends on; 0 when nothing
	// was sent for a second.
	Bits int
	// Width and Height are in pixels, 0 while unknown.
	Width, Height int
	// Sent tells that the viewer is sent this layer.
	Sent bool
}

// SectionState is what fills a section.
type SectionState struct {
	Kind Kind
	// Layers are those of video, lowest first.
	Layers []LayerState
}

// Select changes what is sent in a section of video, by index. What it fixes is
// switched to at its next key frame. It is kept while other publishers come and
// go; what it fixes and they lack is ignored. ErrNoLayer when nothing that is there
// now fits, or the section is none of video.
func (a *Attachment) Select(section int, sel Selection) error {
	if section < 0 || section >= len(a.req.Kinds) || a.req.Kinds[section] != Video {
		return ErrNoLayer.Because("Section %d of this session is not one of video.", section)
	}
	if source := a.feeder(); source != nil && !source.video.offers(&sel) {
		return ErrNoLayer
	}
	a.req.Worker.Do(func(now time.Time, s *Shard, out *Out) {
		s.Select(now, a.req.Viewer, section, sel, out)
	})
	return nil
}

// offers tells whether there is something that the selection fixes.
func (t *Track) offers(sel *Selection) bool {
	layers := t.Layers()
	if sel.RID == "" || len(layers) == 0 {
		return true
	}
	return slices.ContainsFunc(layers, func(l *Layer) bool { return l.rid == sel.RID })
}

func (a *Attachment) feeder() *Publisher {
	a.router.mu.Lock()
	defer a.router.mu.Unlock()
	return a.source
}

// Sections says what fills the viewer's sections now, by index.
func (a *Attachment) Sections(now time.Time) []SectionState {
	source := a.feeder()
	states := make([]SectionState, len(a.req.Kinds))
	for i, kind := range a.req.Kinds {
		states[i].Kind = kind
		if source == nil || kind != Video {
			continue
		}
		shown := a.req.Viewer.sections[i].shown.Load()
		for _, l := range source.video.Layers() {
			w, h := l.Size()
			states[i].Layers = append(states[i].Layers, LayerState{
				RID: l.RID(), Spatial: Any, Temporal: Any, Bits: l.Bitrate(now), Width: w, Height: h, Sent: l == shown,
			})
		}
	}
	return states
}

// Viewers is how many viewers a channel has.
func (r *Router) Viewers(channel string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.channels[channel]; c != nil {
		return len(c.attachments)
	}
	return 0
}
