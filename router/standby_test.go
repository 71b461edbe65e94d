package router

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

func withStandby(c *Config) { c.Standby = []string{"live"} }

// send lets actors send media every 20 ms for d, and calls Watch and Sweep as the
// session service does.
func (s *stage) send(d time.Duration, actors ...*actor) {
	next := s.router.Watch(s.now) // a publisher may have been committed
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(5 * time.Millisecond)
		if elapsed := s.now.Sub(s.began); elapsed%(20*time.Millisecond) == 0 {
			for _, a := range actors {
				a.seen = s.now
				a.pulse.beat(s.now)
				a.Live(s.now)
			}
		}
		if !next.IsZero() && !s.now.Before(next) {
			next = s.router.Watch(s.now)
		}
		if s.now.Sub(s.began)%time.Second == 0 {
			s.router.Sweep(s.now)
		}
	}
}

// roster names the sessions on air and in line.
func (s *stage) roster() (active string, standbys []string) {
	for _, c := range s.router.Channels() {
		for _, p := range c.Publications {
			return p.Session, p.Standbys
		}
	}
	return "", nil
}

func (s *stage) expect(active string, standbys ...string) {
	s.t.Helper()
	if a, in := s.roster(); a != active || !slices.Equal(in, standbys) {
		s.t.Fatalf("on air %q, in line %q; want %q and %q", a, in, active, standbys)
	}
}

// join publishes as a session, which sends nothing yet.
func (s *stage) join(session, login string) *actor {
	s.t.Helper()
	a, err := s.tryJoin(session, login)
	if err != nil {
		s.t.Fatalf("%s: %v", session, err)
	}
	return a
}

func (s *stage) tryJoin(session, login string) (*actor, error) {
	a := &actor{}
	req := s.request(a, "live", "main", login)
	req.Session = session
	p, err := s.router.Publish(s.now, req)
	if err != nil {
		return nil, err
	}
	a.Publisher = p
	a.Commit(s.now, map[Kind]Codec{Video: {Name: H264, ClockRate: 90000}, Audio: {Name: Opus, ClockRate: 48000}})
	return a, nil
}

func TestASecondPublisherStandsBy(t *testing.T) {
	for _, login := range []string{"same", "another"} {
		t.Run(login, func(t *testing.T) {
			s := newStage(t, withStandby)
			a := s.join("a", "same")
			s.send(time.Second, a)
			w := s.watch("live", Selector{}, "")
			b := s.join("b", login)
			s.send(time.Second, a, b)
			s.expect("a", "b")
			if a.ended != nil || b.ended != nil || w.fedBy() != a.Publisher {
				t.Errorf("ended %v, %v", a.ended, b.ended)
			}
			if _, err := s.tryJoin("c", login); !errors.Is(err, ErrBusy) || fault.Of(err).RetryAfter <= 0 {
				t.Errorf("a third one: %v, want channel-busy with Retry-After", err)
			}
			want := []EventKind{Published, StandbyReady}
			if !slices.Equal(s.events, want) {
				t.Errorf("events = %v, want %v", s.events, want)
			}
		})
	}
}

func TestAStandbyTakesOverFromSilence(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(2*time.Second, a, b)
	w := s.watch("live", Selector{}, "")
	s.send(440*time.Millisecond, b)
	s.expect("a", "b")
	s.send(20*time.Millisecond, b)
	s.expect("b", "a")
	if w.fedBy() != b.Publisher || w.ended != nil || a.ended != nil {
		t.Errorf("the viewer is not fed by the standby; ended %v, %v", w.ended, a.ended)
	}
	s.send(10*time.Second, a, b)
	s.expect("b", "a") // no way back
	s.send(time.Second, a)
	s.expect("a", "b")
	want := []EventKind{StandbyReady, Published, SwitchedOver, SwitchedOver}
	if !slices.Equal(s.events, want) {
		t.Errorf("events = %v, want %v", s.events, want)
	}
}

func TestAPublisherThatOnlyAnswersChecksGivesWay(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(time.Second, a, b)
	for range 10 { // a is muted: RTCP and STUN go on
		a.seen = s.now
		s.send(50*time.Millisecond, b)
	}
	s.expect("b", "a")
}

func TestNoStandbyTakesOverThatSendsNothingItself(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(time.Second, a, b)
	s.send(3 * time.Second)
	s.expect("a", "b")
	s.send(60*time.Millisecond, b)
	s.expect("b", "a")
}

// A publisher with Opus in silence (DTX) sends every 400 ms, and one packet in
// ten is lost.
func TestSilenceOfSpeechIsNoSilence(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(time.Second, a, b)
	for i := range 100 {
		s.send(400*time.Millisecond-20*time.Millisecond, b)
		if i%10 == 9 {
			s.send(20*time.Millisecond, b)
			continue
		}
		s.send(20*time.Millisecond, a, b)
		s.expect("a", "b")
	}
}

func TestGoodbyeLetsTheStandbyTakeOverAtOnce(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(time.Second, a, b)
	w := s.watch("live", Selector{}, "")
	a.End(s.now)
	s.expect("b")
	if w.fedBy() != b.Publisher || s.state("live") != Live {
		t.Error("the standby is not on air")
	}
	c := s.join("c", "x") // the place in line is free again
	s.expect("b", "c")
	c.End(s.now)
	s.expect("b")
	b.End(s.now)
	if got := s.events[len(s.events)-2:]; !slices.Equal(got, []EventKind{StandbyGone, Unpublished}) {
		t.Errorf("events end with %v", got)
	}
	if w.fedBy() != nil || w.ended != nil {
		t.Errorf("the viewer is fed by somebody, or ended with %v", w.ended)
	}
}

