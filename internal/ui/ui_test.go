package ui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// serve answers one request with the pages' routes alone.
func serve(cfg Config, method, target string, header ...string) *http.Response {
	e := echo.New()
	Register(e, cfg)
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRoutes(t *testing.T) {
	tests := []struct {
		method, target string
		status         int
		contentType    string
		contains       string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "/assets/home.js"},
		{"GET", "/publish", 200, "text/html; charset=utf-8", "/assets/publish.js"},
		{"GET", "/publish/", 200, "text/html; charset=utf-8", "/assets/publish.js"},
		{"GET", "/publish/live", 200, "text/html; charset=utf-8", "/assets/publish.js"},
		{"GET", "/publish/live/anna/screen", 200, "text/html; charset=utf-8", "/assets/publish.js"},
		{"GET", "/check", 200, "text/html; charset=utf-8", "/assets/check.js"},
		{"GET", "/call", 200, "text/html; charset=utf-8", "/assets/call.js"},
		{"GET", "/call/team", 200, "text/html; charset=utf-8", "/assets/call.js"},
		{"GET", "/watch", 200, "text/html; charset=utf-8", "/assets/watch.js"},
		{"GET", "/watch/live", 200, "text/html; charset=utf-8", "/assets/watch.js"},
		{"GET", "/watch/%3Cimg%20src=x%20onerror=alert(1)%3E", 200, "text/html; charset=utf-8", "/assets/watch.js"},
		{"GET", "/watch/a/b/c/d/e", 200, "text/html; charset=utf-8", "/assets/watch.js"},
		{"HEAD", "/watch/live", 200, "text/html; charset=utf-8", ""},
		{"GET", "/assets/whip.js", 200, "text/javascript; charset=utf-8", "class WHIPClient"},
		{"GET", "/assets/whep.js", 200, "text/javascript; charset=utf-8", "class WHEPClient"},
		{"GET", "/assets/player.js", 200, "text/javascript; charset=utf-8", "headgate-player"},
		{"GET", "/assets/headgate.js", 200, "text/javascript; charset=utf-8", "export async function join"},
		{"GET", "/assets/style.css", 200, "text/css; charset=utf-8", "--accent"},
		{"GET", "/assets/logo.svg", 200, "image/svg+xml", "<svg"},
		{"GET", "/favicon.ico", 200, "image/svg+xml", "<svg"},
		{"HEAD", "/assets/whip.js", 200, "text/javascript; charset=utf-8", ""},
		{"GET", "/assets/", 404, "", ""},
		{"GET", "/assets/none.js", 404, "", ""},
		{"GET", "/assets/..%2fui.go", 404, "", ""},
		{"GET", "/assets/%2e%2e/pages/home.html", 404, "", ""},
		{"GET", "/assets/home.html", 404, "", ""},
		{"GET", "/watching", 404, "", ""},
		{"POST", "/watch/live", 405, "", ""},
		{"POST", "/", 405, "", ""},
		{"DELETE", "/assets/whip.js", 405, "", ""},
	}
	for _, tc := range tests {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			r := serve(Config{}, tc.method, tc.target)
			if r.StatusCode != tc.status {
				t.Fatalf("status %d, want %d", r.StatusCode, tc.status)
			}
			if got := r.Header.Get("Content-Type"); tc.contentType != "" && got != tc.contentType {
				t.Errorf("content type %q, want %q", got, tc.contentType)
			}
			text := body(t, r)
			if !strings.Contains(text, tc.contains) {
				t.Errorf("the body has no %q", tc.contains)
			}
			if tc.method == "HEAD" && text != "" {
				t.Error("HEAD has a body")
			}
		})
	}
}

func TestHostileAddressIsNotEchoed(t *testing.T) {
	const hostile = "/watch/%3Cscript%3Ealert(1)%3C/script%3E"
	if got, want := body(t, serve(Config{}, "GET", hostile)), body(t, serve(Config{}, "GET", "/watch/live")); got != want {
		t.Error("the page depends on the address; it must be the same bytes for all")
	}
}

