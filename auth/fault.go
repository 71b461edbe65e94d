package auth

import (
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// What an Authority refuses with. The challenge that belongs to each code
// (RFC 6750 section 3) is the HTTP side's business.
var (
	// ErrNoToken: nothing was shown where a token is wanted. Its challenge has
	// no error code (RFC 6750 section 3.1).
	ErrNoToken = fault.New(fault.Unauthenticated, "no-token",
		"A token is needed here; send it as Authorization: Bearer TOKEN.")
	// ErrBadToken: the token is not one of ours, or not good yet
	// (invalid_token).
	ErrBadToken = fault.New(fault.Unauthenticated, "bad-token",
		"The token is not valid here; ask whoever runs this gateway for another.")
	// ErrTokenExpired: the token was good once (invalid_token).
	ErrTokenExpired = fault.New(fault.Unauthenticated, "token-expired",
		"The token expired; ask for a new one.")
	// ErrMalformed: the Authorization header is not a bearer credential
	// (invalid_request).
	ErrMalformed = fault.New(fault.Invalid, "malformed-credential",
		"The Authorization header is not a bearer token; send it as Authorization: Bearer TOKEN.")
	// ErrNotAllowed: the token is good, but not for this (insufficient_scope).
	ErrNotAllowed = fault.New(fault.Forbidden, "not-allowed",
		"The token does not allow this; ask for one that does.")
	// ErrWrongParticipant: token and address name different participants.
	ErrWrongParticipant = fault.New(fault.Forbidden, "wrong-participant",
		"The token belongs to another participant than the address names; use your own name or leave it out.")
	// ErrTokenReplayed: a single-login token was used for another login.
	ErrTokenReplayed = fault.New(fault.Forbidden, "token-replayed",
		"The token admits one login and has been used; ask for a new one.")
	// ErrKeysUnavailable: the key set that would verify the token could not be
	// fetched.
	ErrKeysUnavailable = fault.New(fault.Unavailable, "keys-unavailable",
		"The keys that verify tokens cannot be fetched now; try again in a moment.").After(10 * time.Second)
)
