package httpserver

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

func TestAccessLogTellsNoSecret(t *testing.T) {
	r := newRig(t, &wishtest.Backend{Closed: true, Servers: []signaling.ICEServer{{URL: "turn:t", Username: "u", Credential: "turn-credential"}}},
		func(c *Config) { c.TrustedProxies = []string{"10.0.0.1"} })
	res := r.post("10.0.0.1", "/whip/very-private-channel?secret=in-query", "Authorization", "Bearer "+wishtest.Publisher,
		"X-Forwarded-For", "203.0.113.77", "User-Agent", "agent")
	location := res.Header().Get("Location")
	if res.Code != 201 {
		t.Fatalf("POST = %d %s", res.Code, res.Body)
	}
	r.ask("10.0.0.1", "PATCH", location, wishtest.Offer, "Content-Type", wish.FragmentType)
	r.ask("10.0.0.1", "DELETE", location, "", "Authorization", "Bearer "+wishtest.Publisher)
	r.ask("10.0.0.1", "DELETE", location, "", "Authorization", "Bearer "+wishtest.Publisher)
	r.ask("10.0.0.1", "BREWBREWBREWBREWBREW", "/nowhere/in-path?secret=in-query", "")
	log := r.log.String()
	secret := location[strings.LastIndex(location, "/")+1:]
	for _, leak := range []string{secret, wishtest.Publisher, "in-query", "in-path", "very-private-channel", "turn-credential",
		res.Header().Get("ETag"), "BREWBREWBREWBREWB"} {
		if strings.Contains(log, leak) {
			t.Errorf("the log tells %q:\n%s", leak, log)
		}
	}
	for _, line := range []string{"method=POST route=/whip/* status=201", "from=203.0.113.77",
		"method=DELETE route=/session/:secret status=200", "method=DELETE route=/session/:secret status=404", "route=none status=404"} {
		if !strings.Contains(log, line) {
			t.Errorf("the log does not tell %q:\n%s", line, log)
		}
	}
}

func TestHealthIsLoggedQuietly(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	r.ask(school, "GET", "/healthz", "")
	if log := r.log.String(); !strings.Contains(log, "level=DEBUG") || strings.Contains(log, "level=INFO") {
		t.Errorf("log: %s", log)
	}
}

func TestPanicsAreAnsweredAndLogged(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	r.Echo().GET("/panic", func(echo.Context) error { panic("private reason") })
	res := r.ask(school, "GET", "/panic", "")
	if res.Code != 500 || strings.Contains(res.Body.String(), "private") || !strings.Contains(r.log.String(), "private reason") {
		t.Errorf("answer %d %s, log %s", res.Code, res.Body, r.log)
	}
	if !strings.Contains(r.log.String(), "middleware_test.go") {
		t.Error("the log has no stack")
	}
	r.Echo().GET("/abort", func(echo.Context) error { panic(http.ErrAbortHandler) })
	defer func() {
		if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // net/http wants this very value
			t.Errorf("recovered %v", v)
		}
	}()
	r.ask(school, "GET", "/abort", "")
}

func TestSecurityHeaders(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	for _, path := range []string{"/healthz", "/whip/live", "/nowhere"} {
		h := r.ask(school, "GET", path, "").Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: header %v", path, h)
		}
	}
	r.Echo().GET("/page", func(c echo.Context) error {
		c.Response().Header().Set("Content-Security-Policy", "default-src 'self'")
		return c.HTML(200, "")
	})
	if got := r.ask(school, "GET", "/page", "").Header().Get("Content-Security-Policy"); got != "default-src 'self'" {
		t.Errorf("a page's own policy became %q", got)
	}
}

func TestBodyLimitOfOtherRoutes(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, func(c *Config) { c.MaxBodyBytes = 10 })
	var read int
	r.Echo().POST("/api", func(c echo.Context) error {
		b, err := io.ReadAll(c.Request().Body)
		read = len(b)
		if err != nil {
			return err
		}
		return c.NoContent(204)
	})
	for _, tc := range []struct{ length, status, read int }{{0, 204, 0}, {9, 204, 9}, {10, 204, 10}, {11, 413, 10}, {100_000, 413, 10}} {
		res := r.ask(school, "POST", "/api", strings.Repeat("x", tc.length))
		if res.Code != tc.status || read != tc.read {
			t.Errorf("%d bytes: status %d, %d read; want %d, %d", tc.length, res.Code, read, tc.status, tc.read)
		}
	}
}

func TestBoundedBodyKeepsFailing(t *testing.T) {
	b := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader("abcdef")), left: 3, limit: 3}
	got, err := io.ReadAll(b)
	if string(got) != "abc" || !errors.Is(err, errTooLarge) {
		t.Errorf("read %q, %v", got, err)
	}
	if n, err := b.Read(make([]byte, 8)); n != 0 || !errors.Is(err, errTooLarge) {
		t.Errorf("then %d, %v", n, err)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	for _, tc := range []struct {
		method, path string
		status       int
	}{{"GET", "/nowhere", 404}, {"POST", "/healthz", 405}, {"BREW", "/healthz", 501}, {"GET", "/healthz/", 404}, {"HEAD", "/readyz", 200}} {
		res := r.ask(school, tc.method, tc.path, "")
		if res.Code != tc.status {
			t.Errorf("%s %s = %d, want %d", tc.method, tc.path, res.Code, tc.status)
		}
		if tc.status >= 400 && res.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %v %s", tc.method, tc.path, res.Header(), res.Body)
		}
	}
}
