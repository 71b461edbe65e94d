package router

import (
	"cmp"
	"slices"
	"time"
)

// Voice is a publication that is on air.
type Voice struct {
	Cast
	// Track is the sound of the publisher on air, nil without sound.
	Track *Track
	// Video tells that there is a picture. Muted tells what of it is not passed on.
	Video bool
	Muted Mute
	// Since is when it went live.
	Since time.Time
}

// Voices lists the publications of a channel that are on air, by participant and
// source.
func (r *Router) Voices(channel string) []Voice {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[channel]
	if c == nil {
		return nil
	}
	var voices []Voice
	for key, p := range c.publications {
		if !p.onAir() || p.active == nil {
			continue
		}
		v := Voice{Cast: Cast(key), Muted: p.muted, Since: p.liveSince}
		if _, ok := p.codecs()[Audio]; ok {
			v.Track = p.active.audio
		}
		_, v.Video = p.codecs()[Video]
		voices = append(voices, v)
	}
	slices.SortFunc(voices, func(a, b Voice) int {
		return cmp.Or(cmp.Compare(a.Participant, b.Participant), cmp.Compare(a.Source, b.Source))
	})
	return voices
}
