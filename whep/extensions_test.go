package whep_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/linkhdr"
	"github.com/headgate/headgate/internal/problem"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whep"
	"github.com/headgate/headgate/whip"
)

// place is a server with a viewer's session at it.
type place struct {
	*httptest.Server
	t       *testing.T
	backend *wishtest.Backend
	session string // its path
	links   []linkhdr.Link
}

func open(t *testing.T, backend *wishtest.Backend, endpoint string, change func(*whep.Config)) *place {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(nil)
	e.IPExtractor = echo.ExtractIPDirect()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	cfg := whep.Config{CORS: wish.CORS{AllowAny: true}, Origin: func(*http.Request) string { return srv.URL }}
	if change != nil {
		change(&cfg)
	}
	wish.Register(e, cfg, backend)
	whep.Register(e, cfg, backend)
	whip.Register(e, cfg, backend)
	p := &place{Server: srv, t: t, backend: backend}
	res := p.ask("POST", endpoint, wishtest.Offer, "Content-Type", wish.SDPType, "Authorization", "Bearer "+wishtest.Viewer)
	if res.status != 201 {
		t.Fatalf("POST: %d %s", res.status, res.body)
	}
	p.session = strings.TrimPrefix(res.header.Get("Location"), srv.URL)
	var err error
	if p.links, err = linkhdr.Parse(res.header.Values("Link")); err != nil {
		t.Fatal(err)
	}
	return p
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) code() string {
	var doc struct{ Code string }
	_ = json.Unmarshal([]byte(r.body), &doc) // no document has no code
	return doc.Code
}

func (p *place) request(method, path, body string, header ...string) *http.Response {
	p.t.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = p.URL + path
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := p.Client().Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (p *place) ask(method, path, body string, header ...string) reply {
	p.t.Helper()
	res := p.request(method, path, body, header...)
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

func (p *place) json(method, path, body string) reply {
	p.t.Helper()
	return p.ask(method, path, body, "Content-Type", "application/json")
}

// subscribe makes an event stream and returns its path.
func (p *place) subscribe(body string) string {
	p.t.Helper()
	res := p.json("POST", p.session+"/events", body)
	path, absolute := strings.CutPrefix(res.header.Get("Location"), p.URL)
	if res.status != 201 || !absolute || res.body != "" {
		p.t.Fatalf("V-03 %d %v %s", res.status, res.header, res.body)
	}
	return path
}

func TestExtensionsAreAnnouncedT106(t *testing.T) {
	backend := &wishtest.Backend{Servers: []signaling.ICEServer{{URL: "stun:stun.example.com"}}}
	p := open(t, backend, "/whep/live", nil)
	want := []linkhdr.Link{
		{URI: "stun:stun.example.com", Rel: "ice-server"},
		{URI: p.URL + p.session + "/events", Rel: whep.RelEvents, Params: []linkhdr.Param{{Name: "events", Value: "active,inactive,layers,reconnect,viewercount"}}},
		{URI: p.URL + p.session + "/layer", Rel: whep.RelLayer},
	}
	if !slices.EqualFunc(p.links, want, func(a, b linkhdr.Link) bool { return a.String() == b.String() }) {
		t.Errorf("N-230 %v, want %v", p.links, want)
	}
	for _, link := range p.links[1:] {
		if path := strings.TrimPrefix(link.URI, p.URL); strings.Contains(path, "http") || strings.ContainsAny(path, "?#") {
			t.Errorf("%s", path)
		}
		for _, method := range []string{"GET", "HEAD"} {
			if res := p.ask(method, link.URI, ""); res.status != 204 || res.body != "" {
				t.Errorf("%s %s: %d %s", method, link.Rel, res.status, res.body)
			}
		}
	}
	if p := open(t, backend, "/whip/live", nil); len(p.links) != 1 {
		t.Errorf("WHIP announces %v", p.links)
	}
	if p := open(t, backend, "/whep/live", func(c *whep.Config) { c.Extensions = func(*http.Request) bool { return false } }); len(p.links) != 1 {
		t.Errorf("Q-MTX-1 %v", p.links)
	}
}

func TestEventsMayBeChosen(t *testing.T) {
	all := []string{"active", "inactive", "layers", "reconnect", "viewercount"}
	for body, want := range map[string][]string{
		"": all, `["active"]`: {"active"}, ` [ "layers" , "active" ] `: {"layers", "active"}, `[]`: {},
	} {
		p := open(t, &wishtest.Backend{}, "/whep/live", nil)
		stream := p.subscribe(body)
		if names, _ := p.backend.Subscribed(strings.TrimPrefix(stream, "/events/")); !slices.Equal(names, want) {
			t.Errorf("V-01 %q: %q", body, names)
		}
	}
}

func TestEventsThatAreNotThereT108(t *testing.T) {
	p := open(t, &wishtest.Backend{}, "/whep/live", nil)
	for body, code := range map[string]string{
		`["nope"]`: "bad-events", `["active","nope"]`: "bad-events", `["scte35"]`: "bad-events", `[""]`: "bad-events", `["Active"]`: "bad-events",
		`{}`: "bad-events", `null`: "bad-events", `[1]`: "bad-events", `"active"`: "bad-events", `["active"`: "bad-events", `["active"]]`: "bad-events",
		`["` + strings.Repeat("x", 70_000) + `"]`: "too-large",
	} {
		if res := p.json("POST", p.session+"/events", body); res.code() != code || res.header.Get("Location") != "" {
			t.Errorf("V-02 %.30s: %d %s", body, res.status, res.body)
		}
	}
	res := p.ask("POST", p.session+"/events", `["active"]`, "Content-Type", "text/plain")
	if res.status != 415 || res.header.Get("Accept-Post") != "application/json" {
		t.Errorf("text/plain: %d %v", res.status, res.header)
	}
	if res := p.json("POST", "/session/nobody/events", ""); res.status != 404 {
		t.Errorf("nobody's session: %d", res.status)
	}
}

// line reads a stream until one begins with prefix and returns the rest of it.
func line(t *testing.T, r *bufio.Reader, prefix string) string {
	t.Helper()
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("no line begins with %q: %v", prefix, err)
		}
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return strings.TrimSuffix(rest, "\n")
		}
	}
}

