package wish_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/httpserver"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

func TestPostT16(t *testing.T) {
	bothProtocols(t, func(t *testing.T, endpoint string) {
		g := start(t, &wishtest.Backend{}, nil)
		r := g.post(endpoint)
		g.expect("N-022 POST", r, 201, "Content-Type", "application/sdp",
			"Cache-Control", "no-store", "Accept-Patch", wish.FragmentType)
		if r.body != wishtest.Answer {
			t.Errorf("N-039: body = %q", r.body)
		}
		if ok, _ := regexp.MatchString(`^"[^"*]+"$`, r.header.Get("ETag")); !ok {
			t.Errorf("N-033: ETag = %q", r.header.Get("ETag"))
		}
		location := r.header.Get("Location")
		path, absolute := strings.CutPrefix(location, g.url)
		if !absolute || strings.ContainsAny(path, "?#") || strings.Contains(path, "http") || strings.Contains(path, "live") {
			t.Errorf("Location = %q", location)
		}
		g.expect("GET of the Location", g.do("GET", location, ""), 204)
	})
}

func TestTwoSessionsT18(t *testing.T) {
	g := start(t, &wishtest.Backend{}, nil)
	a, b := g.post("/whip/live").header, g.post("/whip/live").header
	if a.Get("Location") == b.Get("Location") || a.Get("ETag") == b.Get("ETag") {
		t.Errorf("N-198, N-033: %v and %v are alike", a, b)
	}
}

func TestPlacesN014(t *testing.T) {
	g := start(t, &wishtest.Backend{}, nil)
	tests := []struct {
		path   string
		status int
		place  string
	}{
		{"/whip/live", 201, "live||"},
		{"/whip/live/ann", 201, "live|ann|"},
		{"/whip/live/ann/screen", 201, "live|ann|screen"},
		{"/whip/%6cive", 201, "live||"},
		{"/whip/a+b", 201, "a+b||"},
		{"/whip/a%2Bb", 201, "a+b||"},
		{"/whip/Room%201?x=y", 201, "Room 1||"},
		{"/whip/%252e%252e", 201, "%2e%2e||"},
		{"/whip/live/ann/screen/more", 404, ""},
		{"/whip/", 400, ""},
		{"/whip/live/", 400, ""},
		{"/whip//live", 400, ""},
		{"/whip/../whip/other", 400, ""},
		{"/whip/%2e%2e/whip/other", 400, ""},
		{"/whip/./live", 400, ""},
		{"/whip/live%2Fann", 400, ""},
		{"/whip/live%00", 400, ""},
		{"/whip/%C0%AE%C0%AE", 400, ""},
		{"/whip/" + strings.Repeat("a", 65), 400, ""},
		{"/whip", 404, ""},
		{"/WHIP/live", 404, ""},
		{"//whip/live", 404, ""},
		{"/%77hip/live", 404, ""},
	}
	for _, tc := range tests {
		t.Run(tc.path, func(t *testing.T) {
			before := len(g.backend.Offers())
			r := g.do("POST", g.url+tc.path, wishtest.Offer, "Content-Type", wish.SDPType)
			g.expect("N-014 POST", r, tc.status)
			offers := g.backend.Offers()
			if tc.status != 201 {
				if len(offers) != before {
					t.Errorf("a session was made: %+v", offers[before:])
				}
				return
			}
			p := offers[len(offers)-1].Place
			if got := p.Channel + "|" + p.Participant + "|" + p.Source; got != tc.place {
				t.Errorf("place = %q, want %q", got, tc.place)
			}
		})
	}
}

