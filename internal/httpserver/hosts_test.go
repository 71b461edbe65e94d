package httpserver

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/wish/wishtest"
)

func TestHostsAllow(t *testing.T) {
	plain := newHosts(Config{})
	named := newHosts(Config{Hosts: []string{"Gateway"}, PublicURL: "https://Live.example.com:8443/x"})
	tests := []struct {
		name, authority string
		hosts           hosts
		want            bool
	}{
		{"loopback name", "localhost:8080", plain, true},
		{"loopback subdomain", "a.localhost", plain, true},
		{"final dot", "localhost.", plain, true},
		{"case", "LOCALHOST", plain, true},
		{"IPv4", "192.0.2.1:8080", plain, true},
		{"IPv6", "[2001:db8::1]:8080", plain, true},
		{"IPv6 without port", "[2001:db8::1]", plain, true},
		{"stranger", "evil.example", plain, false},
		{"stranger with our port", "evil.example:8080", plain, false},
		{"looks like loopback", "localhost.evil.example", plain, false},
		{"looks like an address", "127.0.0.1.evil.example", plain, false},
		{"nothing", "", plain, false},
		{"bad port", "localhost:x", plain, false},
		{"nonsense", "a b", plain, false},
		{"empty label", "a..localhost", plain, false},
		{"dots", "..", plain, false},
		{"configured", "gateway:8080", named, true},
		{"public URL", "live.example.com", named, true},
		{"others stay out", "other.example.com", named, false},
		{"everybody", "evil.example", newHosts(Config{Hosts: []string{"*"}}), true},
		{"everybody well-formed", "a/b", newHosts(Config{Hosts: []string{"*"}}), false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.hosts.allow(tc.authority); got != tc.want {
				t.Errorf("allow(%q) = %v, want %v", tc.authority, got, tc.want)
			}
		})
	}
}

func TestWrongHostIsMisdirected(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, func(c *Config) { c.TrustedProxies = []string{"10.0.0.1"} })
	res := r.post("203.0.113.1", "/whip/live", "Host", "evil.example")
	if res.Code != 421 || !strings.Contains(res.Body.String(), "wrong-host") || r.backend.Sessions() != 0 {
		t.Errorf("answer %d %s", res.Code, res.Body)
	}
	if res.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page of a strange name may read the answer")
	}
	if res := r.post("203.0.113.1", "/whip/live", "X-Forwarded-Host", "evil.example"); res.Code != 201 {
		t.Errorf("a stranger's X-Forwarded-Host counts: %d", res.Code)
	}
	if res := r.post("10.0.0.1", "/whip/live", "X-Forwarded-Host", "evil.example"); res.Code != 421 {
		t.Errorf("what a proxy forwards is not looked at: %d", res.Code)
	}
	if res := r.ask("203.0.113.1", "GET", "/healthz", "", "Host", "pod-7"); res.Code != 200 {
		t.Errorf("health by another name = %d", res.Code)
	}
}
