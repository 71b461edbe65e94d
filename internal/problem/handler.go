package problem

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

// ContentType is the media type of every error body.
const ContentType = "application/problem+json"

// HeaderSession tells the public id of a session that was made or refused, under
// which GET /api/v1/sessions/ID says how it is doing. No standard knows it.
const HeaderSession = "Headgate-Session"

// document is the body of an error (RFC 9457 section 3.1).
type document struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitempty"`
	Code     string `json:"code"`
	// Error repeats Detail for clients that look for it there.
	Error string `json:"error"`
	// Session is the public id of a session that was refused.
	Session string `json:"session,omitempty"`
}

// Handler answers failed requests. Headers set before, such as those of CORS, stay.
// Only what is our own mistake is logged.
func Handler(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		f := classify(err, c.Request().Method)
		status := Status(f.Kind)
		if status == http.StatusInternalServerError {
			log.Error("request failed", "route", c.Path(), "err", err)
		}
		session := fault.Session(err)
		if session != "" {
			c.Response().Header().Set(HeaderSession, session)
		}
		if status == http.StatusUnauthorized {
			session = "" // the body is the same for every channel (N-036)
		}
		writeHeader(c.Response().Header(), f, status)
		if err := c.Blob(status, ContentType, body(f, status, c.Path(), session)); err != nil {
			log.Debug("error answer not written", "route", c.Path(), "err", err)
		}
	}
}

func writeHeader(h http.Header, f *fault.Error, status int) {
	h.Set(echo.HeaderCacheControl, "no-store")
	if s := retryAfter(f, status); s > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(s))
	}
	if value := challenge(f); value != "" {
		h.Set(echo.HeaderWWWAuthenticate, value)
	}
}

// body returns the document. Its instance is the route's template: the address
// itself may hold a session's secret.
func body(f *fault.Error, status int, route, session string) []byte {
	b, err := json.Marshal(document{
		Type:     "urn:headgate:problem:" + f.Code,
		Title:    http.StatusText(status),
		Status:   status,
		Detail:   f.Public,
		Instance: route,
		Code:     f.Code,
		Error:    f.Public,
		Session:  session,
	})
	if err != nil {
		return nil // strings and an int always marshal
	}
	return append(b, '\n')
}

// noteKey is where Note keeps its error in a request's context.
const noteKey = "headgate.noted"

// Note remembers a refusal that the answer does not show, for whoever counts
// refusals.
func Note(c echo.Context, err error) { c.Set(noteKey, err) }

// Noted returns what Note remembered, or nil.
func Noted(c echo.Context) error {
	err, _ := c.Get(noteKey).(error)
	return err
}