func TestWhoSendsFirstIsOnAir(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(40*time.Millisecond, b)
	s.expect("b", "a")
	s.send(time.Second, a, b)
	s.expect("b", "a")
}

// An encoder that crashed comes back before anybody knows.
func TestACrashedPublisherIsBackAtOnce(t *testing.T) {
	s := newStage(t, withStandby)
	a := s.join("a", "x")
	s.send(time.Second, a)
	s.send(300 * time.Millisecond)
	b := s.join("b", "x")
	s.expect("a", "b")
	s.send(200*time.Millisecond, b)
	s.expect("b", "a")
	s.send(time.Second, b)
	c := s.join("c", "x") // a is dead: its place in line is free
	s.expect("b", "c")
	if a.ended == nil || a.ended.Code != "replaced" {
		t.Errorf("the dead one ended with %v, want replaced", a.ended)
	}
	s.send(time.Second, b, c)
	s.expect("b", "c")
}

// Its standby has taken over, and what is left of it is in line.
func TestACrashedPublisherIsBackBeforeASecondIsOver(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "y")
	s.send(time.Second, a, b)
	s.send(600*time.Millisecond, b)
	s.expect("b", "a")
	if _, err := s.tryJoin("c", "z"); !errors.Is(err, ErrBusy) {
		t.Errorf("a stranger: %v, want channel-busy", err)
	}
	d := s.join("d", "x")
	s.send(time.Second, b, d)
	s.expect("b", "d")
	if a.ended == nil || a.ended.Code != "replaced" || b.ended != nil {
		t.Errorf("ended %v, %v", a.ended, b.ended)
	}
}

func TestASilentPublisherIsReplacedEvenWhereStandbysAreKept(t *testing.T) {
	s := newStage(t, withStandby)
	a := s.join("a", "x")
	s.send(time.Second, a)
	w := s.watch("live", Selector{}, "")
	s.send(time.Second)
	b := s.join("b", "y")
	s.expect("b")
	if a.ended == nil || a.ended.Code != "replaced" || w.fedBy() != b.Publisher {
		t.Errorf("the silent one ended with %v", a.ended)
	}
}

func TestAttemptsThatNeverConnectAreNotInTheWay(t *testing.T) {
	s := newStage(t, withStandby)
	a := s.join("a", "x")
	s.send(time.Second, a)
	b := s.join("b", "x") // abandoned
	s.send(100*time.Millisecond, a)
	if _, err := s.tryJoin("c", "y"); !errors.Is(err, ErrBusy) {
		t.Errorf("another login at once: %v, want channel-busy", err)
	}
	s.join("d", "x")
	s.expect("a", "d")
	if b.ended == nil {
		t.Error("the abandoned one was not ended")
	}
}

func TestALostStandbyEnds(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(time.Second, a, b)
	s.send(31*time.Second, a)
	s.expect("a")
	if b.ended == nil || b.ended.Code != "lost" {
		t.Errorf("the standby ended with %v, want lost", b.ended)
	}
	s.send(20 * time.Millisecond)
	if next := s.router.Watch(s.now); !next.IsZero() {
		t.Errorf("without standbys Watch wants to be called at %v", next)
	}
}

func TestSeveralStandbysTakeOverInTurn(t *testing.T) {
	s := newStage(t, func(c *Config) { withStandby(c); c.MaxStandbys = 2 })
	a, b, c := s.join("a", "x"), s.join("b", "x"), s.join("c", "x")
	s.send(time.Second, a, b, c)
	s.expect("a", "b", "c")
	a.End(s.now)
	s.expect("b", "c")
	s.send(time.Second, c)
	s.expect("c", "b")
	d := s.join("d", "x")
	s.send(20*time.Millisecond, c, d)
	if active, in := s.roster(); active != "c" || len(in) > 2 {
		t.Errorf("on air %q, in line %q", active, in)
	}
}

func TestStandbysAreKeptWhereTheConfigurationSaysSo(t *testing.T) {
	cfg := Config{Standby: []string{"main", "show-*"}}
	for channel, want := range map[string]bool{"main": true, "mainly": false, "show-1": true, "show-": true, "sho": false} {
		if cfg.keepsStandby(channel) != want {
			t.Errorf("%s: %v", channel, !want)
		}
	}
	if all := (Config{Standby: []string{"*"}}); !all.keepsStandby("any") {
		t.Error("* does not match")
	}
	s := newStage(t, func(c *Config) { c.Standby = []string{"other"} })
	first := s.publish("live", "main", "obs")
	s.publish("live", "main", "obs")
	if first.ended == nil {
		t.Error("a channel without the policy keeps a standby")
	}
}

func TestASessionOnAPublicationWithMixedStandbysMayBeRefilled(t *testing.T) {
	s := newStage(t, withStandby)
	a, b := s.join("a", "x"), s.join("b", "x")
	s.send(time.Second, a, b)
	if terms, err := s.router.Terms("live", Selector{}, ""); err != nil || !terms.Fixed {
		t.Errorf("the same codecs: %+v, %v; want fixed", terms, err)
	}
	b.End(s.now)
	c := &actor{}
	p, err := s.router.Publish(s.now, s.request(c, "live", "main", "x"))
	if err != nil {
		t.Fatal(err)
	}
	p.Commit(s.now, map[Kind]Codec{Video: {Name: VP8, ClockRate: 90000}})
	if terms, err := s.router.Terms("live", Selector{}, ""); err != nil || terms.Fixed || terms.Codecs[Video].Name != H264 {
		t.Errorf("a standby with another codec: %+v, %v; want H264, not fixed", terms, err)
	}
}
