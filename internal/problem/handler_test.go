package problem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/problem"
)

// answer runs err through a handler at a route whose address holds a secret.
func answer(t *testing.T, method string, err error) (*http.Response, string, string) {
	t.Helper()
	var log bytes.Buffer
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.NewTextHandler(&log, nil)))
	e.Add(method, "/session/:secret", func(echo.Context) error { return err })
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, "/session/s3cret?token=t0ken", nil))
	return rec.Result(), rec.Body.String(), log.String()
}

func parse(t *testing.T, body string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatalf("body %q: %v", body, err)
	}
	return doc
}

func TestEveryKindHasAStatus(t *testing.T) {
	seen := make(map[int]fault.Kind)
	for _, kind := range fault.Kinds() {
		status := problem.Status(kind)
		if status < 400 || http.StatusText(status) == "" {
			t.Errorf("kind %d: status %d", kind, status)
		}
		if other, taken := seen[status]; taken {
			t.Errorf("kinds %d and %d share status %d", kind, other, status)
		}
		seen[status] = kind
	}
	if problem.Status(fault.Internal) != 500 || problem.Status(fault.Kind(255)) != 500 {
		t.Error("our own mistakes are not 500")
	}
}

func TestN006ProblemDocument(t *testing.T) {
	err := fmt.Errorf("publish from 192.0.2.1 with s3cret: %w", fault.New(fault.Conflict, "channel-busy", "The channel has a publisher."))
	res, body, log := answer(t, http.MethodPost, err)
	if res.StatusCode != http.StatusConflict {
		t.Errorf("status = %d", res.StatusCode)
	}
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q", got)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	want := map[string]any{
		"type": "urn:headgate:problem:channel-busy", "title": "Conflict", "status": 409.0,
		"detail": "The channel has a publisher.", "instance": "/session/:secret",
		"code": "channel-busy", "error": "The channel has a publisher.",
	}
	doc := parse(t, body)
	for k, v := range want {
		if doc[k] != v {
			t.Errorf("%s = %v, want %v", k, doc[k], v)
		}
	}
	if len(doc) != len(want) {
		t.Errorf("document has other members: %v", doc)
	}
	if log != "" {
		t.Errorf("a refusal was logged: %s", log)
	}
}

func TestContextStaysPrivate(t *testing.T) {
	for _, kind := range fault.Kinds() {
		inner := fault.New(kind, "code", "Public.")
		_, body, _ := answer(t, http.MethodPost, fmt.Errorf("private-context: %w", errors.Join(errors.New("private-too"), inner)))
		for _, leak := range []string{"private", "s3cret", "t0ken"} {
			if strings.Contains(body, leak) {
				t.Errorf("kind %d: body has %q: %s", kind, leak, body)
			}
		}
	}
}

func TestUnclassifiedIsLoggedAndSaysNothing(t *testing.T) {
	res, body, log := answer(t, http.MethodPost, errors.New("the disk is on fire"))
	if res.StatusCode != http.StatusInternalServerError || parse(t, body)["code"] != "internal" {
		t.Errorf("status %d, body %s", res.StatusCode, body)
	}
	if strings.Contains(body, "fire") || !strings.Contains(log, "fire") || strings.Contains(log, "s3cret") {
		t.Errorf("body %s, log %s", body, log)
	}
}

