package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
)

func TestWhatIsAskedReachesTheBackend(t *testing.T) {
	for _, tc := range []struct {
		method, path, body string
		status             int
		asked, answer      string // answer is contained
	}{
		{"GET", "/channels/Room%201", "", 200, "channel Room 1", `"whep":"https://live.example/whep/Room%201/ann/main"`},
		{"PUT", "/channels/live", `{"kind":"call","max_members":12,"password":"secret"}`, 200, "provision live", `{"kind":"call","max_members":12,"has_password":true}`},
		{"PUT", "/channels/live", `{"has_password":true}`, 200, "provision live", `{"has_password":false}`},
		{"DELETE", "/channels/live", "", 204, "disband live false", ""},
		{"DELETE", "/channels/live?keep=true", "", 204, "disband live true", ""},
		{"POST", "/channels/live/events", `{"participant":"ann","name":"Ann","kind":"call","tags":{"role":"host"}}`, 201, "join live {Participant:ann Name:Ann Tags:map[role:host] Kind:call Origin:https://live.example}",
			`{"participant":"ann","events":"https://live.example/api/v1/events/s3cret","name":"Ann","kind":"call"}`},
		{"POST", "/channels/live/events", `{}`, 201, "join live {Participant: Name: Tags:map[] Kind: Origin:https://live.example}", ""},
		{"DELETE", "/events/s3cret", "", 200, "leave s3cret", ""},
		{"GET", "/channels/live/participants", "", 200, "participants live", `{"participants":[{"participant":"ann","name":"Ann","tags":{},"joined":"2026-03-01T12:00:00Z","speaking":false,"sources":["main"],"muted":{},"self_muted":{}}]}`},
		{"GET", "/channels/live/participants/ann", "", 200, "participants live", `{"participant":"ann"`},
		{"GET", "/channels/live/participants/eve", "", 404, "participants live", "participant-unknown"},
		{"DELETE", "/channels/live/participants/eve", "", 204, "kick live eve  0s", ""},
		{"DELETE", "/channels/live/participants/eve?reason=noise&ban_seconds=60", "", 204, "kick live eve noise 1m0s", ""},
		{"DELETE", "/channels/live/participants/eve", `{"reason":"noise","ban_seconds":90}`, 204, "kick live eve noise 1m30s", ""},
		{"GET", "/channels/live/bans", "", 200, "bans live", `{"bans":[{"participant":"eve","until":"2026-03-01T12:00:00Z","reason":"noise"}]}`},
		{"DELETE", "/channels/live/bans/eve", "", 204, "unban live eve", ""},
		{"GET", "/channels/live/publications", "", 200, "publications live", `"whep":"https://live.example/whep/live/ann/main"`},
		{"GET", "/channels/live/publications/ann/main", "", 200, "publications live", `{"participant":"ann","source":"main"`},
		{"GET", "/channels/live/publications/ann/screen", "", 404, "publications live", "publication-unknown"},
		{"DELETE", "/channels/live/publications/ann/main", "", 204, "end publication live {Participant:ann Source:main}", ""},
		{"PUT", "/channels/live/publications/ann/main/mute", `{"audio":true}`, 200, "mute live {Participant:ann Source:main} {Audio:true Video:false}", `{"audio":true,"video":false}`},
		{"DELETE", "/channels/live/publications/ann/main/mute", "", 204, "mute live {Participant:ann Source:main} {Audio:false Video:false}", ""},
		{"PUT", "/channels/live/publications/ann/main/self-mute", `{"video":true}`, 200, "mute self live {Participant:ann Source:main} {Audio:false Video:true}", `{"audio":false,"video":true}`},
		{"DELETE", "/channels/live/publications/ann/main/self-mute", "", 204, "mute self live {Participant:ann Source:main} {Audio:false Video:false}", ""},
		{"GET", "/channels/live/viewers", "", 200, "viewers live", `{"viewers":[{"id":"v1","started":"2026-03-01T12:00:00Z","connected":false,"slots":0}]}`},
		{"DELETE", "/channels/live/viewers/v1", "", 204, "end viewer live v1", ""},
		{"GET", "/channels/live/program", "", 200, "program live", `{"pinned":{"participant":"ann","source":"main"},"video":null,"audio":null}`},
		{"PUT", "/channels/live/program", `{"participant":"ann"}`, 200, "pin live {Participant:ann Source:main}", `{"participant":"ann","source":"main"}`},
		{"DELETE", "/channels/live/program", "", 204, "pin live {Participant: Source:}", ""},
		{"POST", "/channels/live/messages", `{"text":"Hello","to":"bob"}`, 201, "say live {Text:Hello To:bob Participant:}", `{"id":"m1","from":"ann","name":"Ann","text":"Hello","to":"bob","at":"2026-03-01T12:00:00Z"}`},
		{"POST", "/channels/live/invitations", `{"to":"bob"}`, 201, "invite live bob live 1m0s", `"state":"pending"`},
		{"POST", "/channels/live/invitations", `{"to":"bob","in":"lobby","valid_seconds":5}`, 201, "invite live bob lobby 5s", ""},
		{"GET", "/invitations/i1", "", 200, "invitation i1", `"in":"lobby"`},
		{"PATCH", "/invitations/i1", `{"state":"accepted"}`, 200, "settle i1 accepted", `"token":null`},
		{"PATCH", "/invitations/i1", `{"state":"declined"}`, 200, "settle i1 declined", `"expires":"2026-03-01T12:01:00Z"}`},
		{"DELETE", "/invitations/i1", "", 204, "cancel i1", ""},
		{"POST", "/tokens", `{"publish":["live"],"expires_in":60}`, 201, "token live] [] 1m0s", `{"token":"t0ken","expires":"2026-03-01T12:00:00Z"}`},
		{"POST", "/login", `{"channel":"live","password":"secret"}`, 200, "login live", `{"token":null,"participant":"guest-12345678","expires":null}`},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			b := &backend{
				participants: []Participant{{ID: "ann", Name: "Ann", Tags: map[string]string{}, Joined: noon, Sources: []string{"main"}, Muted: map[string]Muted{}, SelfMuted: map[string]Muted{}}},
				publications: []Publication{{Participant: "ann", Source: "main", State: "live"}},
			}
			rec := do(t, server(b, nil), tc.method, Prefix+tc.path, tc.body)
			if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.answer) || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v %s\nwant %d %s", rec.Code, rec.Header(), rec.Body, tc.status, tc.answer)
			}
			if got := strings.Join(b.asked, "; "); got != tc.asked {
				t.Errorf("asked %q, want %q", got, tc.asked)
			}
		})
	}
}

