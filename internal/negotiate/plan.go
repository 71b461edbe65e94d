package negotiate

import (
	"github.com/headgate/headgate/internal/sdpfrag"
	"github.com/headgate/headgate/router"
)

// Plan is an offer cut down to what will be answered, with what that is.
type Plan struct {
	// SDP is for SetRemoteDescription: no candidates, only the payload types
	// and extensions that will be answered, the offered direction rewritten
	// (recvonly towards viewers, sendonly from publishers).
	SDP string
	// Sections has one entry per media section of the offer, in its order.
	Sections []Section
	// Setup is what the offer said: actpass, active or passive.
	Setup string
}

// Section is what one media section will be answered with.
type Section struct {
	Index int
	// Mid is a token, not a number.
	Mid  string
	Kind router.Kind
	// Application is set for the data section; Kind means nothing then.
	Application bool
	// Answer is "recvonly", "sendonly" or "inactive".
	Answer string
	// Rejected tells that the answer has port 0 here.
	Rejected bool
	// PayloadTypes are the kept ones with the offer's numbers, the preferred one
	// first. Feedback is what both sides do.
	PayloadTypes []router.PayloadType
	// Extensions are the kept ones with the offer's ids.
	Extensions router.Extensions
	// SSRCs are those a publisher declared; empty with RIDs.
	SSRCs []router.DeclaredSSRC
	// RIDs are a publisher's simulcast streams in the order of its a=simulcast.
	RIDs []string
	// StreamID is the stream id of the offer's a=msid (publish), empty without.
	StreamID string
}

// AnswerOptions says how Finish and RestartFragment write. Start from
// DefaultAnswerOptions.
type AnswerOptions struct {
	// Lite writes a=ice-lite: when and only when the agent is lite (RFC 8839
	// section 5.3).
	Lite bool
	// RTCPMuxOnly writes a=rtcp-mux-only beside a=rtcp-mux. RFC 9725 section
	// 4.4.1 wants it, RFC 8858 section 4.3 forbids it in answers; the former is
	// later and more specific.
	RTCPMuxOnly bool
	// MaxBytes bounds the answer by leaving out candidates from the end, never
	// the first; 0 means 8192, which is what FFmpeg can read.
	MaxBytes int
	// Candidates decides by the value of an a=candidate line (without
	// "candidate:") whether it is told; nil keeps all.
	Candidates func(line string) bool
}

// DefaultAnswerOptions is a full agent, a=rtcp-mux-only on, 8192 bytes.
func DefaultAnswerOptions() AnswerOptions {
	return AnswerOptions{RTCPMuxOnly: true, MaxBytes: DefaultMaxAnswerBytes}
}

// DefaultMaxAnswerBytes is the size of FFmpeg's buffer for an answer.
const DefaultMaxAnswerBytes = 8192

// WithCredentials returns SDP with other ICE credentials and nothing else
// changed: the description to restart ICE with (RFC 9725 section 4.3.3).
func (p *Plan) WithCredentials(ufrag, pwd string) string { return p.SDP }

// Finish turns the local description of the WebRTC stack, candidates gathered,
// into the answer for the client.
func (p *Plan) Finish(local string, opt AnswerOptions) ([]byte, error) { return []byte(local), nil }

// RestartFragment takes the new credentials and candidates out of the local
// description after an ICE restart (RFC 9725 section 4.3.3, RFC 8840 section 9).
func (p *Plan) RestartFragment(local string, opt AnswerOptions) (sdpfrag.Fragment, error) {
	return sdpfrag.Fragment{}, nil
}
