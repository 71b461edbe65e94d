package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
)

const adminToken = "admin-token-00000001"

// running starts a gateway on free ports and ends it with the test.
func running(t *testing.T, change func(*gateway.Config)) *gateway.Gateway {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.HTTP.HTTP, cfg.Media.Listen, cfg.StateDir = "127.0.0.1:0", "127.0.0.1:0", t.TempDir()
	change(&cfg)
	ctx, cancel := context.WithCancel(t.Context())
	g, err := gateway.New(ctx, cfg, gateway.Options{Version: "v9", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- g.Run(ctx) }() // waited for below
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	return g
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "prometheus-calls-it-so:9190"
	res, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestTheOperationsListener(t *testing.T) {
	g := running(t, func(c *gateway.Config) { c.Operations.Listen = "127.0.0.1:0" })
	at := g.OperationsURL()
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/metrics":                      {200, `headgate_build_info{version="v9"} 1`},
		"/healthz":                      {200, "ok"},
		"/readyz":                       {200, "ok"},
		"/debug/pprof/":                 {200, "goroutine"},
		"/debug/pprof/heap?debug=1":     {200, "heap profile"},
		"/debug/pprof/symbol":           {200, "num_symbols"},
		"/debug/pprof/cmdline":          {404, ""}, // may hold what is nobody's business
		"/whip/live":                    {404, ""},
		"/api/v1/channels":              {404, ""},
		"/debug/pprof/trace?seconds=.1": {200, ""},
	} {
		if status, body := fetch(t, at+path); status != want.status || !strings.Contains(body, want.text) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if res := from(g, "127.0.0.1:5", "localhost", path, nil); res.Code != http.StatusNotFound {
			t.Errorf("%s is on the main listener too: %d", path, res.Code)
		}
	}
	g.Drain()
	if status, _ := fetch(t, at+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("ready while draining: %d", status)
	}
}

// from asks the main listener as somebody at an address.
func from(g *gateway.Gateway, peer, host, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://"+host+path, nil)
	r.RemoteAddr = peer
	for name, values := range header {
		r.Header[name] = values
	}
	answer := httptest.NewRecorder()
	g.Handler().ServeHTTP(answer, r)
	return answer
}

func TestWhoMayReadMetricsOfTheMainListener(t *testing.T) {
	const stranger, here = "203.0.113.9:5", "127.0.0.1:5"
	admin := func(c *gateway.Config) {
		c.Auth.Tokens = []auth.TokenConfig{{Token: adminToken, Admin: true}, {Token: "some-other-token-1", Play: true, Channels: []string{"*"}}}
	}
	proxied := func(c *gateway.Config) { admin(c); c.HTTP.PublicURL = "https://live.example" }
	open := func(c *gateway.Config) { c.Auth.Open = true }
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	for name, tc := range map[string]struct {
		change     func(*gateway.Config)
		peer, host string
		header     http.Header
		want       int
	}{
		"this machine":                     {admin, here, "127.0.0.1:8080", nil, 200},
		"this machine, IPv6":               {admin, "[::1]:5", "[::1]:8080", nil, 200},
		"this machine by a forwarder":      {admin, here, "localhost", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, 401},
		"this machine by another name":     {admin, here, "192.0.2.1", nil, 401},
		"this machine, a proxy is there":   {proxied, here, "localhost", nil, 401},
		"a proxy is there, and an admin":   {proxied, here, "live.example", bearer(adminToken), 200},
		"a stranger":                       {admin, stranger, "127.0.0.1:8080", nil, 401},
		"a viewer":                         {admin, stranger, "127.0.0.1:8080", bearer("some-other-token-1"), 403},
		"an admin":                         {admin, stranger, "127.0.0.1:8080", bearer(adminToken), 200},
		"a stranger where media is open":   {open, stranger, "127.0.0.1:8080", nil, 401},
		"any token where media is open":    {open, stranger, "127.0.0.1:8080", bearer("whatever-0000001"), 401},
		"this machine where media is open": {open, here, "127.0.0.1:8080", nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			g := running(t, tc.change)
			if res := from(g, tc.peer, tc.host, "/metrics", tc.header); res.Code != tc.want {
				t.Errorf("%d %s", res.Code, res.Body)
			}
			if res := from(g, stranger, "127.0.0.1", "/debug/pprof/", bearer(adminToken)); res.Code != http.StatusNotFound {
				t.Errorf("profiles on the main listener: %d", res.Code)
			}
		})
	}
}

func TestABadOperationsAddressIsNamed(t *testing.T) {
	cfg := gateway.DefaultConfig()
	cfg.Operations.Listen = "9190"
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "operations.listen: ") {
		t.Errorf("got %v", err)
	}
}
