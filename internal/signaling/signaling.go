package signaling

import (
	"net/netip"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/sdpfrag"
)

// Request is what both protocols know of whoever asks, whatever is asked.
type Request struct {
	Credential auth.Credential
	// From is the address of the HTTP peer, after trusted proxies.
	From netip.AddrPort
	// UserAgent goes into the session's timeline only; nothing depends on it.
	UserAgent string
}

// Offer is a POST to an endpoint (RFC 9725 section 4.2).
type Offer struct {
	Request
	Place auth.Place
	// As is who a viewer says they are where no token says so
	// (?participant=); empty for publishers.
	As string
	// Name is how they are called where no token says so (?name=): up to 128 bytes of
	// valid UTF-8.
	Name string
	// OldLayers asks for the layers event as it was before October 2024; false for
	// publishers.
	OldLayers bool
	// Counter tells that a player asks to be made an offer (?offer=server).
	Counter bool
	SDP     []byte
}

// Created is what a POST made.
type Created struct {
	// Secret is the id in the session's URL: 128 bits, never logged.
	Secret string
	// PublicID stands for the session everywhere else.
	PublicID string
	// ETag is the entity-tag of the ICE generation, with its quotes.
	ETag string
	// SDP is the complete answer, all candidates included; or a counter-offer.
	SDP []byte
	// Slots tells that a player's session has slots.
	Slots bool
	// ValidUntil is set, in whole seconds, where SDP is a counter-offer (the playback
	// draft, section 4.2.2): until then it may be answered.
	ValidUntil time.Time
}

// Answer is a PATCH of a session with the answer to a counter-offer.
type Answer struct {
	Request
	IfMatch Precondition
	SDP     []byte
}

// Precondition is an If-Match field (RFC 9110 section 13.1.1).
type Precondition struct {
	// Present is false when the request had no If-Match.
	Present bool
	// Any is the wildcard; both * and "*" count (RFC 9725 section 4.3.3 shows
	// both spellings).
	Any bool
	// Tags are the strong entity-tags, with their quotes. Weak ones never match
	// and are left out.
	Tags []string
}

// Matches reports whether the precondition holds for the current etag.
func (p Precondition) Matches(etag string) bool {
	if p.Any {
		return true
	}
	for _, t := range p.Tags {
		if t == etag {
			return true
		}
	}
	return false
}

// Patch is a PATCH of a session: candidates, or new ICE credentials.
type Patch struct {
	Request
	IfMatch  Precondition
	Fragment sdpfrag.Fragment
}

// Patched is the outcome of a Patch. Fragment is nil after plain trickle (204
// without ETag) and set after an ICE restart (200 with the new ETag).
type Patched struct {
	Fragment *sdpfrag.Fragment
	ETag     string
}

// ICEServer is one STUN or TURN server told to clients in a Link
// (RFC 9725 section 4.6).
type ICEServer struct {
	// URL is in the form of RFC 7064 or RFC 7065, for example
	// "turn:turn.example.com:3478?transport=udp".
	URL string
	// Username and Credential are empty for STUN.
	Username   string
	Credential string
	// Expires tells until when the credential works; zero for STUN.
	Expires time.Time
}
