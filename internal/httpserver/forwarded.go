package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// peers tells who is who among the addresses that requests come from.
type peers struct {
	proxies  []netip.Prefix // believed about their clients
	networks []netip.Prefix // exempt from limits
}

// newPeers reads cfg, which is valid.
func newPeers(cfg Config) peers {
	proxies, _ := parseNetworks(cfg.TrustedProxies)
	networks, _ := parseNetworks(cfg.TrustedNetworks)
	return peers{proxies: proxies, networks: networks}
}

func (p peers) trustedNetwork(addr netip.Addr) bool { return contains(p.networks, addr) }

// fromProxy reports whether the request came through a trusted proxy.
func (p peers) fromProxy(r *http.Request) bool {
	return contains(p.proxies, directPeer(r))
}

func directPeer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// clientIP is echo's IPExtractor: the nearest address that is not a trusted
// proxy. Headers of anybody else are ignored.
func (p peers) clientIP(r *http.Request) string {
	client := directPeer(r)
	if !client.IsValid() {
		return r.RemoteAddr
	}
	if !contains(p.proxies, client) {
		return client.String()
	}
	for _, hop := range slices.Backward(forwardedFor(r.Header)) {
		addr, ok := parseNode(hop)
		if !ok {
			break // hidden or nonsense: the proxy is all we know
		}
		client = addr
		if !contains(p.proxies, addr) {
			break
		}
	}
	return client.String()
}

// forwardedFor lists the hops, nearest last. The de facto header wins because a
// proxy that sets it may pass its client's Forwarded on unread.
func forwardedFor(h http.Header) []string {
	if values := h.Values("X-Forwarded-For"); len(values) > 0 {
		return strings.Split(strings.Join(values, ","), ",")
	}
	var hops []string
	for _, e := range parseForwarded(h.Values("Forwarded")) {
		hops = append(hops, e.forNode)
	}
	return hops
}

// parseNode reads the address of a hop, with or without a port and brackets
// (RFC 7239 section 6).
func parseNode(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return addr.Unmap(), err == nil
}

// front is how the outermost proxy was addressed. Empty parts were not told.
type front struct{ scheme, authority string }

// front reads what a trusted proxy says of the request it got.
func (p peers) front(r *http.Request) front {
	if !p.fromProxy(r) {
		return front{}
	}
	f := front{
		scheme:    firstOf(r.Header.Get("X-Forwarded-Proto")),
		authority: firstOf(r.Header.Get("X-Forwarded-Host")),
	}
	if f == (front{}) {
		if e := parseForwarded(r.Header.Values("Forwarded")); len(e) > 0 {
			f = front{scheme: e[0].proto, authority: e[0].host}
		}
	}
	f.scheme = strings.ToLower(f.scheme)
	if f.scheme != "http" && f.scheme != "https" {
		f.scheme = ""
	}
	if _, ok := parseHost(f.authority); !ok {
		f.authority = ""
	}
	return f.withPort(firstOf(r.Header.Get("X-Forwarded-Port")))
}

// withPort adds a port the proxy tells apart from the host.
func (f front) withPort(port string) front {
	if f.authority == "" || !isPort(port) || f.scheme == "https" && port == "443" || f.scheme == "http" && port == "80" {
		return f
	}
	if _, _, err := net.SplitHostPort(f.authority); err != nil {
		f.authority += ":" + port
	}
	return f
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// forwardedElement is what one proxy says (RFC 7239 section 4).
type forwardedElement struct{ forNode, proto, host string }

// parseForwarded reads the fields in order. What is not well-formed counts as not
// sent.
func parseForwarded(fields []string) []forwardedElement {
	var elements []forwardedElement
	rest := strings.Join(fields, ",")
	for rest != "" {
		var e forwardedElement
		var ok bool
		if e, rest, ok = cutElement(rest); !ok {
			return nil
		}
		elements = append(elements, e)
	}
	return elements
}

// cutElement takes one element and the comma behind it off the front.
func cutElement(s string) (e forwardedElement, rest string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t;")
		if s == "" {
			return e, "", true
		}
		if s[0] == ',' {
			return e, s[1:], true
		}
		name, after, found := strings.Cut(s, "=")
		if !found {
			return e, "", false
		}
		value, after, ok := cutValue(after)
		if !ok {
			return e, "", false
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "for":
			e.forNode = value
		case "proto":
			e.proto = value
		case "host":
			e.host = value
		}
		s = after
	}
}

// cutValue takes a token or a quoted-string off the front.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ";,")
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
