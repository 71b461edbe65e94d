package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of refusal an Error is. It is translated into a protocol's
// own status by the package that speaks the protocol.
type Kind uint8

// The kinds of refusal. Internal is the zero value, so that an error nobody
// classified is reported as our own mistake.
const (
	Internal Kind = iota
	Invalid
	Unauthenticated
	Forbidden
	NotFound
	MethodNotAllowed
	Conflict
	PreconditionFailed
	PreconditionRequired
	TooLarge
	UnsupportedType
	Misdirected
	Unprocessable
	RateLimited
	NotImplemented
	Unavailable
	kindCount
)

// Kinds lists every kind, for tests that must cover them all.
func Kinds() []Kind {
	kinds := make([]Kind, 0, kindCount)
	for k := range kindCount {
		kinds = append(kinds, k)
	}
	return kinds
}

// Error is a refusal the peer may be told about. Its Public sentence is the only
// text that ever leaves the process; context added by wrapping stays private.
type Error struct {
	Kind Kind
	// Code is stable and machine-readable, for example "channel-busy".
	Code string
	// Public is one sentence that names the remedy.
	Public string
	// RetryAfter tells when a new try may succeed; 0 gives no advice.
	RetryAfter time.Duration
}

// New makes a sentinel.
func New(kind Kind, code, public string) *Error {
	return &Error{Kind: kind, Code: code, Public: public}
}

// Error returns the code and the public sentence.
func (e *Error) Error() string { return e.Code + ": " + e.Public }

// Is reports whether target has the same code, so that errors made by Because
// still match their sentinel.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Because returns a copy of e with another public sentence: the same refusal
// with the particulars of this request. The sentence is shown to the peer.
func (e *Error) Because(format string, args ...any) *Error {
	c := *e
	c.Public = fmt.Sprintf(format, args...)
	return &c
}

// After returns a copy of e that advises to try again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

var unclassified = New(Internal, "internal", "The gateway made a mistake; its log says more.")

// Of returns the Error inside err, or an Internal one when there is none.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return unclassified
}
