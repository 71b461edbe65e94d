package negotiate

import "github.com/headgate/headgate/internal/fault"

// The refusals of an offer. Most are returned with a sentence about the
// particulars; compare with errors.Is.
var (
	ErrBadOffer           = fault.New(fault.Invalid, "bad-offer", "The body is not a usable SDP offer.")
	ErrBadDirection       = fault.New(fault.Unprocessable, "bad-direction", "A media section has a direction that is not possible here; publishers offer sendonly, players recvonly.")
	ErrTooManyTracks      = fault.New(fault.Unprocessable, "too-many-tracks", "A publisher sends at most one audio and one video track of one stream; use one session for each source.")
	ErrTooManySections    = fault.New(fault.Unprocessable, "too-many-sections", "Offer at most one audio and one video section.")
	ErrCodecUnsupported   = fault.New(fault.Unprocessable, "codec-unsupported", "None of the offered codecs can be used here.")
	ErrNoRTCPMux          = fault.New(fault.Unprocessable, "no-rtcp-mux", "Every audio and video section needs a=rtcp-mux.")
	ErrNoBundle           = fault.New(fault.Unprocessable, "no-bundle", "Offers with several media sections need all of them in one a=group:BUNDLE.")
	ErrSectionUnsupported = fault.New(fault.Unprocessable, "section-unsupported", "The offer has a media section of a sort that is not supported; leave it out.")
	ErrNoMedia            = fault.New(fault.Unprocessable, "no-media", "The offer has no audio or video section that can be used.")
)
