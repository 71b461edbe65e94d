package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/router"
	"github.com/headgate/headgate/whep"
)

// listener is an EventSource without a network.
type listener struct {
	t    *testing.T
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	header http.Header
	status int
	text   bytes.Buffer
}

// event is one that a listener was told.
type event struct{ name, data string }

func (l *listener) Header() http.Header    { return l.header }
func (l *listener) WriteHeader(status int) { l.status = status }
func (l *listener) Flush()                 {}

func (l *listener) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// heard are the events so far.
func (l *listener) heard() (list []event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for block := range strings.SplitSeq(l.text.String(), "\n\n") {
		var e event
		for line := range strings.Lines(block) {
			if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok && name == "event" {
				e.name = value
			} else if ok && name == "data" {
				e.data = value
			}
		}
		if e.name != "" {
			list = append(list, e)
		}
	}
	return list
}

// names are those of the events so far, but for repeated layers.
func (l *listener) names() (list []string) {
	for _, e := range l.heard() {
		if e.name != "layers" || len(list) == 0 || list[len(list)-1] != "layers" {
			list = append(list, e.name)
		}
	}
	return list
}

// waits until what was heard is as wanted.
func (l *listener) waits(limit time.Duration, what string, wanted func([]event) bool) {
	l.t.Helper()
	for end := time.Now().Add(limit); !wanted(l.heard()); {
		if time.Now().After(end) {
			l.t.Fatalf("never heard: %s; but %v", what, l.heard())
		}
		<-time.After(20 * time.Millisecond)
	}
}

// ask does a request with a JSON body.
func (s *stage) ask(method, url, body string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res
}

// listen makes an event stream of a player's session and reads it until the test
// ends.
func (s *stage) listen(p *testkit.Player, names ...string) (_ *listener, url string) {
	s.t.Helper()
	body := ""
	if len(names) > 0 {
		body = `["` + strings.Join(names, `","`) + `"]`
	}
	res := s.ask("POST", p.Session().Extension(whep.RelEvents), body)
	if url = res.Header.Get("Location"); res.StatusCode != 201 {
		s.t.Fatalf("%d, Location %q", res.StatusCode, url)
	}
	ctx, stop := context.WithCancel(s.t.Context())
	l := &listener{t: s.t, stop: stop, done: make(chan struct{}), header: http.Header{}}
	r := httptest.NewRequestWithContext(ctx, "GET", url, nil)
	r.RemoteAddr = "127.0.0.1:1"
	go func() { // ends with stop
		defer close(l.done)
		s.g.Handler().ServeHTTP(l, r)
	}()
	s.t.Cleanup(func() { stop(); <-l.done })
	return l, url
}

// has tells that these events came in this order, whatever came between them.
func has(names ...string) func([]event) bool {
	return func(list []event) bool {
		left := names
		for _, e := range list {
			if len(left) > 0 && e.name == left[0] {
				left = left[1:]
			}
		}
		return len(left) == 0
	}
}

func TestT107EventsFollowThePublisher(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{})
		player := s.play()
		l, _ := s.listen(player, "active", "inactive", "viewercount")
		other := s.play()
		l.waits(3*time.Second, "two viewers", has("viewercount", "viewercount"))
		other.Close()
		l.waits(3*time.Second, "one viewer", has("viewercount", "viewercount", "viewercount"))
		publisher.Close()
		l.waits(time.Second, "inactive", has("active", "inactive"))
		s.publish(testkit.PublisherOptions{FirstFrame: 5000})
		l.waits(time.Second, "active again", has("active", "inactive", "active"))
		want := []event{
			{"active", "{}"}, {"viewercount", `{"viewercount":1}`}, {"viewercount", `{"viewercount":2}`}, {"viewercount", `{"viewercount":1}`},
			{"inactive", "{}"}, {"active", "{}"},
		}
		if got := l.heard(); !slices.Equal(got, want) {
			s.t.Errorf("V-05, V-06 %v, want %v", got, want)
		}
	})
}

