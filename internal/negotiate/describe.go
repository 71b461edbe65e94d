package negotiate

import (
	"slices"

	"github.com/headgate/headgate/router"
)

// Description is what an offer says it can do, for diagnoses.
type Description struct {
	// Video and Audio are the offered codecs by name, in the order of the offer, each
	// once; what has no name here is left out.
	Video, Audio []string
	// HasVideo and HasAudio tell that there is such a section.
	HasVideo, HasAudio bool
	// Stereo tells that a payload type of Opus says stereo=1 or sprop-stereo=1.
	Stereo bool
	// RIDs are the simulcast streams.
	RIDs []string
}

// Describe returns what the offer says of its media.
func (o *Offer) Describe() (d Description) {
	for _, s := range o.active() {
		switch {
		case !s.isMedia():
		case s.kind() == router.Video:
			d.HasVideo = true
			d.Video = s.addNames(d.Video)
			for _, r := range s.rids {
				d.RIDs = append(d.RIDs, r.id)
			}
		default:
			d.HasAudio = true
			d.Audio = s.addNames(d.Audio)
			d.Stereo = d.Stereo || s.offersStereo()
		}
	}
	return d
}

func (s *offered) addNames(names []string) []string {
	for _, p := range s.payloads {
		if name := p.codec.Name; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (s *offered) offersStereo() bool {
	for _, p := range s.payloads {
		if parameter(p.codec.Fmtp, "stereo") == "1" || parameter(p.codec.Fmtp, "sprop-stereo") == "1" {
			return true
		}
	}
	return false
}
