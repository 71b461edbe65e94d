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

// fits tells whether a picture is small enough; one whose size is unknown is.
func (s *Selection) fits(width, height int) bool {
	return (s.MaxWidth == 0 || width <= s.MaxWidth) && (s.MaxHeight == 0 || height <= s.MaxHeight)
}

// LayerState is one layer that a section may be sent.
type LayerState struct {
	RID string
	// Spatial and Temporal are the ids of a scalability layer, Any where the
	// encoding has none that may be left out.
	Spatial, Temporal int
	// Bits is the bit rate per second with all the layer depends on; 0 when nothing
	// was sent for a second.
	Bits int
	// Width and Height are in pixels, 0 while unknown.
	Width, Height int
	// Sent tells that the viewer is sent this layer, and none that depends on it.
	Sent bool
}

// SectionState is what fills a section.
type SectionState struct {
	Kind Kind
	// Layers are those of video, lowest first; of one encoding by spatial, then by
	// temporal id.
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
	if source := a.feeder(section); source != nil && !source.video.offers(&sel) {
		return ErrNoLayer
	}
	a.req.Worker.Do(func(now time.Time, s *Shard, out *Out) {
		s.Select(now, a.req.Viewer, section, sel, out)
	})
	return nil
}

// CanSelect returns ErrNoLayer where a viewer without slots that is not attached yet
// would be shown something now that has nothing of what sel fixes. self is who the
// viewer is, or "".
func (r *Router) CanSelect(channelName string, who Selector, self string, sel Selection) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[channelName]
	if c == nil {
		return nil
	}
	pub := c.shown(who, self, Video, anything)
	if pub == nil {
		pub = c.pick(who, self, anything)
	}
	if pub == nil || pub.active == nil || pub.active.video.offers(&sel) {
		return nil
	}
	return ErrNoLayer
}

// offers tells whether there is something that the selection fixes. An id of 0 is
// there without scalability layers too.
func (t *Track) offers(sel *Selection) bool {
	layers := t.Layers()
	return len(layers) == 0 || slices.ContainsFunc(layers, func(l *Layer) bool {
		return (sel.RID == "" || l.rid == sel.RID) && sel.Spatial <= l.Spatial() && sel.Temporal <= l.Temporal()
	})
}

func (a *Attachment) feeder(section int) *Publisher {
	a.router.mu.Lock()
	defer a.router.mu.Unlock()
	return a.sources[section]
}

// Sections says what fills the viewer's sections now, by index.
func (a *Attachment) Sections(now time.Time) []SectionState {
	a.router.mu.Lock()
	sources := slices.Clone(a.sources)
	a.router.mu.Unlock()
	states := make([]SectionState, len(a.req.Kinds))
	for i, kind := range a.req.Kinds {
		states[i].Kind = kind
		if sources[i] == nil || kind != Video {
			continue
		}
		sec := a.req.Viewer.sections[i]
		shown, sent := sec.showsNow()
		for _, l := range sources[i].video.Layers() {
			first := len(states[i].Layers)
			states[i].Layers = l.addStates(states[i].Layers, now)
			if l == shown {
				markSent(states[i].Layers[first:], l, sent)
			}
		}
	}
	return states
}

// addStates lists the layer, or the scalability layers it has.
func (l *Layer) addStates(list []LayerState, now time.Time) []LayerState {
	spatial, temporal := l.Spatial(), l.Temporal()
	all, bits := l.WireRate(now), l.Bitrate(now)
	for sid := range spatial + 1 {
		for tid := range temporal + 1 {
			s := LayerState{RID: l.rid, Spatial: Any, Temporal: Any, Bits: bits}
			if spatial > 0 {
				s.Spatial = sid
			}
			if temporal > 0 {
				s.Temporal = tid
			}
			if all > 0 && (sid < spatial || tid < temporal) {
				s.Bits = int(int64(bits) * int64(l.WireRateUpTo(now, sid, tid)) / int64(all))
			}
			s.Width, s.Height = l.SizeUpTo(sid)
			list = append(list, s)
		}
	}
	return list
}

// markSent marks the highest layer of l that a viewer is sent.
func markSent(list []LayerState, l *Layer, sent reach) {
	sid, tid := min(int(sent.spatial), l.Spatial()), min(int(sent.temporal), l.Temporal())
	if i := sid*(l.Temporal()+1) + tid; i < len(list) { // they may have changed since they were listed
		list[i].Sent = true
	}
}

// sendsNow publishes how much of its layer the section sends.
func (s *section) sendsNow(r reach) { s.sends.Store(uint32(r.spatial)<<8 | uint32(r.temporal)) }

// showsNow is what the section sends, nil for nothing. It is safe from any goroutine.
func (s *section) showsNow() (*Layer, reach) {
	r := s.sends.Load()
	return s.shown.Load(), reach{uint8(r >> 8), uint8(r)}
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