// A muted publisher still answers checks; one that is cut off does not.
func TestInactiveWhenNothingIsHeardOfThePublisher(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{})
		l, _ := s.listen(s.play(), "active", "inactive")
		l.waits(time.Second, "active", has("active"))
		publisher.Mute(true)
		<-time.After(10 * time.Second)
		publisher.Mute(false)
		if got := l.names(); !slices.Equal(got, []string{"active"}) {
			s.t.Errorf("heard %q while the publisher was muted", got)
		}
		var cut atomic.Bool
		s.net.Lose(publisher.Net(), func([]byte) bool { return cut.Load() })
		cut.Store(true)
		<-time.After(5 * time.Second)
		if got := l.names(); !slices.Equal(got, []string{"active"}) {
			s.t.Errorf("heard %q after five seconds", got)
		}
		l.waits(3*time.Second, "inactive", has("active", "inactive"))
		cut.Store(false)
		l.waits(5*time.Second, "active again", has("active", "inactive", "active"))
	})
}

func TestT109AnIdleStreamBeginsWithNothing(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Channels.Idle = router.WaitIdle }, func(s *stage) {
		l, _ := s.listen(s.play(), "active", "inactive")
		<-time.After(20 * time.Second)
		if got := l.heard(); got != nil {
			s.t.Errorf("heard %v", got)
		}
		s.publish(testkit.PublisherOptions{})
		l.waits(2*time.Second, "active", has("active"))
	})
}

func TestT111TheStreamEndsWithTheSession(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		player := s.play()
		l, url := s.listen(player)
		if err := player.Session().Delete(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		<-l.done
		if res := s.ask("GET", url, ""); res.StatusCode != 404 {
			s.t.Errorf("GET afterwards: %d", res.StatusCode)
		}
	})
}

func TestReconnectComesBeforeTheEndOfAnotherCodec(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		first := s.publish(testkit.PublisherOptions{})
		player := s.play()
		l, _ := s.listen(player, "active", "inactive", "reconnect")
		l.waits(time.Second, "active", has("active"))
		first.Close()
		s.publish(testkit.PublisherOptions{Accent: testkit.Accent{VP8: true}})
		<-l.done
		if got := l.names(); !slices.Equal(got, []string{"active", "inactive", "reconnect"}) {
			s.t.Errorf("heard %q", got)
		}
	})
}

// toldLayer is one of the layers event.
type toldLayer struct {
	RID           string
	Bitrate       int
	Width, Height int
	Sent          bool
}

// told is what the newest layers event says of the first section.
func told(list []event) []toldLayer {
	for _, e := range slices.Backward(list) {
		var all map[string][]toldLayer
		if e.name == "layers" && json.Unmarshal([]byte(e.data), &all) == nil {
			return all["0"]
		}
	}
	return nil
}

// sentRID is the layer that the player is sent according to the newest event.
func sentRID(list []event) string {
	for _, l := range told(list) {
		if l.Sent {
			return l.RID
		}
	}
	return ""
}

