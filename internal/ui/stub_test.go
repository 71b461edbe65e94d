package ui

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// stub is a gateway just real enough to serve the pages and their clients:
// WHIP and WHEP over pion, one UDP port, answers made up where a test wants
// them.
type stub struct {
	*httptest.Server
	t     *testing.T
	media *stubMedia

	mu       sync.Mutex
	channels map[string]*stubChannel
	sessions map[string]*stubSession
	gone     map[string]string // session path: problem code
	canned   map[string][]canned
	heard    []heard
	next     int
	// lastViewer is the path of the newest WHEP session.
	lastViewer string

	// listing and settings are the bodies of the two REST routes; "" is 404.
	listing, settings string
	// diagnosis is what the API says of every session; "" tells no id.
	diagnosis string
	// single answers publishers without simulcast.
	single bool
	// cors lets pages of other origins in.
	cors bool
	// waits accepts viewers of idle channels instead of answering 409.
	waits bool
	// extends announces the two extensions of WHEP; said is what each new stream of
	// events begins with, streams are those that are open.
	extends bool
	said    []string
	streams map[chan string]bool

	calls *stubCalls
}

// canned is an answer made up by a test.
type canned struct {
	status             int
	code, detail       string
	retryAfter         string
	contentType, plain string
	location           string
}

// heard is a request that came.
type heard struct {
	method, path, query, body string
	header                    http.Header
}

// newStub starts a stub. Tests with one run beside each other: they mostly wait.
func newStub(t *testing.T, cfg Config) *stub {
	t.Helper()
	t.Parallel()
	s := &stub{
		t: t, channels: map[string]*stubChannel{}, sessions: map[string]*stubSession{}, gone: map[string]string{},
		canned: map[string][]canned{}, streams: map[chan string]bool{}, listing: `{"channels":[]}`, settings: `{"version":"test","open":true}`,
	}
	s.media = newStubMedia(t)
	e := echo.New()
	e.Pre(s.listen)
	Register(e, cfg)
	e.GET("/api/v1/channels", func(c echo.Context) error { return blob(c, s.list()) })
	e.GET("/api/v1/sessions/s-1", func(c echo.Context) error { return blob(c, s.diagnosis) })
	e.GET("/api/v1/settings", func(c echo.Context) error { return blob(c, s.settings) })
	e.POST("/whip/*", s.publish)
	e.POST("/whep/*", s.play)
	e.Any("/session/:id", s.session)
	s.extend(e)
	s.calls = newStubCalls(s, e)
	s.Server = httptest.NewServer(e)
	t.Cleanup(s.close)
	return s
}

func (s *stub) close() {
	s.CloseClientConnections()
	s.Close()
	s.mu.Lock()
	sessions := make([]*stubSession, 0, len(s.sessions))
	for _, session := range s.sessions {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	for _, session := range sessions {
		session.close()
	}
	s.media.close()
}

func blob(c echo.Context, body string) error {
	if body == "" {
		return echo.ErrNotFound
	}
	return c.Blob(http.StatusOK, "application/json", []byte(body))
}

func (s *stub) list() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listing
}

// setListing changes who is on air while a page looks on.
func (s *stub) setListing(listing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listing = listing
}

// listen notes every request but those for pages, and gives canned answers.
func (s *stub) listen(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		path := r.URL.EscapedPath()
		if !strings.HasPrefix(path, "/wh") && !strings.HasPrefix(path, "/session") && !strings.HasPrefix(path, "/api") {
			return next(c)
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.mu.Lock()
		s.heard = append(s.heard, heard{r.Method, path, r.URL.RawQuery, string(body), r.Header.Clone()})
		key := r.Method + " " + path
		queue := s.canned[key]
		if len(queue) > 1 {
			s.canned[key] = queue[1:]
		}
		s.mu.Unlock()
		if s.cors {
			h := c.Response().Header()
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Allow-Methods", "POST, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
			h.Set("Access-Control-Expose-Headers", "Location, ETag, Link")
			if r.Method == http.MethodOptions {
				return c.NoContent(http.StatusOK)
			}
		}
		if s.diagnosis != "" && r.Method == http.MethodPost {
			c.Response().Header().Set("Headgate-Session", "s-1")
		}
		if len(queue) > 0 && queue[0].status != 0 {
			return queue[0].send(c)
		}
		return next(c)
	}
}

// answer makes the stub answer so from now on, one after the other; the last
// stays. A zero canned means: really.
func (s *stub) answer(request string, answers ...canned) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canned[request] = answers
}

func (a canned) send(c echo.Context) error {
	if a.retryAfter != "" {
		c.Response().Header().Set("Retry-After", a.retryAfter)
	}
	if a.location != "" {
		c.Response().Header().Set("Location", a.location)
	}
	if a.status == http.StatusNoContent {
		return c.NoContent(a.status)
	}
	if a.contentType != "" {
		return c.Blob(a.status, a.contentType, []byte(a.plain))
	}
	return problem(c, a.status, a.code, a.detail)
}

