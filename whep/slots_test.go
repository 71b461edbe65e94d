package whep_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whep"
)

func withSlots(t *testing.T, n int) *place {
	t.Helper()
	return open(t, &wishtest.Backend{SlotCount: n, Closed: true}, "/whep/live", nil)
}

const (
	asJSON  = "Content-Type"
	mayPlay = "Authorization"
)

func (p *place) slots(method, path, body string) reply {
	p.t.Helper()
	return p.ask(method, p.session+"/slots"+path, body, asJSON, wish.JSONType, mayPlay, "Bearer "+wishtest.Viewer)
}

func TestSlotsAreAnnouncedWhereThereAreSome(t *testing.T) {
	for count, want := range map[int]bool{0: false, 3: true} {
		p := withSlots(t, count)
		slots, events := "", ""
		for _, l := range p.links {
			if l.Has(whep.RelSlots) {
				slots = l.URI
			}
			if l.Has(whep.RelEvents) {
				events = fmt.Sprint(l.Params)
			}
		}
		if (slots == p.URL+p.session+"/slots") != want || strings.Contains(events, ",slots") != want {
			t.Errorf("%d slots: Link %q, events %q", count, slots, events)
		}
	}
	quiet := open(t, &wishtest.Backend{SlotCount: 3}, "/whep/live", func(c *whep.Config) { c.Extensions = func(*http.Request) bool { return false } })
	if len(quiet.links) != 1 || !quiet.links[0].Has(whep.RelSlots) {
		t.Errorf("whoever asks for slots is told of them everywhere: %v", quiet.links)
	}
}

func TestSlotsResource(t *testing.T) {
	p := withSlots(t, 2)
	empty := `{"slots":[{"slot":0,"participant":null},{"slot":1,"participant":null}]}`
	pinned := `{"slot":1,"participant":"bob","source":"screen","pinned":true}`
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "", "", empty},
		{"GET", "/1", "", `{"slot":1,"participant":null}`},
		{"PUT", "/1", `{"participant":"bob","source":"screen"}`, pinned},
		{"PUT", "/1", `{"participant":"bob","source":"screen"}`, pinned},
		{"GET", "/1", "", pinned},
		{"GET", "", "", `{"slots":[{"slot":0,"participant":null},` + pinned + `]}`},
		{"DELETE", "/1", "", `{"slot":1,"participant":null}`},
		{"DELETE", "/1", "", `{"slot":1,"participant":null}`},
		{"PATCH", "", `[{"slot":0,"maxWidth":320,"hidden":true},{"slot":1}]`, empty},
		{"PATCH", "", `[]`, empty},
		{"PATCH", "", `[{"slot":1,"maxWidth":null,"hidden":false}]`, empty},
		{"HEAD", "", "", ""},
		{"HEAD", "/0", "", ""},
	} {
		res := p.slots(c.method, c.path, c.body)
		if res.status != 200 || strings.TrimSpace(res.body) != c.want || res.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s %s: %d %s, want %s", c.method, c.path, c.body, res.status, res.body, c.want)
		}
	}
	width, hidden, shown := 320, true, false
	want := []signaling.SlotView{{Slot: 0, MaxWidth: &width, Hidden: &hidden}, {Slot: 1}, {Slot: 1, Hidden: &shown}}
	if got := p.backend.Views(); !reflect.DeepEqual(got, want) {
		t.Errorf("views %+v", got)
	}
}

