package wish

import "github.com/headgate/headgate/internal/fault"

var (
	errOfferType = fault.New(fault.UnsupportedType, "unsupported-type",
		"POST an SDP offer with Content-Type: application/sdp.")
	errFragmentType = fault.New(fault.UnsupportedType, "unsupported-type",
		"PATCH takes ICE candidates with Content-Type: application/trickle-ice-sdpfrag.")
	errEncoding = fault.New(fault.UnsupportedType, "unsupported-encoding",
		"The body is compressed or otherwise encoded; send it plain, without Content-Encoding.")
	errTooLarge = fault.New(fault.TooLarge, "too-large",
		"The body is too large; send less.")
	errBody = fault.New(fault.Invalid, "body-incomplete",
		"The body did not arrive completely and in time; send it again.")
	errNoAnswer = fault.New(fault.Invalid, "bad-answer",
		"The body is empty; PATCH the SDP answer to the counter-offer.")
	errNoOffer = fault.New(fault.Invalid, "bad-offer",
		"The body is empty; POST an SDP offer.")
	errIfMatch = fault.New(fault.Invalid, "bad-if-match",
		"If-Match is not a list of entity-tags with their quotes, nor an asterisk.")
	errNoEndpoint = fault.New(fault.NotFound, "not-found",
		"An endpoint names a channel, a participant and a source at most; check the address.")
)
