package router

// Kind is the kind of media of a track.
type Kind uint8

// The kinds of media.
const (
	Audio Kind = iota
	Video
)

// String returns the word SDP uses.
func (k Kind) String() string {
	if k == Video {
		return "video"
	}
	return "audio"
}

// Codec names in the one spelling used inside the gateway. SDP compares them
// without case.
const (
	H264 = "H264"
	H265 = "H265"
	VP8  = "VP8"
	VP9  = "VP9"
	AV1  = "AV1"
	Opus = "opus"
	G722 = "G722"
	PCMU = "PCMU"
	PCMA = "PCMA"
)

// Codec is a coding as SDP names it. Two codecs are interchangeable for
// forwarding when Name is equal; Fmtp matters only where docs/architecture.md
// says so (H.264 packetization mode, profiles of VP9, AV1 and H.265).
type Codec struct {
	Name      string
	ClockRate uint32 // Hz
	Channels  uint8  // audio only; 0 means 1
	Fmtp      string
}

// Feedback is the RTCP feedback both sides agreed on for one payload type. Only
// what is set here may be sent.
type Feedback struct {
	NACK, PLI, FIR, TransportCC, REMB bool
}

// PayloadType is one negotiated payload type.
type PayloadType struct {
	Number   uint8
	Codec    Codec
	RTX      uint8 // payload type of its retransmissions (RFC 4588); 0 if none
	Feedback Feedback
}

// URIs of the header extensions the router reads or writes.
const (
	ExtMID             = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ExtRID             = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	ExtRepairedRID     = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	ExtTransportCC     = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	ExtAbsSendTime     = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	ExtAbsCaptureTime  = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
	ExtAudioLevel      = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	ExtOrientation     = "urn:3gpp:video-orientation"
	ExtPlayoutDelay    = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
	ExtColorSpace      = "http://www.webrtc.org/experiments/rtp-hdrext/color-space"
	ExtDependencyDescr = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

// Extensions maps the URI of a header extension to the id one peer uses for it.
type Extensions map[string]uint8
