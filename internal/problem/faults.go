package problem

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

// ErrMethod refuses a method. Whoever returns it sets Allow; for a method that
// HTTP does not know the answer becomes 501 (RFC 9110 section 9.1).
var ErrMethod = fault.New(fault.MethodNotAllowed, "method-not-allowed",
	"This address does not take that method; the Allow header lists those it takes.")

var (
	errMethodUnknown = fault.New(fault.NotImplemented, "method-unknown",
		"This gateway does not know that method.")
	errNotFound = fault.New(fault.NotFound, "not-found",
		"There is nothing at this address; check its spelling.")
	errTooLarge = fault.New(fault.TooLarge, "too-large",
		"The body is larger than this address takes; send less.")
	errUnsupported = fault.New(fault.UnsupportedType, "unsupported-type",
		"This address does not take that content type.")
	errInvalid = fault.New(fault.Invalid, "bad-request",
		"The request is not well-formed.")
	errGone = fault.New(fault.Unavailable, "cancelled",
		"The request was given up before it was answered; try again.")
	errTimeout = fault.New(fault.Unavailable, "timeout",
		"The answer took too long; try again in a moment.")
)

// classify returns the fault that err amounts to for a request with this method.
func classify(err error, method string) *fault.Error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		f = foreign(err)
	}
	if f.Kind == fault.MethodNotAllowed && !knownMethod(method) {
		return errMethodUnknown
	}
	return f
}

// foreign classifies errors that are not ours: echo's, net/http's and contexts'.
func foreign(err error) *fault.Error {
	if tooBig, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge.Because("The body is larger than %d bytes; send less.", tooBig.Limit)
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return ofStatus(e.Code, err)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return errGone
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	}
	return fault.Of(err)
}

// ofStatus classifies an echo error by its status. Its text is not passed on: it
// may hold anything.
func ofStatus(status int, err error) *fault.Error {
	switch status {
	case http.StatusNotFound:
		return errNotFound
	case http.StatusMethodNotAllowed:
		return ErrMethod
	case http.StatusRequestEntityTooLarge:
		return errTooLarge
	case http.StatusUnsupportedMediaType:
		return errUnsupported
	}
	if 400 <= status && status < 500 {
		return errInvalid
	}
	return fault.Of(err)
}

// knownMethod reports whether HTTP itself defines the method (RFC 9110 section 9,
// RFC 5789, and QUERY, which is a GET with a body).
func knownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect, "QUERY":
		return true
	}
	return false
}