// policyOf splits a Content-Security-Policy.
func policyOf(r *http.Response) map[string]string {
	found := map[string]string{}
	for part := range strings.SplitSeq(r.Header.Get("Content-Security-Policy"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), " ")
		found[name] = value
	}
	return found
}

func TestPagesHaveAStrictPolicy(t *testing.T) {
	want := map[string]string{
		"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'", "connect-src": "'self'",
		"base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
		"require-trusted-types-for": "'script'", "trusted-types": "'none'",
	}
	for _, target := range []string{"/", "/publish", "/publish/live", "/watch", "/watch/live", "/check"} {
		r := serve(Config{}, "GET", target)
		got := policyOf(r)
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s is %q, want %q", target, name, got[name], value)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: policy %v has more than expected", target, got)
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cache-Control": "no-cache", "Cross-Origin-Resource-Policy": "same-origin"} {
			if r.Header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", target, name, r.Header.Get(name), value)
			}
		}
		if r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read from elsewhere", target)
		}
	}
}

func TestOnlyWatchMayBeFramed(t *testing.T) {
	cfg := Config{FrameAncestors: []string{"https://example.com", "'self'"}, ConnectSources: []string{"https://gw.example.com"}}
	for target, want := range map[string]string{"/watch/live": "https://example.com 'self'", "/watch": "https://example.com 'self'", "/publish/live": "'none'", "/": "'none'", "/check": "'none'"} {
		r := serve(cfg, "GET", target)
		if got := policyOf(r)["frame-ancestors"]; got != want {
			t.Errorf("%s: frame-ancestors %q, want %q", target, got, want)
		}
		if framed := want != "'none'"; (r.Header.Get("X-Frame-Options") == "") != framed {
			t.Errorf("%s: X-Frame-Options %q contradicts the policy", target, r.Header.Get("X-Frame-Options"))
		}
		if got := policyOf(r)["connect-src"]; got != "'self' https://gw.example.com" {
			t.Errorf("%s: connect-src %q", target, got)
		}
	}
}

func TestOnlyPublishAndCheckMayUseTheCamera(t *testing.T) {
	for target, want := range map[string]string{"/publish/live": "camera=(self)", "/check": "camera=(self)", "/watch/live": "camera=()", "/": "camera=()"} {
		if got := serve(Config{}, "GET", target).Header.Get("Permissions-Policy"); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %s", target, got, want)
		}
	}
}

func TestAssetsMayBeImportedAndNothingElse(t *testing.T) {
	for _, target := range []string{"/assets/player.js", "/assets/logo.svg", "/favicon.ico"} {
		r := serve(Config{}, "GET", target)
		for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox", "Cross-Origin-Resource-Policy": "cross-origin", "Referrer-Policy": "no-referrer"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestCachingByETag(t *testing.T) {
	seen := map[string]string{}
	for _, target := range []string{"/", "/publish/live", "/watch/live", "/assets/whip.js", "/assets/style.css", "/assets/logo.svg"} {
		etag := serve(Config{}, "GET", target).Header.Get("ETag")
		if len(etag) < 10 || etag[0] != '"' || etag[len(etag)-1] != '"' {
			t.Fatalf("%s: ETag %s is not strong and quoted", target, etag)
		}
		if other, ok := seen[etag]; ok {
			t.Errorf("%s and %s have the same ETag", target, other)
		}
		seen[etag] = target
		for match, want := range map[string]int{etag: 304, `"nope", ` + etag: 304, `W/` + etag: 304, `"nope"`: 200, "*": 304} {
			r := serve(Config{}, "GET", target, "If-None-Match", match)
			if r.StatusCode != want {
				t.Errorf("%s with If-None-Match %s: %d, want %d", target, match, r.StatusCode, want)
			}
			if want == 304 && (r.Header.Get("ETag") != etag || r.Header.Get("Cache-Control") != "no-cache" || body(t, r) != "") {
				t.Errorf("%s: the 304 lacks its headers or has a body", target)
			}
		}
	}
}