func TestPostRefusesT13T15(t *testing.T) {
	big := wishtest.Offer + strings.Repeat("a=x\r\n", 1<<20/5)
	tests := []struct {
		name, body string
		header     []string
		status     int
		code       string
	}{
		{"T-13 JSON", wishtest.Offer, []string{"Content-Type", "application/json"}, 415, "unsupported-type"},
		{"T-13 text", wishtest.Offer, []string{"Content-Type", "text/plain"}, 415, "unsupported-type"},
		{"T-13 no type", wishtest.Offer, nil, 415, "unsupported-type"},
		{"T-13 a type that only begins so", wishtest.Offer, []string{"Content-Type", "application/sdpx"}, 415, "unsupported-type"},
		{"T-13 a fragment", wishtest.Offer, []string{"Content-Type", wish.FragmentType}, 415, "unsupported-type"},
		{"gzip", wishtest.Offer, []string{"Content-Type", wish.SDPType, "Content-Encoding", "gzip"}, 415, "unsupported-encoding"},
		{"T-15 empty", "", []string{"Content-Type", wish.SDPType}, 400, "bad-offer"},
		{"T-15 hello", "hello", []string{"Content-Type", wish.SDPType}, 400, "bad-offer"},
		{"T-15 1 MiB", big, []string{"Content-Type", wish.SDPType}, 413, "too-large"},
		{"N-009 a byte too many", wishtest.Offer + strings.Repeat("x", 64<<10+1-len(wishtest.Offer)),
			[]string{"Content-Type", wish.SDPType}, 413, "too-large"},
	}
	bothProtocols(t, func(t *testing.T, endpoint string) {
		g := start(t, &wishtest.Backend{}, nil)
		for _, tc := range tests {
			r := g.do("POST", endpoint, tc.body, tc.header...)
			g.expect(tc.name, r, tc.status, "Content-Type", "application/problem+json", "Location", "",
				"Access-Control-Allow-Origin", "*", "Cache-Control", "no-store")
			var doc struct {
				Status      int
				Code, Error string
			}
			if err := json.Unmarshal([]byte(r.body), &doc); err != nil || doc.Status != tc.status || doc.Code != tc.code || doc.Error == "" {
				t.Errorf("%s: N-006 body %s", tc.name, r.body)
			}
			if tc.status == 415 && r.header.Get("Accept-Post") != wish.SDPType {
				t.Errorf("%s: N-020 Accept-Post = %q", tc.name, r.header.Get("Accept-Post"))
			}
		}
		if n := g.backend.Sessions(); n != 0 {
			t.Errorf("%d sessions were made", n)
		}
		if r := g.do("POST", endpoint, "", "Content-Type", wish.SDPType); !strings.Contains(r.body, "empty") {
			t.Errorf("an empty body is not called so: %s", r.body)
		}
		g.post(endpoint) // T-15: the server is alive
	})
}

func TestPostAcceptsT14(t *testing.T) {
	full := wishtest.Offer + strings.Repeat("x", 64<<10-len(wishtest.Offer))
	tests := []struct {
		name, body string
		header     []string
	}{
		{"T-14 case and parameters", wishtest.Offer, []string{"Content-Type", "APPLICATION/SDP;charset=UTF-8"}},
		{"N-010 blanks", wishtest.Offer, []string{"Content-Type", " application/sdp ; x=y"}},
		{"N-010 broken parameter", wishtest.Offer, []string{"Content-Type", "application/sdp; charset"}},
		{"identity", wishtest.Offer, []string{"Content-Type", wish.SDPType, "Content-Encoding", "identity"}},
		{"N-009 as large as may be", full, []string{"Content-Type", wish.SDPType}},
		{"line feeds only", strings.ReplaceAll(wishtest.Offer, "\r", ""), []string{"Content-Type", wish.SDPType}},
	}
	bothProtocols(t, func(t *testing.T, endpoint string) {
		for _, tc := range tests {
			g := start(t, &wishtest.Backend{}, nil)
			g.expect(tc.name, g.do("POST", endpoint, tc.body, tc.header...), 201)
			if offers := g.backend.Offers(); len(offers) != 1 || string(offers[0].SDP) != tc.body {
				t.Errorf("%s: the offer arrived changed", tc.name)
			}
		}
	})
}

func TestMethodsOfEndpointT04(t *testing.T) {
	bothProtocols(t, func(t *testing.T, endpoint string) {
		g := start(t, &wishtest.Backend{}, nil)
		for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE"} {
			g.expect("N-004 "+method, g.do(method, endpoint, ""), 405, "Allow", "GET, HEAD, OPTIONS, POST",
				"Access-Control-Allow-Origin", "*", "Content-Type", "application/problem+json")
		}
		for _, method := range []string{"BREW", "PROPFIND", "get"} {
			g.expect("N-005 "+method, g.do(method, endpoint, ""), 501, "Access-Control-Allow-Origin", "*")
		}
	})
}