func problem(c echo.Context, status int, code, detail string) error {
	body, err := json.Marshal(map[string]any{"type": "urn:problem:" + code, "title": http.StatusText(status), "status": status, "code": code, "detail": detail})
	if err != nil {
		return err
	}
	return c.Blob(status, "application/problem+json", body)
}

// requests returns what came so far for a method and a prefix of the path.
func (s *stub) requests(method, prefix string) []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []heard
	for _, h := range s.heard {
		if (h.method == method || method == "") && strings.HasPrefix(h.path, prefix) {
			found = append(found, h)
		}
	}
	return found
}

// await waits for the n-th request of a kind.
func (s *stub) await(method, prefix string, n int) heard {
	s.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if found := s.requests(method, prefix); len(found) >= n {
			return found[n-1]
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("%s %s came %d times, want %d", method, prefix, len(s.requests(method, prefix)), n)
		}
	}
}

func (s *stub) channel(name string) *stubChannel {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, ok := s.channels[name]
	if !ok {
		ch = newStubChannel(s.t, s.media.codec)
		s.channels[name] = ch
	}
	return ch
}

func (s *stub) publish(c echo.Context) error {
	ch := s.channel(c.Request().URL.EscapedPath()[len("/whip/"):])
	return s.create(c, func(session *stubSession) error {
		session.publishes(ch)
		s.calls.publishes(c, session)
		return nil
	})
}

func (s *stub) play(c echo.Context) error {
	if s.calls.isCall(c) {
		return s.create(c, func(session *stubSession) error { return s.calls.seats(c, session) })
	}
	ch := s.channel(c.Request().URL.EscapedPath()[len("/whep/"):])
	if !s.waits && !ch.live() {
		c.Response().Header().Set("Retry-After", "1")
		return problem(c, http.StatusConflict, "not-live", "Nobody publishes to this channel.")
	}
	return s.create(c, func(session *stubSession) error { return session.plays(ch) })
}

// layerLines are those with which an answer takes simulcast.
var layerLines = regexp.MustCompile(`a=(simulcast|rid):.*\r\n`)

// create makes a session and answers 201.
func (s *stub) create(c echo.Context, fill func(*stubSession) error) error {
	offer, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	session, err := s.media.session(string(offer))
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.next++
	path := fmt.Sprintf("/session/s%d", s.next)
	session.path = path
	s.sessions[path] = session
	if strings.HasPrefix(c.Request().URL.Path, "/whep/") {
		s.lastViewer = path
	}
	s.mu.Unlock()
	if err := fill(session); err != nil {
		return err
	}
	answer, err := session.answer()
	if err != nil {
		return err
	}
	if s.single {
		answer = layerLines.ReplaceAllString(answer, "")
	}
	h := c.Response().Header()
	h.Set("Location", s.URL+path)
	h.Set("ETag", session.etag())
	h.Add("Link", `<stun:127.0.0.1:9>; rel="ice-server"`)
	if s.extends && strings.HasPrefix(c.Request().URL.Path, "/whep/") {
		h.Add("Link", fmt.Sprintf(`<%s%s/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive,layers,reconnect,viewercount"`, s.URL, path))
		h.Add("Link", fmt.Sprintf(`<%s/layer>; rel="urn:ietf:params:whep:ext:core:layer"`, path))
	}
	return c.Blob(http.StatusCreated, "application/sdp", []byte(answer))
}

func (s *stub) session(c echo.Context) error {
	path := c.Request().URL.Path
	s.mu.Lock()
	session, code := s.sessions[path], s.gone[path]
	s.mu.Unlock()
	if session == nil {
		if code == "" {
			code = "session-gone"
		}
		return problem(c, http.StatusNotFound, code, "This session is over: "+code+".")
	}
	switch c.Request().Method {
	case http.MethodDelete:
		s.drop(path, "")
		return c.NoContent(http.StatusOK)
	case http.MethodPatch:
		return session.patch(c)
	}
	return c.NoContent(http.StatusNoContent)
}

// drop ends a session; code is what its address says afterwards.
func (s *stub) drop(path, code string) {
	s.mu.Lock()
	session := s.sessions[path]
	delete(s.sessions, path)
	s.gone[path] = code
	s.mu.Unlock()
	if session != nil {
		s.calls.gone(session)
		session.close()
	}
}

// last is the path of the newest session.
func (s *stub) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("/session/s%d", s.next)
}

func (s *stub) viewer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastViewer
}

// live puts a test picture of another browser on a channel and leaves it there.
func (s *stub) live(name string) *tab {
	s.t.Helper()
	tb := newTab(s.t, look{})
	tb.open(s.URL + "/publish/" + name)
	tb.click("#simulcast") // one size is enough, and less work
	tb.click("#go")
	tb.state("live")
	return tb
}
