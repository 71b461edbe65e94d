package api

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBodiesAreStrict(t *testing.T) {
	for name, tc := range map[string]struct {
		path, body, header string
		status             int
		code               string
	}{
		"unknown member":     {"/channels/live/messages", `{"text":"a","colour":"red"}`, "", 400, "bad-body"},
		"another case":       {"/channels/live/messages", `{"Text":"a"}`, "", 400, "bad-body"},
		"null":               {"/channels/live/messages", `{"text":"a","to":null}`, "", 400, "bad-body"},
		"null inside":        {"/channels/live/events", `{"tags":{"a":null}}`, "", 400, "bad-body"},
		"another type":       {"/channels/live/messages", `{"text":1}`, "", 400, "bad-body"},
		"no object":          {"/channels/live/messages", `["text"]`, "", 400, "bad-body"},
		"null alone":         {"/channels/live/messages", `null`, "", 400, "bad-body"},
		"two objects":        {"/channels/live/messages", `{"text":"a"} {}`, "", 400, "bad-body"},
		"no JSON":            {"/channels/live/messages", `text=a`, "", 400, "bad-body"},
		"nothing":            {"/channels/live/messages", ``, "application/json", 400, "bad-body"},
		"no UTF-8":           {"/channels/live/messages", "{\"text\":\"\xff\"}", "", 400, "bad-body"},
		"empty text":         {"/channels/live/messages", `{"text":""}`, "", 400, "bad-body"},
		"long text":          {"/channels/live/messages", `{"text":"` + strings.Repeat("a", 16385) + `"}`, "", 400, "bad-body"},
		"long body":          {"/channels/live/messages", `{"text":"` + strings.Repeat("a", 65537) + `"}`, "", 413, "too-large"},
		"to nobody":          {"/channels/live/messages", `{"text":"a","to":"a/b"}`, "", 400, "bad-name"},
		"another media type": {"/channels/live/messages", `{"text":"a"}`, "text/json", 415, "unsupported-type"},
		"charset":            {"/channels/live/messages", `{"text":"a"}`, "Application/JSON; charset=utf-8", 201, ""},
		"control characters": {"/channels/live/events", `{"name":"a\u0007"}`, "", 400, "bad-body"},
		"long name":          {"/channels/live/events", `{"name":"` + strings.Repeat("a", 129) + `"}`, "", 400, "bad-body"},
		"a kind of its own":  {"/channels/live/events", `{"kind":"meeting"}`, "", 400, "bad-body"},
		"long tag":           {"/channels/live/events", `{"tags":{"a":"` + strings.Repeat("a", 257) + `"}}`, "", 400, "bad-body"},
		"nobody invited":     {"/channels/live/invitations", `{}`, "", 400, "bad-name"},
		"valid for nothing":  {"/channels/live/invitations", `{"to":"bob","valid_seconds":0}`, "", 400, "bad-body"},
		"valid for ever":     {"/channels/live/invitations", `{"to":"bob","valid_seconds":3601}`, "", 400, "bad-body"},
		"a useless token":    {"/tokens", `{}`, "", 400, "bad-body"},
		"an ended token":     {"/tokens", `{"admin":true,"expires_in":0}`, "", 400, "bad-body"},
		"no time":            {"/tokens", `{"admin":true,"join_by":"tomorrow"}`, "", 400, "bad-body"},
		"no password":        {"/login", `{"channel":"live"}`, "", 400, "bad-body"},
		"no channel":         {"/login", `{"password":"a"}`, "", 400, "bad-name"},
	} {
		t.Run(name, func(t *testing.T) {
			header := []string{}
			if tc.header != "" {
				header = []string{"Content-Type", tc.header}
			}
			rec := do(t, server(&backend{}, nil), "POST", Prefix+tc.path, tc.body, header...)
			var problem struct{ Code string }
			if err := json.Unmarshal(rec.Body.Bytes(), &problem); err != nil || rec.Code != tc.status || problem.Code != tc.code {
				t.Errorf("%d %s, want %d %s", rec.Code, rec.Body, tc.status, tc.code)
			}
		})
	}
}

func TestCompressedBodies(t *testing.T) {
	rec := do(t, server(&backend{}, nil), "POST", Prefix+"/channels/live/messages", `{"text":"a"}`, "Content-Encoding", "gzip")
	if rec.Code != 415 || !strings.Contains(rec.Body.String(), "unsupported-encoding") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestKicksAreBounded(t *testing.T) {
	e := server(&backend{}, nil)
	for query, want := range map[string]int{
		"?ban_seconds=-1": 400, "?ban_seconds=soon": 400, "?ban_seconds=99999999999": 400, "?reason=" + strings.Repeat("a", 257): 400, "?reason=a%0Ab": 400,
		"?ban_seconds=31622400": 204,
	} {
		if rec := do(t, e, "DELETE", Prefix+"/channels/live/participants/eve"+query, ""); rec.Code != want {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
}

// Whatever comes, it is refused with a fault or is what encoding/json understands.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `{"kind":"call","video":["H264"],"standby":true,"expires":"2026-03-01T12:00:00Z"}`, `{"video":[null]}`, `{"a":{"b":[{"c":null}]}}`, "\xff", `{"kind":1e999}`, `[[[[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, document := range []any{&ChannelSettings{}, &Join{}, &Saying{}, &Inviting{}, &TokenWish{}, &Login{}, &kicking{}, &Muted{}, &Cast{}} {
			err := decode(text, document)
			if err == nil && !json.Valid(text) {
				t.Fatalf("%q is taken", text)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "bad-body: ") {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}

// No address makes a handler panic, or reach a backend with a name that is none.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{"/channels/live", "/channels/a%2Fb/participants/%2e", "/channels/a/publications/b/c/mute", "/events/%zz", "/channels//program", "/invitations/", "/channels/%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, method := range []string{"GET", "DELETE"} {
			req := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
			u, err := req.URL.Parse(Prefix + path)
			if err != nil || !strings.HasPrefix(u.EscapedPath(), Prefix) {
				return
			}
			req.URL = u
			b := &backend{err: errQuery}
			rec := httptest.NewRecorder()
			server(b, nil).ServeHTTP(rec, req)
			if rec.Code >= 500 {
				t.Fatalf("%s %q: %d", method, path, rec.Code)
			}
		}
	})
}