func TestForeignErrors(t *testing.T) {
	tests := []struct {
		name   string
		method string
		err    error
		status int
		code   string
	}{
		{"echo 404", "GET", echo.ErrNotFound, 404, "not-found"},
		{"echo 405 of a known method", "PUT", echo.ErrMethodNotAllowed, 405, "method-not-allowed"},
		{"echo 405 of a new method", "QUERY", echo.ErrMethodNotAllowed, 405, "method-not-allowed"},
		{"N-005 echo 405 of an unknown method", "BREW", echo.ErrMethodNotAllowed, 501, "method-unknown"},
		{"N-005 unknown method", "PROPFIND", problem.ErrMethod, 501, "method-unknown"},
		{"echo 413", "POST", echo.ErrStatusRequestEntityTooLarge, 413, "too-large"},
		{"echo 415", "POST", echo.ErrUnsupportedMediaType, 415, "unsupported-type"},
		{"echo 400 with any text", "POST", echo.NewHTTPError(400, "private"), 400, "bad-request"},
		{"echo 500", "POST", echo.NewHTTPError(500, "private"), 500, "internal"},
		{"net/http body limit", "POST", &http.MaxBytesError{Limit: 9}, 413, "too-large"},
		{"client went away", "POST", fmt.Errorf("x: %w", context.Canceled), 503, "cancelled"},
		{"deadline", "POST", fmt.Errorf("x: %w", context.DeadlineExceeded), 503, "timeout"},
		{"a fault inside a context error wins", "POST", errors.Join(context.Canceled, fault.New(fault.Conflict, "c", "P.")), 409, "c"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			res, body, _ := answer(t, tc.method, tc.err)
			if res.StatusCode != tc.status || parse(t, body)["code"] != tc.code {
				t.Errorf("status %d, body %s; want %d %s", res.StatusCode, body, tc.status, tc.code)
			}
			if strings.Contains(body, "private") {
				t.Errorf("echo's text leaked: %s", body)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		kind fault.Kind
		wait time.Duration
		want string
	}{
		{fault.Conflict, 0, "2"}, {fault.RateLimited, 0, "2"}, {fault.Unavailable, 0, "2"},
		{fault.Conflict, time.Millisecond, "1"}, {fault.Conflict, 1500 * time.Millisecond, "2"},
		{fault.Unavailable, 10 * time.Second, "10"}, {fault.Invalid, 0, ""}, {fault.NotFound, 3 * time.Second, "3"},
	}
	for _, tc := range tests {
		res, _, _ := answer(t, http.MethodPost, fault.New(tc.kind, "c", "P.").After(tc.wait))
		if got := res.Header.Get("Retry-After"); got != tc.want {
			t.Errorf("kind %d after %v: Retry-After = %q, want %q", tc.kind, tc.wait, got, tc.want)
		}
	}
}

func TestChallenges(t *testing.T) {
	tests := []struct {
		name      string
		err       error
		status    int
		challenge string
	}{
		{"N-191 no token", auth.ErrNoToken, 401, `Bearer realm="headgate"`},
		{"N-192 bad token", auth.ErrBadToken, 401, `Bearer realm="headgate", error="invalid_token"`},
		{"N-192 expired token", auth.ErrTokenExpired, 401, `Bearer realm="headgate", error="invalid_token"`},
		{"N-192 malformed", auth.ErrMalformed, 400, `Bearer realm="headgate", error="invalid_request"`},
		{"N-192 no rights", auth.ErrNotAllowed, 403, `Bearer realm="headgate", error="insufficient_scope"`},
		{"N-192 wrong participant", auth.ErrWrongParticipant, 403, `Bearer realm="headgate", error="insufficient_scope"`},
		{"keys unavailable", auth.ErrKeysUnavailable, 503, ""},
		{"other 400", fault.New(fault.Invalid, "bad-offer", "P."), 400, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			res, _, _ := answer(t, http.MethodPost, fmt.Errorf("x: %w", tc.err))
			if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != tc.status || got != tc.challenge {
				t.Errorf("status %d, challenge %q; want %d %q", res.StatusCode, got, tc.status, tc.challenge)
			}
		})
	}
}

func TestCommittedAnswersStay(t *testing.T) {
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	e.GET("/", func(c echo.Context) error {
		if err := c.String(http.StatusOK, "begun"); err != nil {
			return err
		}
		return errors.New("too late")
	})
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if rec.Code != http.StatusOK || rec.Body.String() != "begun" {
		t.Errorf("answer = %d %q", rec.Code, rec.Body)
	}
}

func TestNote(t *testing.T) {
	c := echo.New().NewContext(nil, nil)
	if problem.Noted(c) != nil {
		t.Error("something noted before Note")
	}
	problem.Note(c, auth.ErrBadToken)
	if !errors.Is(problem.Noted(c), auth.ErrBadToken) {
		t.Error("the note is gone")
	}
}
