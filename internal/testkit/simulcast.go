package testkit

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Simulcast makes a publisher send its picture in several layers, told apart by
// RID (RFC 8853). The zero value does not.
//
// Without OBS it is done as browsers do it: MID and RID travel until the first
// report on an SSRC, numbers and timestamps start anywhere, every layer has
// retransmissions and reports of its own, and a request for a key frame is
// answered in the layer it names.
//
// With OBS it is done as OBS 32 does it (Q-OBS-6 to Q-OBS-11): SSRCs that follow
// the audio's, every number and timestamp from 0, MID and RID always, no RTX, no
// ear for PLI, one store of sent packets by number alone, one reporter. A single
// layer carries its RID although no a=rid declares it.
type Simulcast struct {
	// Layers are in the order of a=simulcast.
	Layers []LayerSpec
	OBS    bool
}

// LayerSpec is one layer of a Simulcast. The frames of all layers are taken at
// the same instants and carry the same numbers.
type LayerSpec struct {
	RID string
	// Width and Height are what the bitstream says, in pixels, both even.
	Width, Height int
	// Bits is the bit rate of the payloads a second, without what key frames have
	// beyond other frames.
	Bits int
	// Late is how long after the first frame the layer begins.
	Late time.Duration
	// NoReports sends no sender reports of this layer.
	NoReports bool
}

// BrowserLayers are the layers a browser sends of a picture of 1280x720, lowest
// first.
func BrowserLayers() []LayerSpec {
	return []LayerSpec{
		{RID: "q", Width: 320, Height: 180, Bits: 150_000},
		{RID: "h", Width: 640, Height: 360, Bits: 500_000},
		{RID: "f", Width: 1280, Height: 720, Bits: 1_500_000},
	}
}

// OBSLayers are the layers OBS sends of a picture of 1280x720, highest first.
func OBSLayers() []LayerSpec {
	return []LayerSpec{
		{RID: "0", Width: 1280, Height: 720, Bits: 1_500_000},
		{RID: "1", Width: 852, Height: 480, Bits: 900_000},
		{RID: "2", Width: 426, Height: 240, Bits: 300_000},
	}
}

func (s Simulcast) on() bool { return len(s.Layers) > 0 }

// declared tells whether the layers are in the offer.
func (s Simulcast) declared() bool { return !s.OBS || len(s.Layers) > 1 }

// The ids of the header extensions that name a stream. Those of browsers are out
// of the way of Accent.Orientation.
type streamExtensions struct{ mid, rid, repairedRID uint8 }

func (s Simulcast) extensions() streamExtensions {
	if s.OBS {
		return streamExtensions{mid: 1, rid: 2}
	}
	return streamExtensions{mid: 11, rid: 12, repairedRID: 13}
}

const (
	midURI         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridURI         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	repairedRIDURI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
)

// offer writes the layers into the section of video. Simulcast streams have no
// a=ssrc.
func (s Simulcast) offer(sdp string) string {
	head, sections, _ := strings.Cut(sdp, "\r\nm=")
	parts := strings.Split(sections, "\r\nm=")
	for i, part := range parts {
		if strings.HasPrefix(part, "video") {
			parts[i] = s.section(part)
		}
	}
	return head + "\r\nm=" + strings.Join(parts, "\r\nm=")
}

func (s Simulcast) section(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n")
	if s.declared() {
		lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "a=ssrc") })
	}
	e := s.extensions()
	lines = append(lines, fmt.Sprint("a=extmap:", e.mid, " ", midURI), fmt.Sprint("a=extmap:", e.rid, " ", ridURI))
	if e.repairedRID != 0 {
		lines = append(lines, fmt.Sprint("a=extmap:", e.repairedRID, " ", repairedRIDURI))
	}
	if s.declared() {
		var rids []string
		for _, l := range s.Layers {
			rids = append(rids, l.RID)
			lines = append(lines, "a=rid:"+l.RID+" send")
		}
		lines = append(lines, "a=simulcast:send "+strings.Join(rids, ";"))
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// answered reads which layers the answer takes. plain is the rest of it.
func (s Simulcast) answered(sdp string) (rids []string, plain string) {
	if !s.declared() {
		return []string{s.Layers[0].RID}, sdp
	}
	var b strings.Builder
	for line := range strings.Lines(sdp) {
		if list, ok := strings.CutPrefix(line, "a=simulcast:recv "); ok {
			rids = strings.Split(strings.TrimSpace(list), ";")
		} else if !strings.HasPrefix(line, "a=rid:") {
			b.WriteString(line)
		}
	}
	return rids, b.String()
}