func TestOptionsOfEndpointT06(t *testing.T) {
	bothProtocols(t, func(t *testing.T, endpoint string) {
		g := start(t, &wishtest.Backend{Closed: true, Servers: iceServers}, nil)
		token := wishtest.Publisher
		if strings.HasPrefix(endpoint, "/whep") {
			token = wishtest.Viewer
		}
		r := g.do("OPTIONS", endpoint, "", bearer(token)...)
		g.expect("N-081 OPTIONS", r, 200, "Accept-Post", "application/sdp", "Allow", "GET, HEAD, OPTIONS, POST", "Content-Length", "0")
		if n := len(r.header.Values("Link")); n != 2 {
			t.Errorf("N-090: %d ICE servers told to an authorised OPTIONS", n)
		}
		r = g.do("OPTIONS", endpoint, "")
		g.expect("N-081 OPTIONS without token", r, 200, "Accept-Post", "application/sdp", "Link", "")
		r = g.do("OPTIONS", "/whip/a%2Fb", "", bearer(token)...)
		g.expect("OPTIONS of a bad name", r, 200, "Link", "")
	})
}

func TestPreflightT08T09T10(t *testing.T) {
	g := start(t, &wishtest.Backend{Closed: true, Servers: iceServers}, nil)
	location := g.post("/whip/live", bearer(wishtest.Publisher)...).header.Get("Location")
	asked := g.backend.Asked()
	for _, target := range []string{"/whip/live", "/whep/live", location} {
		for _, method := range []string{"POST", "PATCH", "OPTIONS", "DELETE"} {
			r := g.do("OPTIONS", target, "", "Origin", "https://a.example", "Access-Control-Request-Method", method,
				"Access-Control-Request-Headers", "if-match,content-type,authorization,etag")
			g.expect("N-083 preflight", r, 200, "Access-Control-Allow-Origin", "*",
				"Access-Control-Allow-Methods", "OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE",
				"Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, ETag, Link, Last-Event-ID",
				"Access-Control-Max-Age", "7200", "Link", "", "WWW-Authenticate", "")
		}
	}
	if got := g.backend.Asked(); got != asked {
		t.Errorf("N-090: preflights cost %d credentials", got-asked)
	}
}

func TestLinksN180(t *testing.T) {
	bothProtocols(t, func(t *testing.T, endpoint string) {
		g := start(t, &wishtest.Backend{Servers: iceServers}, nil)
		got := g.post(endpoint).header.Values("Link")
		want := []string{`<stun:stun.example.com:3478>; rel="ice-server"`,
			`<turn:turn.example.com:3478?transport=udp>; rel="ice-server"; username="u"; credential="c"; credential-type="password"`}
		if strings.HasPrefix(endpoint, "/whep/") { // extensions come after the ICE servers
			want = append(want, got[min(len(want), len(got)):]...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Link = %q, want %q", got, want)
		}
		g.do("OPTIONS", endpoint, "")
		if sessions := g.backend.AskedFor(); !slices.Equal(sessions, []string{"public", ""}) {
			t.Errorf("credentials for the sessions %q, want the one that was made and then none", sessions)
		}
	})
}

func TestBusyAndIdle(t *testing.T) {
	refused := fault.New(fault.Conflict, "channel-idle", "Nobody publishes.")
	g := start(t, &wishtest.Backend{Refuse: refused}, nil)
	for _, endpoint := range []string{"/whip/live", "/whep/live"} {
		r := g.do("POST", endpoint, wishtest.Offer, "Content-Type", wish.SDPType, "Origin", "https://a.example")
		g.expect("N-034, N-087 409", r, 409, "Retry-After", "2", "Access-Control-Allow-Origin", "*")
		if strings.Contains(r.body, "private context") || r.header.Get("ETag") != "" {
			t.Errorf("answer = %v %s", r.header, r.body)
		}
	}
}

func TestRequestFactsReachTheBackend(t *testing.T) {
	g := start(t, &wishtest.Backend{}, nil)
	g.post("/whip/live", "User-Agent", "Mozilla/5.0 (OBS-Studio/32.2.2)")
	got := g.backend.Offers()[0].Request
	if got.UserAgent != "Mozilla/5.0 (OBS-Studio/32.2.2)" || !got.From.Addr().IsLoopback() || got.From.Port() == 0 {
		t.Errorf("request = %+v", got)
	}
	if got.Credential.Token != "" || got.Credential.Malformed {
		t.Errorf("credential = %+v", got.Credential)
	}
}

func TestAddressBehindProxy(t *testing.T) {
	g := start(t, &wishtest.Backend{}, func(hc *httpserver.Config, _ *wish.Config) {
		hc.TrustedProxies = []string{"127.0.0.0/8"}
	})
	g.post("/whip/live", "X-Forwarded-For", "203.0.113.9")
	if got := g.backend.Offers()[0].From.String(); got != "203.0.113.9:0" {
		t.Errorf("from %s", got)
	}
}

func TestConcurrentPostsAreAllAnswered(t *testing.T) {
	g := start(t, &wishtest.Backend{}, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if r := g.do("POST", "/whip/live", wishtest.Offer, "Content-Type", wish.SDPType); r.status != http.StatusCreated {
				t.Errorf("status %d", r.status)
			}
		})
	}
	all.Wait()
	if n := g.backend.Sessions(); n != 20 {
		t.Errorf("%d sessions", n)
	}
}

