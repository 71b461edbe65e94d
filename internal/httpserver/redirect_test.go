package httpserver

import (
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/wish/wishtest"
)

func TestRedirectToTLS(t *testing.T) {
	files := pairIn(t.TempDir())
	writePair(t, files, 1, time.Now())
	const outside = "198.51.100.7"
	for _, tc := range []struct {
		name, from, method, target, host string
		change                           func(*Config)
		status                           int
		location                         string
	}{
		{"a page", outside, "GET", "/watch/live?x=1", "live.example.com", nil, 308, "https://live.example.com/watch/live?x=1"},
		{"HEAD", outside, "HEAD", "/", "live.example.com:8080", nil, 308, "https://live.example.com/"},
		{"a POST keeps its method and is followed by old clients", outside, "POST", "/whip/live", "live.example.com", nil, 307, "https://live.example.com/whip/live"},
		{"another port", outside, "GET", "/", "192.0.2.1", func(c *Config) { c.HTTPS = ":8443" }, 308, "https://192.0.2.1:8443/"},
		{"an IPv6 address", outside, "GET", "/", "[2001:db8::1]:80", nil, 308, "https://[2001:db8::1]/"},
		{"the public URL", outside, "GET", "/a", "192.0.2.1", func(c *Config) { c.PublicURL = "https://live.example.com:444/x" }, 308, "https://live.example.com:444/a"},
		{"a path that looks like a host", outside, "GET", "//evil.example/x", "live.example.com", nil, 308, "https://live.example.com//evil.example/x"},
		{"a strange host is refused, not sent on", outside, "GET", "/", "evil.example", nil, 421, ""},
		{"this machine", "127.0.0.1", "GET", "/", "localhost", nil, 200, ""},
		{"an encoder on this machine", "127.0.0.1", "POST", "/whip/live", "localhost", nil, 201, ""},
		{"this machine by IPv6", "::1", "GET", "/", "localhost", nil, 200, ""},
		{"a trusted proxy", outside, "GET", "/", "live.example.com", func(c *Config) { c.TrustedProxies = []string{outside} }, 200, ""},
		{"health", outside, "GET", "/healthz", "live.example.com", nil, 200, ""},
		{"switched off", outside, "GET", "/", "live.example.com", func(c *Config) { c.Redirect = false }, 200, ""},
		{"no HTTPS", outside, "GET", "/", "live.example.com", func(c *Config) { c.HTTPS, c.TLS = "", TLSConfig{} }, 200, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, &wishtest.Backend{}, func(c *Config) {
				c.HTTPS, c.TLS, c.Hosts = ":443", files, []string{"live.example.com"}
				if tc.change != nil {
					tc.change(c)
				}
			})
			r.Echo().Any("/", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
			ask := r.ask
			body := ""
			if tc.method == "POST" {
				body = wishtest.Offer
			}
			rec := ask(tc.from, tc.method, "http://"+tc.host+tc.target, body, "Host", tc.host, "Content-Type", "application/sdp")
			location := rec.Header().Get("Location")
			if tc.status == 201 {
				location = ""
			}
			if rec.Code != tc.status || location != tc.location {
				t.Errorf("%d %q, want %d %q", rec.Code, location, tc.status, tc.location)
			}
		})
	}
}

func TestRedirectLeadsToTheRealPort(t *testing.T) {
	r := tlsRig(t, nil)
	address, _ := listenTLS(t, r)
	rec := r.ask("198.51.100.7", "GET", "/watch/live", "", "Host", "127.0.0.1")
	if got := rec.Header().Get("Location"); got != "https://"+address+"/watch/live" {
		t.Errorf("Location %q", got)
	}
}
