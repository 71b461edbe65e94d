package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

const (
	school    = "203.0.113.1"
	elsewhere = "203.0.113.2"
)

// refusedFor checks a 429 and returns how long it says to wait.
func refusedFor(t *testing.T, res *httptest.ResponseRecorder) time.Duration {
	t.Helper()
	seconds, err := strconv.Atoi(res.Header().Get("Retry-After"))
	if res.Code != 429 || err != nil || seconds < 1 || res.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("answer %d %v %s; want 429 with Retry-After", res.Code, res.Header(), res.Body)
	}
	return time.Duration(seconds) * time.Second
}

func TestPostsAreLimitedT93(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	var refused *httptest.ResponseRecorder
	for i := range 100 { // within one second, of which the bucket refills 20
		if res := r.post(school, "/whep/live"); res.Code != 201 && refused == nil {
			refused = res
			if i < 60 {
				t.Errorf("N-037: refused after %d POSTs", i)
			}
		}
		r.clock.advance(10 * time.Millisecond)
	}
	if refused == nil {
		t.Fatal("N-037: 100 POSTs in a second passed")
	}
	refusedFor(t, refused)
	if res := r.post(elsewhere, "/whep/live"); res.Code != 201 {
		t.Errorf("T-93: another address got %d", res.Code)
	}
	r.clock.advance(3 * time.Second)
	if res := r.post(school, "/whep/live"); res.Code != 201 {
		t.Errorf("after the wait: %d", res.Code)
	}
}

func TestIPv6CountsByNetwork(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, func(c *Config) { c.Limits.PostBurst = 2 })
	r.post("2001:db8::1", "/whip/live")
	r.post("2001:db8::2", "/whip/live")
	refusedFor(t, r.post("2001:db8::3", "/whip/live"))
	if res := r.post("2001:db8:0:1::3", "/whip/live"); res.Code != 201 {
		t.Errorf("another network got %d", res.Code)
	}
}

func TestExemptAddresses(t *testing.T) {
	few := func(c *Config) {
		c.Limits.PostBurst = 1
		c.TrustedNetworks = []string{"198.51.100.0/24"}
	}
	r := newRig(t, &wishtest.Backend{}, few)
	for _, from := range []string{"127.0.0.1", "::1", "198.51.100.7"} {
		for range 5 {
			if res := r.post(from, "/whip/live"); res.Code != 201 {
				t.Errorf("%s got %d", from, res.Code)
			}
		}
	}
	strict := newRig(t, &wishtest.Backend{}, func(c *Config) { few(c); c.LimitLoopback = true })
	strict.post("127.0.0.1", "/whip/live")
	refusedFor(t, strict.post("127.0.0.1", "/whip/live"))
}

func TestFailedAuthenticationsT27(t *testing.T) {
	r := newRig(t, &wishtest.Backend{Closed: true}, nil)
	var limited int
	for range 200 {
		res := r.post(school, "/whip/live", "Authorization", "Bearer guess")
		switch res.Code {
		case 401:
		case 429:
			refusedFor(t, res)
			limited++
		default:
			t.Fatalf("status %d", res.Code)
		}
		r.clock.advance(50 * time.Millisecond)
	}
	if limited == 0 {
		t.Fatal("N-197: 200 wrong tokens in 10 s passed")
	}
	if res := r.post(elsewhere, "/whip/live", "Authorization", "Bearer "+wishtest.Publisher); res.Code != 201 {
		t.Errorf("T-27: a valid client elsewhere got %d", res.Code)
	}
	for r.post(school, "/whip/live", "Authorization", "Bearer guess").Code == 401 { // use up what came in meanwhile
	}
	refusedFor(t, r.ask(school, "OPTIONS", "/whip/live", "", "Authorization", "Bearer guess"))
	if res := r.ask(school, "OPTIONS", "/whip/live", "", "Origin", "https://a.example", "Access-Control-Request-Method", "POST"); res.Code != 200 {
		t.Errorf("a preflight got %d", res.Code)
	}
	if res := r.ask(school, "GET", "/whip/live", ""); res.Code != 204 {
		t.Errorf("a GET without token got %d", res.Code)
	}
}

func TestGuessingByOptionsIsLimited(t *testing.T) {
	r := newRig(t, &wishtest.Backend{Closed: true}, nil)
	for range 30 {
		if res := r.ask(school, "OPTIONS", "/whip/live", "", "Authorization", "Bearer guess"); res.Code != 200 {
			t.Fatalf("status %d", res.Code)
		}
	}
	refusedFor(t, r.ask(school, "OPTIONS", "/whip/live", "", "Authorization", "Bearer guess"))
}

// Passwords are guessed without a token; they count as failures all the same.
func TestGuessingPasswordsIsLimited(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	wrong := fault.New(fault.Unauthenticated, "wrong-password", "Wrong.")
	r.Server.Echo().POST(loginRoute, func(echo.Context) error { return wrong }, r.Server.Gate)
	guess := func(from string) int { return r.ask(from, "POST", loginRoute, "").Code }
	tried := 0
	for ; tried < 100 && guess(school) == 401; tried++ {
		r.clock.advance(100 * time.Millisecond)
	}
	if tried < 30 || tried > 50 {
		t.Errorf("%d guesses", tried)
	}
	if got := guess(elsewhere); got != 401 {
		t.Errorf("another address: %d", got)
	}
}

