package httpserver

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestClientIP(t *testing.T) {
	p := newPeers(Config{TrustedProxies: []string{"10.0.0.0/8", "fd00::/8"}})
	tests := []struct {
		name, remote string
		header       []string
		want         string
	}{
		{"direct", "203.0.113.1:5", nil, "203.0.113.1"},
		{"direct IPv6", "[2001:db8::1]:5", nil, "2001:db8::1"},
		{"mapped", "[::ffff:203.0.113.1]:5", nil, "203.0.113.1"},
		{"strangers are not believed", "203.0.113.1:5", []string{"X-Forwarded-For", "1.2.3.4"}, "203.0.113.1"},
		{"strangers are not believed either", "203.0.113.1:5", []string{"Forwarded", "for=1.2.3.4"}, "203.0.113.1"},
		{"loopback is a stranger unless configured", "127.0.0.1:5", []string{"X-Forwarded-For", "1.2.3.4"}, "127.0.0.1"},
		{"proxy without headers", "10.0.0.1:5", nil, "10.0.0.1"},
		{"proxy", "10.0.0.1:5", []string{"X-Forwarded-For", "203.0.113.9"}, "203.0.113.9"},
		{"proxy with port", "10.0.0.1:5", []string{"X-Forwarded-For", "203.0.113.9:777"}, "203.0.113.9"},
		{"forged hop in front", "10.0.0.1:5", []string{"X-Forwarded-For", "1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:5", []string{"X-Forwarded-For", "203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"two proxies, two fields", "10.0.0.1:5", []string{"X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "10.0.0.2"}, "203.0.113.9"},
		{"only proxies", "10.0.0.1:5", []string{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"hidden client", "10.0.0.1:5", []string{"X-Forwarded-For", "unknown, 10.0.0.2"}, "10.0.0.2"},
		{"nonsense", "10.0.0.1:5", []string{"X-Forwarded-For", "<script>"}, "10.0.0.1"},
		{"RFC 7239", "10.0.0.1:5", []string{"Forwarded", `for=203.0.113.9;proto=https, for="[fd00::2]:80"`}, "203.0.113.9"},
		{"RFC 7239 IPv6", "[fd00::1]:5", []string{"Forwarded", `For="[2001:db8::9]:4711"`}, "2001:db8::9"},
		{"RFC 7239 hidden", "10.0.0.1:5", []string{"Forwarded", "for=_secret"}, "10.0.0.1"},
		{"X-Forwarded-For wins", "10.0.0.1:5", []string{"Forwarded", "for=1.2.3.4", "X-Forwarded-For", "203.0.113.9"}, "203.0.113.9"},
		{"no address", "@", nil, "@"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tc.remote, Header: make(http.Header)}
			for i := 0; i+1 < len(tc.header); i += 2 {
				r.Header.Add(tc.header[i], tc.header[i+1])
			}
			if got := p.clientIP(r); got != tc.want {
				t.Errorf("clientIP = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	proxied := func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/8"} }
	public := func(c *Config) { proxied(c); c.PublicURL = "https://live.example.com/gw/" }
	const stranger, proxy = "203.0.113.1:5", "10.0.0.1:5"
	tests := []struct {
		name   string
		change func(*Config)
		remote string
		tls    bool
		host   string
		header []string
		want   string
	}{
		{"the request's own", nil, stranger, false, "localhost:8080", nil, "http://localhost:8080"},
		{"over TLS", nil, stranger, true, "localhost:8443", nil, "https://localhost:8443"},
		{"IPv6", nil, stranger, false, "[::1]:8080", nil, "http://[::1]:8080"},
		{"strangers are not believed", proxied, stranger, false, "localhost",
			[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example"}, "http://localhost"},
		{"nginx", proxied, proxy, false, "live.example.com", []string{"X-Forwarded-Proto", "https"}, "https://live.example.com"},
		{"forwarded host", proxied, proxy, false, "backend:8080",
			[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "live.example.com"}, "https://live.example.com"},
		{"forwarded host and port", proxied, proxy, false, "backend:8080",
			[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "live.example.com", "X-Forwarded-Port", "8443"}, "https://live.example.com:8443"},
		{"the scheme's own port", proxied, proxy, false, "backend:8080",
			[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "live.example.com", "X-Forwarded-Port", "443"}, "https://live.example.com"},
		{"two proxies", proxied, proxy, false, "backend",
			[]string{"X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "live.example.com, inner"}, "https://live.example.com"},
		{"RFC 7239", proxied, proxy, false, "backend",
			[]string{"Forwarded", `for=1.2.3.4;proto=HTTPS;host="live.example.com:444", proto=http;host=inner`}, "https://live.example.com:444"},
		{"nonsense is ignored", proxied, proxy, false, "localhost",
			[]string{"X-Forwarded-Proto", "javascript", "X-Forwarded-Host", "a b<c>"}, "http://localhost"},
		{"public URL wins", public, proxy, false, "localhost",
			[]string{"X-Forwarded-Proto", "http", "X-Forwarded-Host", "other.example"}, "https://live.example.com/gw"},
		{"HTTP/1.0 without Host", nil, stranger, false, "", nil, "http://127.0.0.1:8080"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := newRig(t, nil, tc.change)
			target := "http://ignored/"
			if tc.tls {
				target = "https://ignored/"
			}
			r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey,
				&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}), "POST", target, nil)
			r.RemoteAddr, r.Host = tc.remote, tc.host
			for i := 0; i+1 < len(tc.header); i += 2 {
				r.Header.Add(tc.header[i], tc.header[i+1])
			}
			if got := s.Origin(r); got != tc.want {
				t.Errorf("Origin = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestParseForwarded(t *testing.T) {
	tests := []struct {
		fields []string
		want   []forwardedElement
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{"for=1.2.3.4"}, []forwardedElement{{forNode: "1.2.3.4"}}},
		{[]string{`For="[::1]:1"; Proto=http ;by=x;host=a`}, []forwardedElement{{"[::1]:1", "http", "a"}}},
		{[]string{"for=a, for=b", "for=c"}, []forwardedElement{{forNode: "a"}, {forNode: "b"}, {forNode: "c"}}},
		{[]string{`host="a\"b,;"`}, []forwardedElement{{host: `a"b,;`}}},
		{[]string{`for="open`}, nil},
		{[]string{"for"}, nil},
		{[]string{"for=a, nonsense"}, nil},
	}
	for _, tc := range tests {
		if got := parseForwarded(tc.fields); !slices.Equal(got, tc.want) {
			t.Errorf("parseForwarded(%q) = %+v, want %+v", tc.fields, got, tc.want)
		}
	}
}

func FuzzParseForwarded(f *testing.F) {
	for _, s := range []string{`for=1.2.3.4;proto=https, for="[::1]:80"`, `host="\`, "=", ";;,,", "for=a;for"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		elements := parseForwarded([]string{field})
		if len(elements) > strings.Count(field, ",")+1 {
			t.Fatalf("%q has %d elements", field, len(elements))
		}
	})
}

func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"localhost:80", "[::1]:80", "::1", "a.example.", "[", "a:b:c", "1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		host, ok := parseHost(authority)
		if !ok {
			return
		}
		if strings.ContainsAny(host, "/@?#<>\"' \r\n") || host != strings.ToLower(host) || host == "" {
			t.Fatalf("parseHost(%q) = %q", authority, host)
		}
		if again, ok := parseHost(host); !ok || again != host {
			t.Fatalf("parseHost(%q) = %q, which becomes %q", authority, host, again)
		}
	})
}
