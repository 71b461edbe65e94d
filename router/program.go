package router

import "time"

// Cast names the publication that fills a slot; the zero Cast is nobody.
type Cast struct{ Participant, Source string }

// Program is what a channel shows to players that did not ask for somebody: whose
// picture and whose sound, the preferred ones first. A player gets the first that
// is on air, that it can play and that is not its own; when there is none, the
// publication that has been live longest.
type Program struct{ Video, Audio []Cast }

// SetProgram changes the program of a channel. It is forgotten with the channel's
// last publication, viewer and setting. It is safe for concurrent use.
func (r *Router) SetProgram(now time.Time, channel string, p Program) {}

// Filling is who fills a slot, and how much that matters above its lowest layer
// when the path is narrow: the higher Priority comes first, 0 for everybody else.
type Filling struct {
	Cast
	Priority int
}

// Fill says who fills the slots of a viewer that was attached with
// AttachRequest.Slots, by slot; those beyond the list are empty. A publication that
// is not on air, or that a section cannot play, leaves its section empty until that
// changes.
func (a *Attachment) Fill(now time.Time, slots []Filling) {}

// Playable tells whether the sections of a slot negotiated the codecs of what is
// published there now. It is true while nobody publishes there.
func (a *Attachment) Playable(slot int, c Cast) bool { return true }

// Voice is a publication that sends sound.
type Voice struct {
	Cast
	// Track is that of the publisher on air.
	Track *Track
	// Video tells that there is a picture with it. Muted tells that its sound is not
	// passed on.
	Video, Muted bool
}

// Voices lists the publications of a channel that are on air, by participant and
// source; those without sound have a nil Track.
func (r *Router) Voices(channel string) []Voice { return nil }

// Mute is what of a publication is not passed on.
type Mute struct{ Audio, Video bool }

// Mute stops or resumes what viewers are sent of a publication, whoever publishes
// it from now on. It tells whether there is such a publication.
func (r *Router) Mute(now time.Time, channel string, c Cast, m Mute) bool { return false }

// Settings are those of one channel where they differ from Config: zero values leave
// what Config says.
type Settings struct {
	Duplicates                              Duplicates
	Idle                                    Idle
	Standby                                 *bool
	MaxPublications, MaxViewers, MaxBitrate int
	ViewerLinger                            time.Duration
	// Call tells that viewers may be refilled at any time: they are answered every
	// codec they can take, and wait where nobody publishes.
	Call bool
}

// Configure gives a channel settings of its own; nil takes them away. It holds for
// what happens from now on. It is safe for concurrent use.
func (r *Router) Configure(channel string, s *Settings) {}

// Channel tells about one channel; false where there are neither publications nor
// viewers.
func (r *Router) Channel(name string) (ChannelInfo, bool) { return ChannelInfo{}, false }
