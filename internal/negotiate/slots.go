package negotiate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// HasSlots tells whether a player's offer has more than one section of a kind: then
// its i-th audio and its i-th video section are slot i, filled by one publication at
// a time. Disabled sections do not count.
func (o *Offer) HasSlots() bool { return o.count("audio") > 1 || o.count("video") > 1 }

// checkCount bounds the sections of a kind.
func (o *Offer) checkCount(most int) *fault.Error {
	for _, media := range []string{"audio", "video"} {
		switch n := o.count(media); {
		case n <= max(most, 1):
		case most <= 1:
			return ErrTooManySections
		default:
			return ErrTooManySections.Because("The offer has %d %s sections, which would be as many slots; there are %d at most.", n, media, most)
		}
	}
	return nil
}

// forSlots answers every codec of the list in every section, since anybody may fill
// it, and no sound but Opus.
func (p PlayPolicy) forSlots() PlayPolicy {
	p.Video.All, p.Video.Absent = true, false
	p.Audio.All, p.Audio.Absent = true, false
	p.Audio.Codecs = slices.DeleteFunc(slices.Clone(p.Audio.Codecs), func(c router.Codec) bool { return c.Name != router.Opus })
	return p
}

// numberSlots counts the sections of each kind that are not rejected.
func (p *Plan) numberSlots() {
	p.Slots = true
	next := make(map[string]int)
	for i := range p.Sections {
		if s := &p.Sections[i]; !s.Application && !s.Rejected {
			s.Slot = next[s.media]
			next[s.media]++
		}
	}
}

// slotStream is the msid stream of a section's slot, which never changes, whoever
// fills it.
func (s *Section) slotStream() string { return "slot-" + strconv.Itoa(s.Slot) }

// inStream puts the value of an msid into another stream.
func inStream(stream, msid string) string {
	_, track, _ := strings.Cut(msid, " ")
	return stream + " " + track
}
