package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

var errWrongHost = fault.New(fault.Misdirected, "wrong-host",
	"This gateway does not go by that name; use its address, or add the name to http.hosts in the configuration.")

// hosts are the names the gateway goes by.
type hosts struct {
	any   bool
	names map[string]bool
}

// newHosts reads cfg, which is valid.
func newHosts(cfg Config) hosts {
	h := hosts{names: make(map[string]bool)}
	for _, name := range cfg.Hosts {
		h.any = h.any || name == "*"
		h.names[strings.ToLower(name)] = true
	}
	for _, name := range cfg.TLS.ACME.Domains {
		h.names[strings.ToLower(name)] = true
	}
	if u, err := url.Parse(cfg.PublicURL); err == nil && u.Host != "" {
		h.names[strings.ToLower(u.Hostname())] = true
	}
	return h
}

// allow reports whether a request for this authority is meant for us. Any IP
// address is: what must be kept out is a page of a strange name that resolves to
// us (DNS rebinding), and a page cannot have that trouble with an address.
func (h hosts) allow(authority string) bool {
	host, ok := parseHost(authority)
	if !ok {
		return false
	}
	if h.any || h.names[host] || loopbackName(host) {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

func loopbackName(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// parseHost returns the host of an authority in lower case, without port,
// brackets and a final dot.
func parseHost(authority string) (string, bool) {
	host := strings.ToLower(authority)
	if h, port, err := net.SplitHostPort(host); err == nil {
		if !isPort(port) {
			return "", false
		}
		host = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String(), true
	}
	host = strings.TrimSuffix(host, ".")
	return host, isName(host)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func isName(host string) bool {
	if host == "" || len(host) > 253 || strings.Contains("."+host+".", "..") {
		return false
	}
	for i := range len(host) {
		c := host[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}

// checkHost refuses requests that are meant for somebody else. Health is told to
// everybody: orchestrators ask by names of their own.
func (s *Server) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		authority := s.authority(r)
		if authority == "" || isHealth(r.URL.Path) || s.hosts.allow(authority) {
			return next(c)
		}
		return errWrongHost
	}
}

// authority is what the client addressed; empty for HTTP/1.0 without Host.
func (s *Server) authority(r *http.Request) string {
	if f := s.peers.front(r); f.authority != "" {
		return f.authority
	}
	return r.Host
}

// Origin returns scheme and authority under which the client reached us, without
// a slash at the end: the configured public URL (which may have a path), else
// what a trusted proxy forwards, else the request's own.
func (s *Server) Origin(r *http.Request) string {
	if s.cfg.PublicURL != "" {
		return strings.TrimRight(s.cfg.PublicURL, "/")
	}
	scheme := s.peers.front(r).scheme
	if scheme == "" {
		scheme = "http"
		if r.TLS != nil {
			scheme = "https"
		}
	}
	authority := s.authority(r)
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && authority == "" {
		authority = local.String()
	}
	return scheme + "://" + authority
}
