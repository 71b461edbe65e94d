package router

import "time"

// Mute is what of a publication is not passed on.
type Mute struct{ Audio, Video bool }

func (m Mute) of(kind Kind) bool {
	if kind == Video {
		return m.Video
	}
	return m.Audio
}

// Mute stops or resumes what viewers are sent of a publication, whoever publishes it
// from now on until it is gone. It tells whether there is such a publication.
func (r *Router) Mute(now time.Time, channel string, c Cast, m Mute) bool {
	found, ends := r.mute(now, channel, c, m)
	for _, end := range ends {
		end()
	}
	return found
}

func (r *Router) mute(now time.Time, name string, cast Cast, m Mute) (bool, []func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[name]
	if c == nil || c.publications[publicationKey(cast)] == nil {
		return false, nil
	}
	c.publications[publicationKey(cast)].muted = m
	return true, c.resolve(now)
}
