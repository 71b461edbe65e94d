package signaling

import (
	"encoding/json"
	"strconv"
)

// listedLayer is one of the layers event. A layer without a bit rate is not sent by the
// publisher at present. Sent is our own: the extension lets players ignore it.
type listedLayer struct {
	RID      string `json:"rid,omitempty"`
	Spatial  *int   `json:"spatialLayerId,omitempty"`
	Temporal *int   `json:"temporalLayerId,omitempty"`
	Bits     int    `json:"bitrate,omitempty"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Sent     bool   `json:"sent,omitempty"`
}

// MarshalJSON writes the data of the layers event: by index of the m= line, as text.
func (all Layers) MarshalJSON() ([]byte, error) {
	shaped := make(map[string][]listedLayer, len(all))
	for _, section := range all {
		shaped[strconv.Itoa(section.Media)] = section.listed()
	}
	return json.Marshal(shaped)
}

func (s SectionLayers) listed() []listedLayer {
	list := []listedLayer{}
	for _, l := range s.Layers {
		list = append(list, listedLayer{
			RID: l.RID, Spatial: known(l.Spatial), Temporal: known(l.Temporal), Bits: l.Bits, Width: l.Width, Height: l.Height, Sent: l.Sent,
		})
	}
	return list
}

// known leaves AnyLayer out.
func known(id int) *int {
	if id < 0 {
		return nil
	}
	return &id
}
