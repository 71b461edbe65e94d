package negotiate

import "github.com/headgate/headgate/internal/fault"

// The refusals of an offer. Most are returned with a sentence about the
// particulars; compare with errors.Is.
var (
	ErrBadOffer           = fault.New(fault.Invalid, "bad-offer", "The body is not a usable SDP offer.")
	ErrBadAnswer          = fault.New(fault.Invalid, "bad-answer", "The body is not a usable SDP answer to the counter-offer.")
	ErrBadDirection       = fault.New(fault.Unprocessable, "bad-direction", "A media section has a direction that is not possible here; publishers offer sendonly, players recvonly.")
	ErrTooManyTracks      = fault.New(fault.Unprocessable, "too-many-tracks", "A publisher sends at most one audio and one video track of one stream; use one session for each source.")
	ErrTooManySections    = fault.New(fault.Unprocessable, "too-many-sections", "What this address names fills at most one audio and one video section; offer more at the address of the channel or of a participant, or use one session for each picture.")
	ErrCodecUnsupported   = fault.New(fault.Unprocessable, "codec-unsupported", "None of the offered codecs can be used here.")
	ErrNoRTCPMux          = fault.New(fault.Unprocessable, "no-rtcp-mux", "Every audio and video section needs a=rtcp-mux.")
	ErrNoBundle           = fault.New(fault.Unprocessable, "no-bundle", "Several media sections have to be in one a=group:BUNDLE, each by its own a=mid.")
	ErrSectionUnsupported = fault.New(fault.Unprocessable, "section-unsupported", "A media section is of a sort that is not supported; leave it out.")
	ErrNoMedia            = fault.New(fault.Unprocessable, "no-media", "The offer has no audio or video section that can be used.")
)

// ErrNoCandidates refuses to answer without an address: nothing could be added
// later (RFC 9725 section 4.3.2).
var ErrNoCandidates = fault.New(fault.Unavailable, "no-candidates", "The gateway has no address for media; its public address or interfaces have to be configured.")

// errLocal is a local description that does not fit its plan: a mistake on our
// side, never the client's.
var errLocal = fault.New(fault.Internal, "internal", "The gateway could not make an answer; its log says more.")