func TestMalformedAndDoubledCredentialsT20T25(t *testing.T) {
	tests := []struct {
		name      string
		header    []string
		status    int
		challenge string
	}{
		{"T-20 none", nil, 401, `Bearer realm="headgate"`},
		{"T-21 wrong", bearer("wrong"), 401, `Bearer realm="headgate", error="invalid_token"`},
		{"T-21 expired", bearer(wishtest.Expired), 401, `Bearer realm="headgate", error="invalid_token"`},
		{"T-22 wrong action", bearer(wishtest.Viewer), 403, `Bearer realm="headgate", error="insufficient_scope"`},
		{"T-24 lower case", []string{"Authorization", "bearer " + wishtest.Publisher}, 201, ""},
		{"N-192 Basic", []string{"Authorization", "Basic dTpw"}, 400, `Bearer realm="headgate", error="invalid_request"`},
		{"N-192 no token", []string{"Authorization", "Bearer "}, 400, `Bearer realm="headgate", error="invalid_request"`},
		{"N-192 two headers", append(bearer(wishtest.Publisher), bearer(wishtest.Publisher)...), 400, `Bearer realm="headgate", error="invalid_request"`},
		{"N-200 raw token", []string{"Authorization", wishtest.Publisher}, 400, `Bearer realm="headgate", error="invalid_request"`},
	}
	g := start(t, &wishtest.Backend{Closed: true}, nil)
	for _, tc := range tests {
		r := g.do("POST", "/whip/live", wishtest.Offer, append([]string{"Content-Type", wish.SDPType, "Origin", "https://a.example"}, tc.header...)...)
		g.expect(tc.name, r, tc.status, "WWW-Authenticate", tc.challenge, "Access-Control-Allow-Origin", "*")
	}
	raw := start(t, &wishtest.Backend{Closed: true}, func(_ *httpserver.Config, wc *wish.Config) { wc.AcceptRawToken = true })
	raw.post("/whip/live", "Authorization", wishtest.Publisher)
	open := start(t, &wishtest.Backend{}, nil)
	open.post("/whip/live", bearer("undefined")...) // T-25
}

func TestDisplayNames(t *testing.T) {
	g := start(t, &wishtest.Backend{}, nil)
	for query, want := range map[string]string{
		"": "", "?name=": "", "?name=Ann": "Ann", "?name=%E2%82%AC+uro%20%3Cb%3E": "€ uro <b>",
		"?name=" + strings.Repeat("x", 128): strings.Repeat("x", 128),
	} {
		g.expect(query, g.post("/whip/live"+query), 201)
		offers := g.backend.Offers()
		if got := offers[len(offers)-1].Name; got != want {
			t.Errorf("%q: %q", query, got)
		}
	}
	for _, query := range []string{"?name=%ff", "?name=a%0Ab", "?name=" + strings.Repeat("x", 129)} {
		if r := g.do("POST", "/whip/live"+query, wishtest.Offer, "Content-Type", wish.SDPType); r.status != 400 || !strings.Contains(r.body, `"bad-name"`) {
			t.Errorf("%q: %d %s", query, r.status, r.body)
		}
	}
}
