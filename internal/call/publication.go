package call

import (
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/router"
)

// Publication is what members are told of a publication. It is in the words of the
// REST API.
type Publication struct {
	Participant string     `json:"participant"`
	Source      string     `json:"source"`
	State       string     `json:"state"`
	LiveSince   *time.Time `json:"live_since,omitempty"`
	Session     string     `json:"session,omitempty"`
	Standbys    []string   `json:"standbys,omitempty"`
	Video       string     `json:"video,omitempty"`
	Audio       string     `json:"audio,omitempty"`
	Width       int        `json:"width,omitempty"`
	Height      int        `json:"height,omitempty"`
	Layers      []Layer    `json:"layers,omitempty"`
	Muted       Muted      `json:"muted"`
	// SelfMuted is what its holder says is off.
	SelfMuted Muted `json:"self_muted"`
	// WHEP is the address to play it at: a path, or a URL where the origin is known.
	WHEP string `json:"whep"`
}

// Layer is an encoding of simulcast.
type Layer struct {
	RID    string `json:"rid"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Bits   int    `json:"bits_per_second"`
}

// Muted is what of a publication is not passed on.
type Muted struct {
	Audio bool `json:"audio"`
	Video bool `json:"video"`
}

// PublicationOf puts what the router tells into words; what the holder says is not in
// it. origin is scheme and authority of the gateway, or empty.
func PublicationOf(channel, origin string, info router.PublicationInfo) Publication {
	p := Publication{
		Participant: info.Participant, Source: info.Source, State: string(info.State),
		Session: info.Session, Standbys: info.Standbys, Video: info.Video, Audio: info.Audio,
		Width: info.Width, Height: info.Height, Muted: Muted(info.Muted),
		WHEP: origin + "/whep/" + names.Join(channel, info.Participant, info.Source),
	}
	if !info.Since.IsZero() {
		since := stamp(info.Since)
		p.LiveSince = &since
	}
	for _, l := range info.Layers {
		if l.RID != "" {
			p.Layers = append(p.Layers, Layer(l))
		}
	}
	return p
}

// at is the publication for those who know the gateway by this origin. p was made
// without one.
func (p Publication) at(origin string) Publication {
	p.WHEP = origin + p.WHEP
	return p
}

// differs tells that p is to be told anew after old: other tracks, or a picture of
// another size. Rates change all the time and do not count.
func (p Publication) differs(old Publication) bool {
	if p.Video != old.Video || p.Audio != old.Audio || p.Width != old.Width || p.Height != old.Height || len(p.Layers) != len(old.Layers) {
		return true
	}
	for i, l := range p.Layers {
		o := old.Layers[i]
		if l.RID != o.RID || l.Width != o.Width || l.Height != o.Height || (l.Bits > 0) != (o.Bits > 0) {
			return true
		}
	}
	return false
}

// publication is one that is on air.
type publication struct {
	told Publication
	// reason is why its publisher is ending; nil for one that goes on.
	reason *fault.Error
}
