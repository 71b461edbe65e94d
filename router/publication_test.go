package router

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// failer is what tests and property tests have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// stage is a Router with publishers and viewers whose silence and end a test
// controls.
type stage struct {
	t      failer
	router *Router
	began  time.Time
	now    time.Time
	events []EventKind
}

func newStage(t *testing.T, change func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Unix(1_000_000, 0), began: time.Unix(1_000_000, 0)}
	cfg := DefaultConfig()
	cfg.Observe = func(e Event) { s.events = append(s.events, e.What) }
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s.router = New(cfg)
	return s
}

func (s *stage) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.router.Sweep(s.now)
}

type actor struct {
	*Publisher
	seen  time.Time
	ended *fault.Error
}

func (s *stage) request(a *actor, channel, participant, login string) PublishRequest {
	return PublishRequest{
		Channel: channel, Participant: participant, Source: "main", Login: login,
		LastSeen: func() time.Time { return a.seen },
		End:      func(reason *fault.Error) { a.ended = reason },
	}
}

func (s *stage) tryPublish(channel, participant, login string) (*actor, error) {
	a := &actor{}
	p, err := s.router.Publish(s.now, s.request(a, channel, participant, login))
	a.Publisher = p
	return a, err
}

// publish puts a publisher on air that sends H264 and Opus.
func (s *stage) publish(channel, participant, login string) *actor {
	s.t.Helper()
	a, err := s.tryPublish(channel, participant, login)
	if err != nil {
		s.t.Fatalf("publish: %v", err)
	}
	a.Commit(s.now, map[Kind]Codec{Video: {Name: H264, ClockRate: 90000}, Audio: {Name: Opus, ClockRate: 48000}})
	a.seen = s.now
	a.Live(s.now)
	return a
}

func (s *stage) state(channel string) State {
	for _, c := range s.router.Channels() {
		if c.Name == channel && len(c.Publications) > 0 {
			return c.Publications[0].State
		}
	}
	return ""
}

func TestALivePublisherIsReplacedByItsOwnLoginOnceInTenSeconds(t *testing.T) {
	s := newStage(t, nil)
	first := s.publish("live", "main", "obs")
	second := s.publish("live", "main", "obs")
	if first.ended == nil || first.ended.Code != "replaced" {
		t.Fatalf("first ended with %v, want replaced", first.ended)
	}
	s.now = s.now.Add(500 * time.Millisecond)
	second.seen = s.now
	_, err := s.tryPublish("live", "main", "obs")
	if !errors.Is(err, ErrBusy) {
		t.Fatalf("second takeover of a live publisher: %v, want channel-busy", err)
	}
	if wait := fault.Of(err).RetryAfter; wait <= 0 || wait > 10*time.Second {
		t.Errorf("Retry-After = %v, want what is left of 10 s", wait)
	}
	s.now = s.now.Add(10 * time.Second)
	second.seen = s.now
	s.publish("live", "main", "obs")
	if second.ended == nil {
		t.Error("after 10 s the login may take over again")
	}
}

// T-61, N-032: the session behind it has a handshake timeout of its own.
func TestAPublisherThatWasNeverHeardIsNotEndedByItsSilence(t *testing.T) {
	s := newStage(t, nil)
	waiting, err := s.tryPublish("live", "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	waiting.Commit(s.now, map[Kind]Codec{Video: {Name: H264, ClockRate: 90000}})
	s.pass(40 * time.Second)
	if waiting.ended != nil {
		t.Fatalf("ended with %v before it could connect", waiting.ended)
	}
	waiting.seen = s.now
	waiting.Live(s.now)
	if s.state("live") != Live {
		t.Errorf("state = %q after the first packet", s.state("live"))
	}
	s.pass(30 * time.Second)
	if waiting.ended == nil || waiting.ended.Code != "lost" {
		t.Errorf("ended with %v after 30 s of silence, want lost", waiting.ended)
	}
}

func TestAPublisherThatNeverSentIsReplacedAtOnce(t *testing.T) {
	s := newStage(t, nil)
	s.publish("live", "main", "obs")
	for range 3 {
		p, err := s.tryPublish("live", "main", "obs")
		if err != nil {
			t.Fatalf("a POST after one that nobody followed up: %v", err)
		}
		p.Commit(s.now, nil)
	}
}

func TestASilentPublisherIsReplacedByAnybody(t *testing.T) {
	s := newStage(t, nil)
	first := s.publish("live", "main", "one")
	if _, err := s.tryPublish("live", "main", "two"); !errors.Is(err, ErrBusy) {
		t.Fatalf("T-87 another login against a live publisher: %v, want channel-busy", err)
	}
	s.now = s.now.Add(time.Second)
	s.publish("live", "main", "two")
	if first.ended == nil || first.ended.Code != "replaced" {
		t.Errorf("silent publisher ended with %v, want replaced", first.ended)
	}
}

func TestDuplicatesAreReplacedByPolicy(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Duplicates = ReplaceDuplicates })
	camera := s.publish("call", "alice", "old")
	other := &actor{}
	req := s.request(other, "call", "alice", "new")
	req.Source = "screen"
	p, err := s.router.Publish(s.now, req)
	if err != nil {
		t.Fatal(err)
	}
	p.Commit(s.now, nil)
	if camera.ended == nil || camera.ended.Code != "duplicate-id" {
		t.Errorf("older login ended with %v, want duplicate-id", camera.ended)
	}
}

