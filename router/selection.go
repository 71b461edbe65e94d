package router

import (
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

// Select changes what is sent in a section of video. What it fixes is switched to
// at its next key frame. ErrNoLayer when nothing there fits, or the section is
// none of video.
func (a *Attachment) Select(section int, sel Selection) error {
	return ErrNoLayer
}

// Sections says what fills the viewer's sections now, by index.
func (a *Attachment) Sections(now time.Time) []SectionState {
	a.router.mu.Lock()
	source := a.source
	a.router.mu.Unlock()
	states := make([]SectionState, len(a.req.Kinds))
	for i, kind := range a.req.Kinds {
		states[i].Kind = kind
		if source == nil || kind != Video {
			continue
		}
		for _, l := range source.Track(kind).Layers() {
			w, h := l.Size()
			states[i].Layers = append(states[i].Layers, LayerState{
				RID: l.RID(), Spatial: Any, Temporal: Any, Bits: l.Bitrate(now), Width: w, Height: h,
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
