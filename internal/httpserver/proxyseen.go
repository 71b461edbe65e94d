package httpserver

import (
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/labstack/echo/v4"
)

// proxySeen notes whether proxies told of their clients, and were believed. Safe
// for concurrent use.
type proxySeen struct{ believed, ignored atomic.Bool }

// Forwarded tells whether forwarding headers came since the server was made:
// "ignored" if some came from a machine nearby that is no trusted proxy, else
// "believed" if some came from one that is, else "". Headers that strangers make
// up do not count.
func (s *Server) Forwarded() string {
	switch {
	case s.proxies.ignored.Load():
		return "ignored"
	case s.proxies.believed.Load():
		return "believed"
	}
	return ""
}

// noteProxy is a middleware.
func (s *Server) noteProxy(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r := c.Request(); isForwarded(r.Header) {
			switch peer := directPeer(r); {
			case contains(s.peers.proxies, peer):
				note(&s.proxies.believed)
			case isNearby(peer):
				note(&s.proxies.ignored)
			}
		}
		return next(c)
	}
}

// note writes only once: all requests read it.
func note(seen *atomic.Bool) {
	if !seen.Load() {
		seen.Store(true)
	}
}

func isForwarded(h http.Header) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

func isNearby(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() }
