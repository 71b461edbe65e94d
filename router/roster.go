package router

import (
	"cmp"
	"slices"
	"time"
)

// ChannelInfo is what may be told of a channel.
type ChannelInfo struct {
	Name         string
	Publications []PublicationInfo
	Viewers      int
}

// PublicationInfo is what may be told of a publication. Video and Audio are
// codec names, empty where there is no such track; Width and Height are in
// pixels, 0 while unknown.
type PublicationInfo struct {
	Participant, Source string
	State               State
	// Since is when it went live, the zero time before that.
	Since time.Time
	// Muted is what of it is not passed on.
	Muted Mute
	// Session is the public id of the active publisher, Standbys are those of
	// publishers that are kept warm, the first in line first.
	Session       string
	Standbys      []string
	Video, Audio  string
	Width, Height int
	// Layers are the encodings of video that come, lowest first.
	Layers []LayerInfo
}

// LayerInfo is what may be told of an encoding. RID is empty where there is no
// simulcast; Width and Height are in pixels, 0 while unknown; Bits is the bit rate
// a second, 0 while nothing comes (M-050).
type LayerInfo struct {
	RID           string
	Width, Height int
	Bits          int
}

// Channels returns a snapshot of all channels, by name.
func (r *Router) Channels() []ChannelInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	infos := make([]ChannelInfo, 0, len(r.channels))
	for _, c := range r.channels {
		infos = append(infos, c.info())
	}
	slices.SortFunc(infos, func(a, b ChannelInfo) int { return cmp.Compare(a.Name, b.Name) })
	return infos
}

// Channel tells about one channel; false where there are neither publications nor
// viewers.
func (r *Router) Channel(name string) (ChannelInfo, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[name]
	if c == nil {
		return ChannelInfo{}, false
	}
	return c.info(), true
}

// InUse tells whether a channel has publications or viewers.
func (r *Router) InUse(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[name]
	return c != nil && len(c.publications)+len(c.attachments) > 0
}

// OnAir tells whether somebody publishes on a channel.
func (r *Router) OnAir(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[name]
	if c == nil {
		return false
	}
	for _, p := range c.publications {
		if p.active != nil {
			return true
		}
	}
	return false
}

func (c *channel) info() ChannelInfo {
	info := ChannelInfo{Name: c.name, Viewers: len(c.attachments)}
	for _, p := range c.publications {
		info.Publications = append(info.Publications, p.info())
	}
	slices.SortFunc(info.Publications, func(a, b PublicationInfo) int {
		return cmp.Or(cmp.Compare(a.Participant, b.Participant), cmp.Compare(a.Source, b.Source))
	})
	return info
}

func (p *publication) info() PublicationInfo {
	codecs := p.codecs()
	info := PublicationInfo{
		Participant: p.key.Participant, Source: p.key.Source, State: p.state,
		Since: p.liveSince, Muted: p.muted, Video: codecs[Video].Name, Audio: codecs[Audio].Name,
	}
	if p.active == nil {
		return info
	}
	info.Session = p.active.req.Session
	for _, s := range p.standbys {
		info.Standbys = append(info.Standbys, s.req.Session)
	}
	info.Layers = layersOf(p.active.video, p.active.audio)
	if n := len(info.Layers); n > 0 {
		info.Width, info.Height = info.Layers[n-1].Width, info.Layers[n-1].Height
	}
	return info
}

// layersOf tells the layers of video as they are at the newest packet of either
// track.
func layersOf(video, audio *Track) (infos []LayerInfo) {
	var now time.Time
	for _, l := range append(slices.Clone(video.Layers()), audio.Layers()...) {
		if at := l.newest(); at.After(now) {
			now = at
		}
	}
	for _, l := range video.Layers() {
		w, h := l.Size()
		infos = append(infos, LayerInfo{RID: l.RID(), Width: w, Height: h, Bits: l.Bitrate(now)})
	}
	return infos
}
