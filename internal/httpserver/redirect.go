package httpserver

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// redirectMaxAge is how long browsers may remember a redirect, in seconds: not
// for ever, because TLS may be switched off again.
const redirectMaxAge = "max-age=3600"

// redirectToTLS sends plain requests on to HTTPS, by a status that keeps method
// and body. Served as they are: requests from this machine (encoders, probes, a
// reverse proxy), those of trusted proxies, which may speak TLS themselves, and
// health.
func (s *Server) redirectToTLS(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !s.cfg.Redirect || s.cfg.HTTPS == "" || r.TLS != nil || isHealth(r.URL.Path) || isChallenge(r.URL.Path) ||
			s.peers.fromProxy(r) || directPeer(r).IsLoopback() {
			return next(c)
		}
		origin := s.tlsOrigin(r)
		if origin == "" {
			return next(c)
		}
		c.Response().Header().Set(echo.HeaderCacheControl, redirectMaxAge)
		return c.Redirect(redirectStatus(r.Method), origin+r.URL.RequestURI())
	}
}

// redirectStatus is 308 for pages and 307 for everything else: there are WHIP
// clients that do not follow 308, and RFC 9725 section 4.5 names 307.
func redirectStatus(method string) int {
	if method == http.MethodGet || method == http.MethodHead {
		return http.StatusPermanentRedirect
	}
	return http.StatusTemporaryRedirect
}

// tlsOrigin is where HTTPS is for somebody who addressed us by r; empty if that
// cannot be told (HTTP/1.0 without Host).
func (s *Server) tlsOrigin(r *http.Request) string {
	if u, err := url.Parse(s.cfg.PublicURL); err == nil && u.Scheme == "https" {
		return "https://" + u.Host
	}
	host, ok := parseHost(r.Host)
	if !ok {
		return ""
	}
	port := s.tlsPort()
	switch {
	case port != "443":
		return "https://" + net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		return "https://[" + host + "]"
	}
	return "https://" + host
}

// tlsPort is the real one where the configuration says 0.
func (s *Server) tlsPort() string {
	address := s.cfg.HTTPS
	s.mu.Lock()
	for _, l := range s.listeners {
		if l.tls {
			address = l.Addr().String()
		}
	}
	s.mu.Unlock()
	_, port, _ := net.SplitHostPort(address)
	return port
}
