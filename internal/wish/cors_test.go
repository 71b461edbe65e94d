package wish

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func corsHeadersFor(t *testing.T, p CORS, method string, header map[string]string) http.Header {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/whip/live", nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	h := make(http.Header)
	p.apply(h, r)
	return h
}

func TestCORSOriginsN088(t *testing.T) {
	anyone := CORS{AllowAny: true}
	loopback := CORS{EchoLoopback: true}
	named := CORS{Origins: []string{"https://app.example.com"}}
	tests := []struct {
		name, origin string
		policy       CORS
		allow, vary  string
	}{
		{"any", "https://a.example", anyone, "*", ""},
		{"any without Origin", "", anyone, "*", ""},
		{"N-174 any, after a cross-origin redirect", "null", anyone, "*", ""},
		{"loopback name", "http://localhost:3000", loopback, "http://localhost:3000", "Origin"},
		{"loopback subdomain", "http://app.localhost", loopback, "http://app.localhost", "Origin"},
		{"loopback IPv4", "http://127.0.0.1:8080", loopback, "http://127.0.0.1:8080", "Origin"},
		{"loopback IPv4 elsewhere in the block", "https://127.9.9.9", loopback, "https://127.9.9.9", "Origin"},
		{"loopback IPv6", "http://[::1]:8080", loopback, "http://[::1]:8080", "Origin"},
		{"stranger", "https://evil.example", loopback, "", "Origin"},
		{"looks like loopback", "http://localhost.evil.example", loopback, "", "Origin"},
		{"looks like loopback too", "http://127.0.0.1.evil.example", loopback, "", "Origin"},
		{"user info", "http://localhost@evil.example", loopback, "", "Origin"},
		{"a path is no origin", "http://localhost/x", loopback, "", "Origin"},
		{"null", "null", loopback, "", "Origin"},
		{"other scheme", "file://localhost", loopback, "", "Origin"},
		{"no Origin", "", loopback, "", "Origin"},
		{"named", "https://app.example.com", named, "https://app.example.com", "Origin"},
		{"named, other scheme", "http://app.example.com", named, "", "Origin"},
		{"named, other port", "https://app.example.com:444", named, "", "Origin"},
		{"named does not allow loopback", "http://localhost", named, "", "Origin"},
		{"nobody", "https://a.example", CORS{}, "", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			header := map[string]string{}
			if tc.origin != "" {
				header["Origin"] = tc.origin
			}
			h := corsHeadersFor(t, tc.policy, http.MethodPost, header)
			if got := h.Get("Access-Control-Allow-Origin"); got != tc.allow {
				t.Errorf("Access-Control-Allow-Origin = %q, want %q", got, tc.allow)
			}
			if got := h.Get("Vary"); got != tc.vary {
				t.Errorf("Vary = %q, want %q", got, tc.vary)
			}
			if h.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
			if told := h.Get("Access-Control-Expose-Headers") != ""; told != (tc.allow != "") {
				t.Errorf("exposed headers told: %v", told)
			}
		})
	}
}

func TestPreflightN083to092(t *testing.T) {
	ask := map[string]string{"Origin": "https://a.example", "Access-Control-Request-Method": "POST",
		"Access-Control-Request-Headers": "authorization,content-type", "Access-Control-Request-Private-Network": "true"}
	h := corsHeadersFor(t, CORS{AllowAny: true}, http.MethodOptions, ask)
	for _, method := range []string{"OPTIONS", "GET", "HEAD", "POST", "PATCH", "DELETE"} {
		if !listed(h.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("N-084: %s is not among %q", method, h.Get("Access-Control-Allow-Methods"))
		}
	}
	for _, name := range []string{"Authorization", "Content-Type", "If-Match", "ETag", "Link"} {
		if !listed(h.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("N-085: %s is not among %q", name, h.Get("Access-Control-Allow-Headers"))
		}
	}
	if got := h.Get("Access-Control-Max-Age"); got != "7200" {
		t.Errorf("N-091: Max-Age = %q", got)
	}
	if h.Get("Access-Control-Allow-Private-Network") != "" {
		t.Error("N-092: private network allowed without configuration")
	}
	h = corsHeadersFor(t, CORS{AllowAny: true, PrivateNetwork: true}, http.MethodOptions, ask)
	if h.Get("Access-Control-Allow-Private-Network") != "true" {
		t.Error("N-092: private network not allowed in spite of configuration")
	}
}

func TestExposedHeadersN086(t *testing.T) {
	h := corsHeadersFor(t, CORS{AllowAny: true}, http.MethodPost, map[string]string{"Origin": "https://a.example"})
	for _, name := range []string{"Location", "ETag", "Link", "Retry-After", "Accept-Post", "Accept-Patch", "Allow",
		"WWW-Authenticate", "Access-Control-Allow-Methods"} {
		if !listed(h.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s is not exposed", name)
		}
	}
	if !listed(h.Get("Access-Control-Allow-Methods"), "PATCH") {
		t.Error("Q-EYE-2: an actual answer does not tell PATCH among the methods")
	}
}

func listed(list, item string) bool {
	for part := range strings.SplitSeq(list, ", ") {
		if part == item {
			return true
		}
	}
	return false
}
