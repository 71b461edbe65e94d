package problem

import (
	"net/http"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// statuses is how HTTP says each kind of refusal.
var statuses = map[fault.Kind]int{
	fault.Internal:             http.StatusInternalServerError,
	fault.Invalid:              http.StatusBadRequest,
	fault.Unauthenticated:      http.StatusUnauthorized,
	fault.Forbidden:            http.StatusForbidden,
	fault.NotFound:             http.StatusNotFound,
	fault.MethodNotAllowed:     http.StatusMethodNotAllowed,
	fault.Conflict:             http.StatusConflict,
	fault.PreconditionFailed:   http.StatusPreconditionFailed,
	fault.PreconditionRequired: http.StatusPreconditionRequired,
	fault.TooLarge:             http.StatusRequestEntityTooLarge,
	fault.UnsupportedType:      http.StatusUnsupportedMediaType,
	fault.Misdirected:          http.StatusMisdirectedRequest,
	fault.Unprocessable:        http.StatusUnprocessableEntity,
	fault.RateLimited:          http.StatusTooManyRequests,
	fault.NotImplemented:       http.StatusNotImplemented,
	fault.Unavailable:          http.StatusServiceUnavailable,
}

// Status returns the HTTP status of a kind.
func Status(k fault.Kind) int {
	if code, ok := statuses[k]; ok {
		return code
	}
	return http.StatusInternalServerError
}

// defaultRetry is advised where a client is expected to come back and the fault
// does not say when.
const defaultRetry = 2 * time.Second

// retryAfter returns the advice in whole seconds, rounded up; 0 means none.
func retryAfter(f *fault.Error, status int) int {
	wait := f.RetryAfter
	if wait <= 0 {
		switch status {
		case http.StatusConflict, http.StatusTooManyRequests, http.StatusServiceUnavailable:
			wait = defaultRetry
		default:
			return 0
		}
	}
	return int((wait + time.Second - 1) / time.Second)
}

// challenge returns the WWW-Authenticate value of RFC 6750 section 3 for f; empty
// if it has none. A request without any credential learns no error code.
func challenge(f *fault.Error) string {
	const bearer = `Bearer realm="headgate"`
	switch {
	case f.Code == codeNoToken:
		return bearer
	case f.Code == codeMalformed:
		return bearer + `, error="invalid_request"`
	case f.Kind == fault.Unauthenticated:
		return bearer + `, error="invalid_token"`
	case f.Kind == fault.Forbidden:
		return bearer + `, error="insufficient_scope"`
	}
	return ""
}

// The codes of package auth that RFC 6750 treats apart from others of their kind.
const (
	codeNoToken   = "no-token"
	codeMalformed = "malformed-credential"
)
