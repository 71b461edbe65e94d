package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/wish"
)

// The rows of docs/calls.md: R-… in the names of tests are theirs.

// object is a document in JSON.
type object = map[string]any

// rest does a request to the API and returns the answer's document, an empty one where
// there is none. token may be left out.
func (s *stage) rest(method, path string, body any, token ...string) (int, object) {
	s.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			s.t.Fatal(err)
		}
	}
	if strings.HasPrefix(path, "/") {
		path = "http://127.0.0.1/api/v1" + path
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if len(token) > 0 {
		req.Header.Set("Authorization", "Bearer "+token[0])
	}
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		s.t.Fatal(err)
	}
	doc := object{}
	if len(answer) > 0 && json.Unmarshal(answer, &doc) != nil {
		s.t.Fatalf("%s %s: %d with no document: %s", method, path, res.StatusCode, answer)
	}
	return res.StatusCode, doc
}

// ok is rest where only this status will do.
func (s *stage) ok(status int, method, path string, body any, token ...string) object {
	s.t.Helper()
	got, doc := s.rest(method, path, body, token...)
	if got != status {
		s.t.Fatalf("%s %s: %d %v, want %d", method, path, got, doc, status)
	}
	return doc
}

// refused is rest where the answer must have this code.
func (s *stage) refused(code, method, path string, body any, token ...string) {
	s.t.Helper()
	if status, doc := s.rest(method, path, body, token...); status < 400 || doc["code"] != code {
		s.t.Errorf("%s %s: %d %v, want the code %s", method, path, status, doc, code)
	}
}

// member is somebody in a channel who reads the events.
type member struct {
	*listener
	s   *stage
	url string
}

// joins makes a member of the channel live and begins to read.
func (s *stage) joins(join object, token ...string) *member {
	s.t.Helper()
	return s.joinsIn("live", join, token...)
}

func (s *stage) joinsIn(channel string, join object, token ...string) *member {
	s.t.Helper()
	doc := s.ok(201, "POST", "/channels/"+channel+"/events", join, token...)
	address, ok := doc["events"].(string)
	if !ok {
		s.t.Fatalf("no address of events: %v", doc)
	}
	m := &member{s: s, url: address}
	m.reads("")
	m.told("snapshot", nil)
	return m
}

// reads begins to read, after an event where its id is given.
func (m *member) reads(after string) {
	m.s.t.Helper()
	ctx, stop := context.WithCancel(m.s.t.Context())
	l := &listener{t: m.s.t, stop: stop, done: make(chan struct{}), header: http.Header{}}
	r := httptest.NewRequestWithContext(ctx, "GET", m.url, nil)
	r.RemoteAddr = "127.0.0.1:1"
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	go func() { // ends with stop
		defer close(l.done)
		m.s.g.Handler().ServeHTTP(l, r)
	}()
	m.s.t.Cleanup(func() { stop(); <-l.done })
	m.listener = l
}

// lastID is the id of the newest event.
func (m *member) lastID() (id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for line := range strings.Lines(m.text.String()) {
		if after, ok := strings.CutPrefix(line, "id: "); ok {
			id = strings.TrimSpace(after)
		}
	}
	return id
}

// told waits for an event with these members, five seconds at most, and returns it.
func (m *member) told(name string, with object) object {
	m.s.t.Helper()
	return m.toldWithin(5*time.Second, name, with)
}

func (m *member) toldWithin(limit time.Duration, name string, with object) (found object) {
	m.s.t.Helper()
	m.waits(limit, name+" with "+text(with), func(list []event) bool {
		found = search(list, name, with)
		return found != nil
	})
	return found
}

// heardOf tells whether an event with these members has come.
func (m *member) heardOf(name string, with object) bool { return search(m.heard(), name, with) != nil }

// forgets drops what was heard.
func (m *member) forgets() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text.Reset()
}

// search finds the newest event with these members.
func search(list []event, name string, with object) (found object) {
	for _, e := range list {
		if e.name != name {
			continue
		}
		data := object{}
		if json.Unmarshal([]byte(e.data), &data) == nil && contains(data, with) {
			found = data
		}
	}
	return found
}

// contains tells that all members of part are in whole, which are compared as they
// are printed.
func contains(whole, part object) bool {
	for key, want := range part {
		got, there := whole[key]
		inner, isObject := want.(object)
		if gotInner, both := got.(object); isObject && both {
			if !contains(gotInner, inner) {
				return false
			}
		} else if !there || text(got) != text(want) {
			return false
		}
	}
	return true
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// all are the objects of a list that have these members.
func all(list any, with object) (found []object) {
	items, _ := list.([]any)
	for _, item := range items {
		if o, ok := item.(object); ok && contains(o, with) {
			found = append(found, o)
		}
	}
	return found
}

// publishesAs publishes to a place below the channel live: "alice", "alice/screen".
func (s *stage) publishesAs(place string, opt testkit.PublisherOptions) *testkit.Publisher {
	s.t.Helper()
	opt.Endpoint, opt.HTTP, opt.Net = "http://127.0.0.1/whip/live/"+place, s.http, s.net.Client()
	return testkit.Publish(s.t, opt)
}

// plays plays a place: "live", "live/alice/screen".
func (s *stage) plays(place string) *testkit.Player {
	s.t.Helper()
	return testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/" + place, HTTP: s.http, Net: s.net.Client()})
}

// triesToPublish returns the refusal's code, empty for none.
func (s *stage) triesToPublish(place, token string) string {
	s.t.Helper()
	_, err := testkit.TryPublish(s.t, testkit.PublisherOptions{
		Endpoint: "http://127.0.0.1/whip/live/" + place, Token: token, HTTP: s.http, Net: s.net.Client(),
	})
	return refusalOf(err)
}

// refusalOf is the code of a refusal, "" without one, and the error itself where it is
// none.
func refusalOf(err error) string {
	if status, ok := errors.AsType[*wish.StatusError](err); ok {
		return status.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
