package session

import (
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// The refusals of a Service, and the reasons for which it ends sessions. What
// ends a session is what its URL answers afterwards.
var (
	// ErrUnknown refuses requests on a session nobody knows.
	ErrUnknown = fault.New(fault.NotFound, "session-unknown",
		"There is no such session; it may have ended. Start a new one by POST.")
	// ErrDraining refuses new sessions while the gateway shuts down.
	ErrDraining = fault.New(fault.Unavailable, "server-shutdown",
		"This gateway is shutting down; try again in a moment.").After(5 * time.Second)
	// ErrSessions refuses more sessions than configured.
	ErrSessions = fault.New(fault.Unavailable, "session-limit",
		"This gateway holds as many sessions as it may; try again later.").After(10 * time.Second)
	// ErrOverloaded refuses new sessions while those there are get less than they
	// should.
	ErrOverloaded = fault.New(fault.Unavailable, "overloaded",
		"This gateway sends as much as it can; try another one, or again in a moment.").After(5 * time.Second)
	// ErrHalfOpen refuses an address with too many sessions that never connected.
	ErrHalfOpen = fault.New(fault.RateLimited, "too-many-half-open",
		"Too many sessions from this address have not connected yet; let them connect or end them first.").After(10 * time.Second)
	// ErrNotYours refuses a request on somebody else's session.
	ErrNotYours = fault.New(fault.Forbidden, "not-your-session",
		"The token belongs to somebody else than the one who made this session; use the token it was made with.")
	// ErrNoPrecondition refuses a PATCH without If-Match (RFC 9725 section 4.3.1).
	ErrNoPrecondition = fault.New(fault.PreconditionRequired, "if-match-required",
		"Send If-Match with the ETag of the session, or * for an ICE restart.")
	// ErrStale refuses a PATCH for another ICE generation.
	ErrStale = fault.New(fault.PreconditionFailed, "etag-mismatch",
		"The ETag is not the one of the current ICE session; use the newest one.")
	// ErrNoCounterOffer refuses an SDP answer that nothing waits for.
	ErrNoCounterOffer = fault.New(fault.Unprocessable, "no-counter-offer",
		"No counter-offer waits for an answer here; PATCH takes ICE candidates with Content-Type: application/trickle-ice-sdpfrag.")
	// ErrAnswerFirst refuses the extensions of a session that waits for the answer to a
	// counter-offer.
	ErrAnswerFirst = fault.New(fault.Conflict, "answer-first",
		"This session begins with the answer to its counter-offer; PATCH that first.")
	// ErrNoRestart and ErrNoTrickle refuse what is switched off.
	ErrNoRestart = fault.New(fault.Unprocessable, "restart-unsupported",
		"ICE restarts are switched off here; end the session and start a new one.")
	ErrNoTrickle = fault.New(fault.Unprocessable, "trickle-unsupported",
		"Trickle ICE is switched off here; put all candidates into the offer.")

	errDeleted   = fault.New(fault.NotFound, "deleted", "The session was ended by DELETE.")
	errHangup    = fault.New(fault.NotFound, "closed", "The client closed the connection, which ended the session.")
	errICE       = fault.New(fault.NotFound, "ice-failed", "No address pair worked (any more), so the session ended; check that UDP reaches the gateway's media port, and start a new session.")
	errDTLS      = fault.New(fault.NotFound, "dtls-failed", "The DTLS handshake failed, so the session ended; check that the fingerprint in the offer is that of the certificate used.")
	errHandshake = fault.New(fault.NotFound, "handshake-timeout", "The client did not connect in time after the POST; check that UDP reaches the gateway's media port.")
	errExpired   = fault.New(fault.NotFound, "token-expired", "The token's time was over, so the session ended; start a new one with a new token.")
	errLost      = fault.New(fault.NotFound, "lost", "Nothing was heard from the client for too long, so the session ended; start a new one.")
	errStreams   = fault.New(fault.NotFound, "too-many-streams", "The client sent or named more streams (SSRCs) than a session may have, or opened more data channels, which ended it.")
	errBitrate   = fault.New(fault.NotFound, "bitrate", "The publisher sent more than this channel's cap allows, which ended the session; lower the encoder's bit rate, and publish again.")
	errShutdown  = fault.New(fault.NotFound, "server-shutdown", "The gateway shut down, which ended the session.")

	errCounterOfferExpired = fault.New(fault.NotFound, "counter-offer-expired", "The counter-offer was not answered in time, so the session ended; start a new one by POST.")
	errAnswerUnusable      = fault.New(fault.NotFound, "answer-unusable", "The connection could not be begun with the answer, so the session ended; start a new one by POST.")
)
