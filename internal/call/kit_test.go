package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/leak"
	"github.com/headgate/headgate/router"
)

func TestMain(m *testing.M) { leak.Main(m) }

// tester is what tests and properties have in common.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// hall is a Service beside a router, with a clock the test moves.
type hall struct {
	*Service
	t      tester
	router *router.Router

	mu       sync.Mutex
	now      time.Time
	sessions map[string]*visitor // by public id
	count    int
}

// visitor is a session that a test made.
type visitor struct {
	Entry
	pub    *router.Publisher // nil for viewers
	leave  func(*fault.Error)
	gone   bool
	reason *fault.Error
	seen   time.Time
}

func newHall(t tester, change func(*Config, *router.Config)) *hall {
	cfg, channels := DefaultConfig(), router.DefaultConfig()
	if change != nil {
		change(&cfg, &channels)
	}
	h := &hall{t: t, now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), sessions: make(map[string]*visitor)}
	channels.Observe = func(e router.Event) { h.Observe(e) }
	h.router = router.New(channels)
	h.Service = New(cfg, Parts{Router: h.router, Now: h.clock})
	h.Service.sessions = h
	return h
}

func (h *hall) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// pass moves the clock, second by second, and looks at what is over.
func (h *hall) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		h.mu.Lock()
		h.now = h.now.Add(min(d, time.Second))
		h.mu.Unlock()
		h.router.Sweep(h.clock())
		h.sweep(h.clock())
	}
}

// EndSessions implements Sessions, as sessions do it but for the goroutines.
func (h *hall) EndSessions(m Match, reason *fault.Error) (n int) {
	h.mu.Lock()
	var list []*visitor
	for _, v := range h.sessions {
		fits := func(want, is string) bool { return want == "" || want == is }
		if fits(m.Channel, v.Channel) && fits(m.Participant, v.Participant) && fits(m.Source, v.Source) &&
			fits(m.Login, v.Login) && fits(m.ID, v.ID) && (m.NotLogin == "" || m.NotLogin != v.Login) {
			list = append(list, v)
		}
	}
	h.mu.Unlock()
	for _, v := range list {
		h.end(v, reason)
	}
	return len(list)
}

func (h *hall) Measures(time.Time, string) []Measure { return nil }

func (h *hall) end(v *visitor, reason *fault.Error) {
	h.mu.Lock()
	_, there := h.sessions[v.ID]
	delete(h.sessions, v.ID)
	leave := v.leave
	if there {
		v.gone, v.reason = true, reason
	}
	h.mu.Unlock()
	if !there {
		return
	}
	if leave != nil {
		leave(reason)
	}
	if v.pub != nil {
		v.pub.End(h.clock())
	}
}

func (h *hall) join(participant, login string) (Membership, *listener) {
	h.t.Helper()
	m, err := h.Join(JoinRequest{Channel: "c", Participant: participant, Login: login, Name: strings.ToUpper(participant)})
	if err != nil {
		h.t.Fatalf("join as %s: %v", participant, err)
	}
	return m, h.read(m.Secret, "")
}

// publish makes a publisher that is not on air yet, or returns why it cannot.
func (h *hall) publish(participant, source, login string) (*visitor, error) {
	if err := h.Admit(Admission{Channel: "c", Participant: participant, Login: login, Member: true}); err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.count++
	v := &visitor{seen: h.now, Entry: Entry{Channel: "c", Participant: participant, Source: source, Login: login, ID: fmt.Sprint("s", h.count), Publisher: true}}
	h.mu.Unlock()
	v.Seen = func() time.Time { return v.seen }
	pub, err := h.router.Publish(h.clock(), router.PublishRequest{
		Channel: "c", Participant: participant, Source: source, Login: login, Session: v.ID, Name: strings.ToUpper(participant),
		LastSeen: v.Seen, End: func(reason *fault.Error) { h.end(v, reason) },
	})
	if err != nil {
		return nil, err
	}
	v.pub = pub
	h.mu.Lock()
	h.sessions[v.ID] = v
	h.mu.Unlock()
	pub.Commit(h.clock(), map[router.Kind]router.Codec{router.Video: {Name: router.VP8}, router.Audio: {Name: router.Opus}})
	h.enter(v)
	return v, nil
}

// enter notes a session in the call. It may have been ended meanwhile.
func (h *hall) enter(v *visitor) {
	leave := h.Enter(v.Entry)
	h.mu.Lock()
	gone, reason := v.gone, v.reason
	v.leave = leave
	h.mu.Unlock()
	if gone {
		leave(reason)
	}
}

// onAir publishes and sends.
func (h *hall) onAir(participant, source, login string) *visitor {
	h.t.Helper()
	v, err := h.publish(participant, source, login)
	if err != nil {
		h.t.Fatalf("publish as %s: %v", participant, err)
	}
	v.pub.Live(h.clock())
	return v
}

// listener reads a stream.
type listener struct {
	h      *hall
	reader *events.Reader
	left   func()
	lastID string
}

func (h *hall) read(secret, lastID string) *listener {
	h.t.Helper()
	reader, left, err := h.Listen(secret, lastID)
	if err != nil {
		h.t.Fatalf("listen: %v", err)
	}
	return &listener{h, reader, left, ""}
}

// told is an event as a page reads it.
type told struct {
	name string
	data map[string]any
}

// next returns what is there to be read, and the error after it.
func (l *listener) next() (list []told, err error) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		e, err := l.reader.Next(over)
		if errors.Is(err, context.Canceled) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		l.lastID = e.ID
		t := told{name: e.Name}
		if err := json.Unmarshal(e.Data.(json.RawMessage), &t.data); err != nil {
			l.h.t.Fatalf("%s: %v", e.Name, err)
		}
		list = append(list, t)
	}
}

// expect reads on and compares: "name", or "name member=value member=value".
func (l *listener) expect(want ...string) {
	l.h.t.Helper()
	list, _ := l.next()
	var got []string
	for i, e := range list {
		s := e.name
		if i < len(want) {
			for _, f := range strings.Fields(want[i])[1:] {
				member, _, _ := strings.Cut(f, "=")
				s += fmt.Sprintf(" %s=%v", member, e.data[member])
			}
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		l.h.t.Errorf("told %q, want %q", got, want)
	}
}

func (h *hall) roster() (ids []string) {
	for _, p := range h.Participants("c") {
		ids = append(ids, p.ID)
	}
	return ids
}

func faultOf(err error) *fault.Error { return fault.Of(err) }

func faultCode(err error) string { return faultOf(err).Code }

func (h *hall) refuses(err error, code string) {
	h.t.Helper()
	if faultCode(err) != code {
		h.t.Errorf("got %v, want %s", err, code)
	}
}
