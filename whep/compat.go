package whep

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/signaling"
)

// What players of older drafts say and expect. A list of events that is left out,
// and {} on the layer resource, need no code of their own: they are the general
// case.

// oldSelection is what the extension called rid before October 2024. All clients
// that were seen say so still.
type oldSelection struct {
	EncodingID *string `json:"encodingId"`
}

func (s selection) rid() *string {
	if s.RID != nil {
		return s.RID
	}
	return s.EncodingID
}

// unselectLayer is what medooze's player sends to leave the choice to the gateway.
func (x *extensions) unselectLayer(c echo.Context) error { return x.choose(c, automatic()) }

// wantsOldLayers tells whether the address of the endpoint says ?layers=old. Players
// take the addresses of extensions as they come, so their own one is the only
// place where a page can say that it reads the old event.
func wantsOldLayers(c echo.Context) bool { return c.QueryParam("layers") == "old" }

// oldSection is a section in the layers event before October 2024, as medooze and
// Millicast made it and broadcast-box and live777 still do.
type oldSection struct {
	Active   []oldEncoding `json:"active"`
	Inactive []oldEncoding `json:"inactive"`
	Layers   []oldLayer    `json:"layers"`
}

// oldEncoding is an encoding with its own layers; inactive ones have none.
type oldEncoding struct {
	ID     string     `json:"id"`
	Index  int        `json:"simulcastIdx"`
	Bits   int        `json:"bitrate,omitempty"`
	Width  int        `json:"width,omitempty"`
	Height int        `json:"height,omitempty"`
	Layers []oldLayer `json:"layers,omitempty"`
}

// oldLayer is a layer that is sent by the publisher at present.
type oldLayer struct {
	EncodingID string `json:"encodingId"`
	Index      int    `json:"simulcastIdx"`
	Spatial    *int   `json:"spatialLayerId,omitempty"`
	Temporal   *int   `json:"temporalLayerId,omitempty"`
	Bits       int    `json:"bitrate"`
	Width      int    `json:"width,omitempty"`
	Height     int    `json:"height,omitempty"`
}

// oldShape is the data of the layers event before October 2024.
func oldShape(all signaling.Layers) map[string]oldSection {
	shaped := make(map[string]oldSection, len(all))
	for _, section := range all {
		old := oldSection{Active: []oldEncoding{}, Inactive: []oldEncoding{}, Layers: []oldLayer{}}
		index := map[string]int{} // of encodings
		for _, l := range section.Layers {
			if l.RID == "" {
				continue
			}
			if _, seen := index[l.RID]; !seen {
				index[l.RID] = len(index)
			}
			old.add(l, index[l.RID])
		}
		shaped[strconv.Itoa(section.Media)] = old
	}
	return shaped
}

func (s *oldSection) add(l signaling.Layer, index int) {
	encoding := oldEncoding{ID: l.RID, Index: index}
	if l.Bits == 0 {
		s.Inactive = append(s.Inactive, encoding)
		return
	}
	layer := oldLayer{EncodingID: l.RID, Index: index, Spatial: known(l.Spatial), Temporal: known(l.Temporal), Bits: l.Bits, Width: l.Width, Height: l.Height}
	s.Layers = append(s.Layers, layer)
	if n := len(s.Active); n == 0 || s.Active[n-1].ID != l.RID {
		s.Active = append(s.Active, encoding)
	}
	last := &s.Active[len(s.Active)-1]
	last.Bits, last.Width, last.Height = max(last.Bits, l.Bits), max(last.Width, l.Width), max(last.Height, l.Height)
	last.Layers = append(last.Layers, layer)
}