// A reader that comes again and again costs a snapshot each time; others of the address
// are not in its way.
func TestReadersThatComeAgainAndAgainAreLimited(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	r.Server.Echo().GET(memberRoutes+":secret", func(c echo.Context) error { return c.NoContent(200) }, r.Server.Gate)
	read := func(secret string) int { return r.ask(school, "GET", memberRoutes+secret, "").Code }
	for i := range 100 {
		if got := read("one"); got != 200 {
			t.Fatalf("reader %d: %d", i, got)
		}
	}
	if got := read("one"); got != 429 {
		t.Errorf("one more: %d", got)
	}
	if got := read("two"); got != 200 {
		t.Errorf("another stream: %d", got)
	}
	r.clock.advance(time.Second)
	if got := read("one"); got != 200 {
		t.Errorf("after a second: %d", got)
	}
}

func TestMissingTokensAreNoFailures(t *testing.T) {
	r := newRig(t, &wishtest.Backend{Closed: true}, func(c *Config) { c.Limits.PostBurst = 1000 })
	for range 100 {
		if res := r.post(school, "/whip/live"); res.Code != 401 {
			t.Fatalf("status %d", res.Code)
		}
	}
	if res := r.post(school, "/whip/live", "Authorization", "Bearer "+wishtest.Publisher); res.Code != 201 {
		t.Errorf("a valid client of the same address got %d", res.Code)
	}
}

func TestUnknownSessionsAreLimitedN199(t *testing.T) {
	for _, method := range []string{"DELETE", "GET", "HEAD"} {
		r := newRig(t, &wishtest.Backend{}, nil)
		location := r.post(school, "/whip/live").Header().Get("Location")
		for i := range 50 {
			if res := r.ask(school, method, fmt.Sprintf("/session/guess%d", i), ""); res.Code != 404 {
				t.Fatalf("%s %d = %d", method, i, res.Code)
			}
		}
		refusedFor(t, r.ask(school, method, "/session/guess", ""))
		if res := r.ask(elsewhere, method, "/session/guess", ""); res.Code != 404 {
			t.Errorf("%s of another address = %d", method, res.Code)
		}
		if res := r.ask(school, "GET", location, ""); res.Code != 204 {
			t.Errorf("a session that exists got %d", res.Code)
		}
		if res := r.ask(school, "DELETE", location, ""); res.Code != 200 {
			t.Errorf("DELETE of a session that exists got %d", res.Code)
		}
	}
}

func TestPatchFloodN117(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	flooded := r.post(school, "/whip/live").Header()
	other := r.post(school, "/whip/live").Header()
	patch := func(h map[string][]string) *httptest.ResponseRecorder {
		return r.ask(school, "PATCH", h["Location"][0], "a=ice-ufrag:"+wishtest.Ufrag+"\r\na=ice-pwd:"+wishtest.Pwd+"\r\n",
			"Content-Type", wish.FragmentType, "If-Match", h["Etag"][0])
	}
	for i := range 100 {
		if res := patch(flooded); res.Code != 204 {
			t.Fatalf("PATCH %d = %d %s", i, res.Code, res.Body)
		}
	}
	wait := refusedFor(t, patch(flooded))
	if res := patch(other); res.Code != 204 {
		t.Errorf("another session of the address got %d", res.Code)
	}
	if res := r.ask(school, "DELETE", other["Location"][0], ""); res.Code != 200 {
		t.Errorf("DELETE got %d", res.Code)
	}
	r.clock.advance(wait)
	if res := patch(flooded); res.Code != 204 {
		t.Errorf("after the wait: %d", res.Code)
	}
}

func TestBruteForceOfTokensOnSessions(t *testing.T) {
	r := newRig(t, &wishtest.Backend{Closed: true}, nil)
	location := r.post(school, "/whip/live", "Authorization", "Bearer "+wishtest.Publisher).Header().Get("Location")
	for range 100 {
		r.post(school, "/whip/live", "Authorization", "Bearer guess")
	}
	if res := r.ask(school, "DELETE", location, "", "Authorization", "Bearer "+wishtest.Publisher); res.Code != 200 {
		t.Errorf("the owner's DELETE got %d because of others behind the address", res.Code)
	}
}

func TestDrainingT91(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	location := r.post("127.0.0.1", "/whip/live").Header().Get("Location")
	if res := r.ask("127.0.0.1", "GET", "/readyz", ""); res.Code != 200 {
		t.Errorf("/readyz = %d", res.Code)
	}
	r.Drain()
	for _, path := range []string{"/whip/live", "/whep/live"} {
		res := r.post("127.0.0.1", path)
		if res.Code != 503 || res.Header().Get("Retry-After") != "5" || !strings.Contains(res.Body.String(), "server-shutdown") ||
			res.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("N-172 POST %s = %d %v", path, res.Code, res.Header())
		}
	}
	if res := r.ask("127.0.0.1", "GET", location, ""); res.Code != 204 {
		t.Errorf("a session got %d", res.Code)
	}
	if res := r.ask("127.0.0.1", "DELETE", location, ""); res.Code != 200 {
		t.Errorf("DELETE got %d", res.Code)
	}
	if res := r.ask("127.0.0.1", "GET", "/readyz", ""); res.Code != 503 {
		t.Errorf("/readyz = %d", res.Code)
	}
	if res := r.ask("127.0.0.1", "GET", "/healthz", ""); res.Code != 200 {
		t.Errorf("/healthz = %d", res.Code)
	}
}

func TestReadinessAsksTheOwner(t *testing.T) {
	reason := errors.New("private reason")
	s, err := New(DefaultConfig(), Options{Log: slog.New(slog.DiscardHandler), Ready: func(context.Context) error { return reason }})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Server: s, t: t}
	res := r.ask(school, "GET", "/readyz", "")
	if res.Code != 503 || res.Header().Get("Retry-After") == "" || strings.Contains(res.Body.String(), "private") {
		t.Errorf("/readyz = %d %s", res.Code, res.Body)
	}
	reason = nil
	if res := r.ask(school, "GET", "/readyz", ""); res.Code != 200 {
		t.Errorf("/readyz = %d", res.Code)
	}
}