func TestAnEventSourceReadsT107(t *testing.T) {
	p := open(t, &wishtest.Backend{Closed: true}, "/whep/live", nil)
	if res := p.json("POST", p.session+"/events", ""); res.status != 401 {
		t.Errorf("V-25 without a token: %d", res.status)
	}
	made := p.ask("POST", p.session+"/events", `["active","viewercount"]`, "Content-Type", "application/json", "Authorization", "Bearer "+wishtest.Viewer)
	stream := made.header.Get("Location")
	p.backend.Tell("active", nil)
	p.backend.Tell("viewercount", 7)
	res := p.request("GET", stream, "", "Accept", "text/event-stream", "Origin", "https://page.example")
	want := map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Access-Control-Allow-Origin": "*", "Content-Encoding": ""}
	for name, value := range want {
		if got := res.Header.Get(name); got != value {
			t.Errorf("V-04, V-10 %s: %q", name, got)
		}
	}
	lines := bufio.NewReader(res.Body)
	first := line(t, lines, "id: ")
	if name, data := line(t, lines, "event: "), line(t, lines, "data: "); name != "active" || data != "{}" {
		t.Errorf("V-06 %s: %s", name, data)
	}
	if name, data := line(t, lines, "event: "), line(t, lines, "data: "); name != "viewercount" || data != `{"viewercount":7}` {
		t.Errorf("V-06 %s: %s", name, data)
	}
	again := p.request("GET", stream, "", "Last-Event-ID", first)
	if name := line(t, bufio.NewReader(again.Body), "event: "); name != "viewercount" {
		t.Errorf("V-10 after the first event comes %s", name)
	}
	p.backend.EndStreams()
	for _, r := range []*http.Response{res, again} {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
	}
	if _, left := p.backend.Subscribed(strings.TrimPrefix(stream, p.URL+"/events/")); left != 2 {
		t.Errorf("%d readers left", left)
	}
}

func TestStreamsEndByDeleteT110(t *testing.T) {
	p := open(t, &wishtest.Backend{}, "/whep/live", nil)
	stream := p.subscribe("")
	if res := p.ask("HEAD", stream, ""); res.status != 200 || res.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD %d %v", res.status, res.header)
	}
	res := p.request("GET", stream, "")
	if res := p.ask("DELETE", stream, ""); res.status != 200 {
		t.Errorf("DELETE %d", res.status)
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Error(err)
	}
	for _, method := range []string{"GET", "HEAD", "DELETE"} {
		if res := p.ask(method, stream, ""); res.status != 404 || method == "GET" && res.code() != "stream-unknown" {
			t.Errorf("V-07 %s: %d %s", method, res.status, res.body)
		}
	}
}

func TestMethodsOfExtensions(t *testing.T) {
	p := open(t, &wishtest.Backend{}, "/whep/live", nil)
	for path, want := range map[string]struct{ allow, accepts, other string }{
		p.session + "/events": {"GET, HEAD, OPTIONS, POST", "application/json", "DELETE"},
		p.session + "/layer":  {"DELETE, GET, HEAD, OPTIONS, POST", "application/json", "PUT"},
		p.subscribe(""):       {"DELETE, GET, HEAD, OPTIONS", "", "POST"},
	} {
		res := p.ask("OPTIONS", path, "", "Origin", "https://page.example", "Access-Control-Request-Method", "POST")
		if res.status != 200 || res.header.Get("Allow") != want.allow || res.header.Get("Accept-Post") != want.accepts ||
			!strings.Contains(res.header.Get("Access-Control-Allow-Headers"), "Last-Event-ID") {
			t.Errorf("OPTIONS %s: %d %v", path, res.status, res.header)
		}
		res = p.ask(want.other, path, "", "Origin", "https://page.example")
		if res.status != 405 || res.header.Get("Allow") != want.allow || res.header.Get("Access-Control-Allow-Origin") != "*" || res.code() != "method-not-allowed" {
			t.Errorf("%s %s: %d %v", want.other, path, res.status, res.header)
		}
		if res := p.ask("BREW", path, ""); res.status != 501 {
			t.Errorf("BREW %s: %d", path, res.status)
		}
	}
}