func TestSlotsRefuse(t *testing.T) {
	p, plain := withSlots(t, 2), withSlots(t, 0)
	for _, c := range []struct {
		p                        *place
		method, path, body, code string
		status                   int
	}{
		{plain, "GET", "", "", "slot-unknown", 404},
		{plain, "PUT", "/0", `{"participant":"bob"}`, "slot-unknown", 404},
		{plain, "PATCH", "", `[]`, "slot-unknown", 404},
		{p, "GET", "/2", "", "slot-unknown", 404},
		{p, "GET", "/01", "", "slot-unknown", 404},
		{p, "GET", "/-1", "", "slot-unknown", 404},
		{p, "GET", "/x", "", "slot-unknown", 404},
		{p, "GET", "/300", "", "slot-unknown", 404},
		{p, "PUT", "/2", `{"participant":"bob"}`, "slot-unknown", 404},
		{p, "DELETE", "/2", "", "slot-unknown", 404},
		{p, "PATCH", "", `[{"slot":2}]`, "slot-unknown", 404},
		{p, "PUT", "/0", "", "bad-slots", 400},
		{p, "PUT", "/0", "null", "bad-slots", 400},
		{p, "PUT", "/0", "[]", "bad-slots", 400},
		{p, "PUT", "/0", `{"source":"main"}`, "bad-slots", 400},
		{p, "PUT", "/0", `{"participant":""}`, "bad-slots", 400},
		{p, "PUT", "/0", `{"participant":7}`, "bad-slots", 400},
		{p, "PUT", "/0", `{"participant":"bob","who":"x"}`, "bad-slots", 400},
		{p, "PUT", "/0", `{"participant":"bob"} {}`, "bad-slots", 400},
		{p, "PUT", "/0", `{"participant":"a/b"}`, "bad-name", 400},
		{p, "PUT", "/0", `{"participant":"bob","source":" "}`, "bad-name", 400},
		{p, "PATCH", "", "", "bad-slots", 400},
		{p, "PATCH", "", "null", "bad-slots", 400},
		{p, "PATCH", "", `{"slot":0}`, "bad-slots", 400},
		{p, "PATCH", "", `[{"hidden":true}]`, "bad-slots", 400},
		{p, "PATCH", "", `[{"slot":-1}]`, "bad-slots", 400},
		{p, "PATCH", "", `[{"slot":0},{"slot":0}]`, "bad-slots", 400},
		{p, "PATCH", "", `[{"slot":0,"maxWidth":-1}]`, "bad-slots", 400},
		{p, "PATCH", "", `[{"slot":0,"maxWidth":65537}]`, "bad-slots", 400},
		{p, "PATCH", "", `[{"slot":0,"width":1}]`, "bad-slots", 400},
		{p, "PATCH", "", `[{"slot":0}]x`, "bad-slots", 400},
		{p, "POST", "", "", "method-not-allowed", 405},
		{p, "PATCH", "/0", "", "method-not-allowed", 405},
	} {
		if res := c.p.slots(c.method, c.path, c.body); res.status != c.status || res.code() != c.code {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, res.status, res.code(), c.status, c.code)
		}
	}
}

func TestSlotsWantTheSessionsToken(t *testing.T) {
	p := withSlots(t, 2)
	for method, path := range map[string]string{"GET": "/slots", "PUT": "/slots/0", "DELETE": "/slots/0", "PATCH": "/slots"} {
		body := map[string]string{"PUT": `{"participant":"bob"}`, "PATCH": "[]"}[method]
		if res := p.ask(method, p.session+path, body, asJSON, wish.JSONType); res.status != 401 {
			t.Errorf("%s without a token: %d", method, res.status)
		}
	}
}

func TestSlotsForBrowsers(t *testing.T) {
	p := withSlots(t, 2)
	for path, want := range map[string]struct{ allow, patch string }{
		"/slots":   {"GET, HEAD, OPTIONS, PATCH", wish.JSONType},
		"/slots/0": {"DELETE, GET, HEAD, OPTIONS, PUT", ""},
	} {
		res := p.ask("OPTIONS", p.session+path, "", "Origin", "https://page.example", "Access-Control-Request-Method", "PUT")
		h := res.header
		if res.status != 200 || h.Get("Allow") != want.allow || h.Get("Accept-Patch") != want.patch || h.Get("Accept-Post") != "" ||
			!strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT") {
			t.Errorf("%s: %d %v", path, res.status, h)
		}
	}
	res := p.ask("PATCH", p.session+"/slots", "[]", asJSON, "text/plain", mayPlay, "Bearer "+wishtest.Viewer)
	if res.status != 415 || res.header.Get("Accept-Patch") != wish.JSONType || res.header.Get("Accept-Post") != "" {
		t.Errorf("%d %v", res.status, res.header)
	}
}

func TestSlotsEventOnlyByName(t *testing.T) {
	p, plain := withSlots(t, 2), withSlots(t, 0)
	subscribe := func(p *place, body string) reply {
		return p.ask("POST", p.session+"/events", body, asJSON, wish.JSONType, mayPlay, "Bearer "+wishtest.Viewer)
	}
	if res := subscribe(plain, `["slots"]`); res.status != 400 || res.code() != "bad-events" {
		t.Errorf("without slots: %d %s", res.status, res.body)
	}
	for body, want := range map[string]bool{"": false, `["slots","layers"]`: true} {
		res := subscribe(p, body)
		secret := res.header.Get("Location")[strings.LastIndex(res.header.Get("Location"), "/")+1:]
		names, _ := p.backend.Subscribed(secret)
		if res.status != 201 || strings.Contains(strings.Join(names, ","), "slots") != want {
			t.Errorf("%q: %d %q", body, res.status, names)
		}
	}
}

func TestSlotsAsJSON(t *testing.T) {
	slots := signaling.Slots{
		{Index: 0, Participant: "bob", Source: "main"},
		{Index: 1, Participant: "eve", Source: "screen", Pinned: true, Unplayable: true},
		{Index: 2},
	}
	const want = `{"slots":[{"slot":0,"participant":"bob","source":"main","pinned":false},` +
		`{"slot":1,"participant":"eve","source":"screen","pinned":true,"unplayable":true},{"slot":2,"participant":null}]}`
	if got, err := json.Marshal(slots); err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := json.Marshal(signaling.Slots(nil)); err != nil || string(got) != `{"slots":[]}` {
		t.Errorf("%s, %v", got, err)
	}
}
