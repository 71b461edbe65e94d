package negotiate

import "github.com/headgate/headgate/router"

// PublishPolicy says which codecs a publisher may use.
type PublishPolicy struct {
	// Video and Audio are codec names (router.H264, router.Opus, ...), the
	// preferred one first.
	Video, Audio []string
}

// MediaChoice says how the sections of one kind are answered to a viewer.
type MediaChoice struct {
	// Codecs may be answered, the current one first. Fmtp of the current codec
	// guides the choice among H.264 profiles and modes.
	Codecs []router.Codec
	// All answers every one of Codecs that the offer has (sections that may be
	// refilled); otherwise the first match only.
	All bool
	// Absent tells that the live channel lacks this kind: the answer is
	// inactive.
	Absent bool
}

// PlayPolicy says what a viewer may be sent.
type PlayPolicy struct {
	Video, Audio MediaChoice
	// StreamID is the msid stream of a plain session (the playback draft,
	// section 4.5.2).
	StreamID string
}

// ForPublish decides what of the offer is accepted from a publisher. It is all
// or nothing (RFC 9725 section 4.4.3).
func (o *Offer) ForPublish(p PublishPolicy) (*Plan, error) { return nil, ErrCodecUnsupported }

// ForPlay decides what of the offer is answered to a viewer. Sections that
// can't be served are answered with port 0 or inactive, as long as one is left.
func (o *Offer) ForPlay(p PlayPolicy) (*Plan, error) { return nil, ErrCodecUnsupported }