func TestT112LayersAreToldAndSelected(t *testing.T) {
	for name, opt := range simulcasts() {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				publisher := s.publish(opt)
				player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), VP8: true})
				l, _ := s.listen(player, "layers")
				l.waits(20*time.Second, "three layers with rates and sizes", func(list []event) bool {
					layers := told(list)
					return len(layers) == 3 && !slices.ContainsFunc(layers, func(l toldLayer) bool { return l.Bitrate == 0 || l.Width == 0 })
				})
				lowest, at := told(l.heard())[0], player.Session().Extension(whep.RelLayer)
				layerOf := func(seen testkit.Seen) string { return opt.Simulcast.Layers[seen.Layer].RID }
				player.Wait(20*time.Second, "the highest layer", func(s testkit.Seen) bool { return s.Frames > 0 && layerOf(s) != lowest.RID })
				unselect := map[string]func() *http.Response{
					"only mediaId": func() *http.Response { return s.ask("POST", at, `{"mediaId":"0"}`) },
					"{}":           func() *http.Response { return s.ask("POST", at, `{}`) },
					"DELETE":       func() *http.Response { return s.ask("DELETE", at, "") },
				}
				for how, unselect := range unselect {
					if res := s.ask("POST", at, `{"mediaId":"0","rid":"`+lowest.RID+`"}`); res.StatusCode != 200 {
						s.t.Fatalf("V-21 %d", res.StatusCode)
					}
					player.Wait(5*time.Second, "the lowest layer", func(s testkit.Seen) bool { return layerOf(s) == lowest.RID })
					l.waits(3*time.Second, "the lowest layer in the event", func(list []event) bool { return sentRID(list) == lowest.RID })
					if res := unselect(); res.StatusCode != 200 {
						s.t.Fatalf("V-22 %s: %d", how, res.StatusCode)
					}
					seen := player.Wait(20*time.Second, "another layer after "+how, func(s testkit.Seen) bool { return layerOf(s) != lowest.RID })
					if seen.Mixed+seen.Backwards > 0 {
						s.t.Errorf("V-24 %+v", seen)
					}
				}
				if res := s.ask("POST", at, `{"rid":"nothing"}`); res.StatusCode != 404 {
					s.t.Errorf("T-113 an unknown rid: %d", res.StatusCode)
				}
				publisher.PauseLayer(lowest.RID, true)
				l.waits(5*time.Second, "an inactive layer", func(list []event) bool { return told(list)[0].Bitrate == 0 })
				publisher.Close()
				l.waits(3*time.Second, "no layers", func(list []event) bool { return len(told(list)) == 0 })
			})
		})
	}
}

func TestOneEncodingIsNoLayer(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publish(testkit.PublisherOptions{})
		l, _ := s.listen(s.play(), "layers")
		<-time.After(15 * time.Second)
		if got := l.heard(); !slices.Equal(got, []event{{"layers", `{"0":[]}`}}) {
			s.t.Errorf("heard %v", got)
		}
	})
}

func TestShutdownAsksPlayersToReconnect(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	do := func(method, url string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	made := do("POST", player.Session().Extension(whep.RelEvents))
	stream := do("GET", made.Header.Get("Location"))
	g.Close()
	text, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(text), "event: reconnect\ndata: {}\n") {
		t.Errorf("%v: %s", err, text)
	}
	player.Close()
}

// early does something with the address of layer selection of each new session,
// before its client has read the answer.
type early struct {
	http.RoundTripper
	made func(layer string)
}

func (e early) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := e.RoundTripper.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusCreated && r.Method == http.MethodPost {
		e.made(res.Header.Get("Location") + "/layer")
	}
	return res, err
}

func TestASelectionMayComeBeforeTheConnection(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		opt := simulcasts()["browser H.264"]
		s.publish(opt)
		s.play().Wait(20*time.Second, "the highest layer", func(s testkit.Seen) bool { return s.Layer == 2 && s.Frames > 100 })
		client := &http.Client{Transport: early{s.http.Transport, func(layer string) {
			if res := s.ask("POST", layer, `{"mediaId":"0","rid":"q"}`); res.StatusCode != 200 {
				s.t.Errorf("%d", res.StatusCode)
			}
			if res := s.ask("POST", layer, `{"mediaId":"0","rid":"zz"}`); res.StatusCode != 404 {
				s.t.Errorf("T-113 a layer that nobody sends: %d", res.StatusCode)
			}
		}}}
		player := testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: client, Net: s.net.Client()})
		player.Wait(20*time.Second, "picture", func(s testkit.Seen) bool { return s.Frames > 250 })
		for i, showing := range player.Eye.Showings() {
			if showing.Layer != 0 {
				s.t.Fatalf("frame %d was of layer %d", i, showing.Layer)
			}
		}
	})
}