func TestLocations(t *testing.T) {
	e := server(&backend{created: true}, nil)
	for path, tc := range map[string][3]string{
		"/channels/Room%201":         {"PUT", `{}`, "/channels/Room%201"},
		"/channels/live/events":      {"POST", `{}`, "/events/s3cret"},
		"/channels/live/invitations": {"POST", `{"to":"bob"}`, "/invitations/i1"},
	} {
		rec := do(t, e, tc[0], Prefix+path, tc[1])
		if got := rec.Header().Get("Location"); rec.Code != 201 || got != "https://live.example/api/v1"+tc[2] {
			t.Errorf("%s: %d, Location %q", path, rec.Code, got)
		}
	}
}

func TestNamesInAddresses(t *testing.T) {
	for path, want := range map[string]string{
		"/channels/a+b": "channel a+b", "/channels/a%2Bb": "channel a+b", "/channels/%6cive": "channel live", "/channels/%252e%252e": "channel %2e%2e",
		"/channels/a%3Fb%23c": "channel a?b#c", "/channels/:channel": "channel :channel",
		"/channels/a%2Fb": "", "/channels/..": "", "/channels/%2e%2e": "", "/channels/%20a": "", "/channels/caf%C3%A9": "", "/channels/": "",
		"/channels/" + strings.Repeat("a", 65): "",
	} {
		b := &backend{}
		rec := do(t, server(b, nil), "GET", Prefix+path, "")
		if got := strings.Join(b.asked, "; "); got != want {
			t.Errorf("%s: asked %q, want %q", path, got, want)
		}
		if want == "" && rec.Code != 400 && rec.Code != 404 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestMethodsThatAResourceDoesNotHave(t *testing.T) {
	e := server(&backend{}, nil)
	for path, allow := range map[string]string{
		"/channels": "GET, HEAD, OPTIONS", "/channels/live": "DELETE, GET, HEAD, OPTIONS, PUT", "/events/s3cret": "DELETE, GET, OPTIONS",
		"/login": "OPTIONS, POST", "/invitations/i1": "DELETE, GET, HEAD, OPTIONS, PATCH",
	} {
		for method, status := range map[string]int{"OPTIONS": 204, "TRACE": 405, "BREW": 501} {
			rec := do(t, e, method, Prefix+path, "")
			if rec.Code != status || rec.Header().Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %q", method, path, rec.Code, rec.Header().Get("Allow"))
			}
		}
	}
	if rec := do(t, e, "HEAD", Prefix+"/events/s3cret", ""); rec.Code != 405 {
		t.Errorf("HEAD takes a stream over: %d", rec.Code)
	}
}

func TestMemberStream(t *testing.T) {
	for name, ask := range map[string][]string{
		"header": {"/events/s3cret", "Last-Event-ID", "x-7"}, "query": {"/events/s3cret?after=x-7"}, "both": {"/events/s3cret?after=x-1", "Last-Event-ID", "x-7"},
	} {
		b := &backend{log: events.NewLog(4)}
		b.log.End()
		rec := get(t, b, Prefix+ask[0], ask[1:]...)
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "text/event-stream" || b.lastID != "x-7" {
			t.Errorf("%s: %d %v after %q", name, rec.Code, rec.Header(), b.lastID)
		}
	}
	gone := fault.New(fault.NotFound, "kicked", "Out.")
	if rec := get(t, &backend{err: gone}, Prefix+"/events/s3cret"); rec.Code != 404 || !strings.Contains(rec.Body.String(), `"code":"kicked"`) || strings.Contains(rec.Body.String(), "s3cret") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestPagesOfOtherOrigins(t *testing.T) {
	const origin = "https://app.example"
	open := server(&backend{}, func(c *Config) { c.Origins = []string{origin} })
	for name, tc := range map[string]struct {
		e      http.Handler
		origin string
		want   string
	}{
		"nobody is invited":      {server(&backend{}, nil), origin, ""},
		"one that is configured": {open, origin, origin},
		"another one":            {open, "https://evil.example", ""},
	} {
		for _, method := range []string{"OPTIONS", "GET", "TRACE"} {
			rec := do(t, tc.e, method, Prefix+"/channels", "", "Origin", tc.origin, "Access-Control-Request-Method", "PUT")
			h := rec.Header()
			if h.Get("Access-Control-Allow-Origin") != tc.want || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s, %s: %v", name, method, h)
			}
			if method == "OPTIONS" && tc.want != "" && (!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT")) {
				t.Errorf("%s: %v", name, h)
			}
		}
	}
}

// A page of another origin can send what it likes in a simple request; nothing
// may happen then.
func TestSimpleRequestsChangeNothing(t *testing.T) {
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"} {
		b := &backend{}
		for _, path := range []string{"/channels/live/events", "/channels/live/messages", "/channels/live/invitations", "/tokens", "/login"} {
			if rec := do(t, server(b, nil), "POST", Prefix+path, `{}`, "Content-Type", contentType); rec.Code != 415 {
				t.Errorf("%s %s: %d", path, contentType, rec.Code)
			}
		}
		if len(b.asked) > 0 {
			t.Errorf("%s: asked %v", contentType, b.asked)
		}
	}
}

func TestTwoCredentialsAreNone(t *testing.T) {
	b := &backend{}
	req := func() *http.Request {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", Prefix+"/channels", nil)
		r.Header["Authorization"] = []string{"Bearer a", "Bearer b"}
		return r
	}()
	rec := httptest.NewRecorder()
	server(b, nil).ServeHTTP(rec, req)
	if !b.by.Credential.Malformed || b.by.Credential.Token != "" {
		t.Errorf("%+v", b.by)
	}
}