func TestSourcesOfOneLoginAddUp(t *testing.T) {
	s := newStage(t, nil)
	camera := s.publish("call", "alice", "login")
	screen := &actor{}
	req := s.request(screen, "call", "alice", "login")
	req.Source = "screen"
	if _, err := s.router.Publish(s.now, req); err != nil {
		t.Fatalf("second source of the same login: %v", err)
	}
	if camera.ended != nil {
		t.Error("the camera ended when the screen came")
	}
}

func TestAFailedNegotiationLeavesTheOldPublisher(t *testing.T) {
	s := newStage(t, nil)
	first := s.publish("live", "main", "obs")
	second, err := s.tryPublish("live", "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	second.Abort()
	if first.ended != nil {
		t.Fatal("the old publisher ended although the new one failed")
	}
	first.seen = s.now.Add(5 * time.Second)
	s.pass(5 * time.Second)
	if got := s.state("live"); got != Live {
		t.Errorf("state = %q, want live", got)
	}
}

func TestOverlappingTakeoversEndEverybodyButTheLast(t *testing.T) {
	for name, finish := range map[string]func(s *stage, b, c *actor){
		"last commits first":  func(s *stage, b, c *actor) { c.Commit(s.now, nil); b.Commit(s.now, nil) },
		"in order":            func(s *stage, b, c *actor) { b.Commit(s.now, nil); c.Commit(s.now, nil) },
		"middle one aborts":   func(s *stage, b, c *actor) { b.Abort(); c.Commit(s.now, nil) },
		"aborts after commit": func(s *stage, b, c *actor) { c.Commit(s.now, nil); b.Abort() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(c *Config) { c.TakeoverHold = 0 })
			a := s.publish("live", "main", "obs")
			b, err := s.tryPublish("live", "main", "obs")
			if err != nil {
				t.Fatal(err)
			}
			c, err := s.tryPublish("live", "main", "obs")
			if err != nil {
				t.Fatal(err)
			}
			finish(s, b, c)
			if a.ended == nil {
				t.Error("the first publisher was never ended: two would write")
			}
			if c.ended != nil {
				t.Errorf("the last publisher ended with %v", c.ended)
			}
			if got := len(s.router.Channels()); got != 1 {
				t.Errorf("%d channels, want 1", got)
			}
		})
	}
}

func TestSilenceInterruptsAndThenEnds(t *testing.T) {
	s := newStage(t, nil)
	a := s.publish("live", "main", "obs")
	s.pass(5 * time.Second)
	if got := s.state("live"); got != Live {
		t.Fatalf("after 5 s: %q, want live", got)
	}
	s.pass(time.Second)
	if got := s.state("live"); got != Paused {
		t.Fatalf("after 6 s: %q, want interrupted", got)
	}
	a.seen = s.now
	s.pass(time.Second)
	if got := s.state("live"); got != Live {
		t.Fatalf("heard again: %q, want live", got)
	}
	s.pass(30 * time.Second)
	if a.ended == nil || a.ended.Code != "lost" {
		t.Fatalf("after 30 s ended with %v, want lost", a.ended)
	}
	if got := s.router.Channels(); len(got) != 0 {
		t.Errorf("channels left: %v", got)
	}
	want := []EventKind{Published, Interrupted, Resumed, Unpublished}
	if !slices.Equal(s.events, want) {
		t.Errorf("events = %v, want %v", s.events, want)
	}
}

func TestGoodbyeEndsAtOnceAndOnlyOnce(t *testing.T) {
	s := newStage(t, nil)
	a := s.publish("live", "main", "obs")
	a.End(s.now)
	a.End(s.now)
	if got := s.router.Channels(); len(got) != 0 {
		t.Errorf("channels left: %v", got)
	}
	if a.ended != nil {
		t.Errorf("a publisher that left by itself was told %v", a.ended)
	}
}

func TestLimits(t *testing.T) {
	s := newStage(t, func(c *Config) { c.MaxChannels, c.MaxPublications = 1, 1 })
	s.publish("live", "main", "obs")
	if _, err := s.tryPublish("other", "main", "obs"); !errors.Is(err, ErrFull) {
		t.Errorf("second channel: %v, want limit-reached", err)
	}
	if _, err := s.tryPublish("live", "bob", "bob"); !errors.Is(err, ErrFull) {
		t.Errorf("second publication: %v, want limit-reached", err)
	}
	if got := len(s.router.Channels()); got != 1 {
		t.Errorf("a refused publisher left %d channels", got)
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	err := Config{Duplicates: "maybe", Idle: "no", TakeoverHold: -1, Standby: []string{"a*b", ""}}.Validate()
	for _, field := range []string{"interrupted_after", "ended_after", "viewer_linger", "silent_after", "takeover_hold", "duplicates", "idle", "standby[0]", "standby[1]", "max_standbys", "standby_after", "max_channels", "max_publications", "max_viewers"} {
		if err == nil || !strings.Contains(err.Error(), "channels."+field+": ") {
			t.Errorf("no fault for %s in %v", field, err)
		}
	}
}
