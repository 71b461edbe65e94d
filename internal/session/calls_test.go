package session

import (
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// withCall starts the calls beside the sessions, on channels where viewers wait and
// people have tokens of their own.
func withCall(t *testing.T, change func(*Config, *auth.Config, *router.Config)) (*bench, func(who, session string) string) {
	t.Helper()
	key := auth.NewKey()
	b := newBench(t, func(c *Config, a *auth.Config, r *router.Config) {
		a.Open, a.Own, r.Idle = false, key, router.WaitIdle
		if change != nil {
			change(c, a, r)
		}
	})
	b.parts.Calls.Start(b.Service)
	t.Cleanup(func() { must(t, b.parts.Calls.Close(t.Context())) })
	return b, func(who, session string) string {
		token, err := auth.Sign(key, auth.Claims{
			Subject: who, Session: session, Name: "The " + who, Publish: []string{"live"}, Play: []string{"live"}, Expires: b.clock().Add(time.Hour),
		})
		must(t, err)
		return token
	}
}

// member joins with a token and returns the secret of the stream.
func (b *bench) member(token string) (string, error) {
	b.t.Helper()
	grant, err := b.parts.Authority.Authorize(b.t.Context(), auth.Credential{Token: token}, auth.Join, auth.Place{Channel: "live"})
	must(b.t, err)
	m, err := b.parts.Calls.Join(call.JoinRequest{Channel: "live", Participant: grant.Participant, Login: grant.Login, Name: grant.DisplayName})
	return m.Secret, err
}

func TestWhoIsKickedLearnsWhy(t *testing.T) {
	b, token := withCall(t, nil)
	ann, bob := token("ann", "1"), token("bob", "1")
	sends, watches, other := b.publish(ann), b.play(ann), b.play(bob)
	must(t, b.parts.Calls.Kick("live", "ann", "no singing", time.Minute))
	for _, created := range []signaling.Created{sends, watches} {
		err := b.Look(t.Context(), created.Secret, request(ann))
		expect(t, err, "kicked")
		if got := fault.Of(err).Public; got != "An administrator ended this session: no singing" {
			t.Errorf("told %q", got)
		}
		expect(t, b.End(t.Context(), created.Secret, request(ann)), "")
	}
	expect(t, b.Look(t.Context(), other.Secret, request(bob)), "")
	for range 2 {
		_, err := b.Publish(t.Context(), offerOf("obs", ann))
		expect(t, err, "banned")
		_, err = b.Play(t.Context(), offerOf("chrome-play", token("ann", "2")))
		expect(t, err, "banned")
		if wait := fault.Of(err).RetryAfter; wait <= 0 || wait > time.Minute {
			t.Errorf("Retry-After %v", wait)
		}
	}
	b.pass(time.Minute)
	b.publish(ann)
	expect(t, b.parts.Calls.Kick("live", "nobody", "", 0), "participant-unknown")
}

func TestADisbandedChannelIsEmpty(t *testing.T) {
	b, token := withCall(t, nil)
	ann := token("ann", "1")
	sends, watches := b.publish(ann), b.play(token("bob", "1"))
	b.parts.Calls.Disband("live")
	expect(t, b.Look(t.Context(), sends.Secret, request(ann)), "disbanded")
	expect(t, b.Look(t.Context(), watches.Secret, request(token("bob", "2"))), "disbanded")
	if n := b.Count(); n != 0 {
		t.Errorf("%d sessions", n)
	}
	b.publish(ann)
}

// Design 5: a participant is there under one login, whether it sends or listens.
func TestLoginsOfSessionsAndStreams(t *testing.T) {
	for policy, tc := range map[router.Duplicates]struct{ refused, ended string }{
		router.RejectDuplicates:  {refused: "channel-busy"},
		router.ReplaceDuplicates: {ended: "duplicate-id"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			b, token := withCall(t, func(_ *Config, _ *auth.Config, r *router.Config) { r.Duplicates = policy })
			first, second := token("ann", "1"), token("ann", "2")
			stream, err := b.member(first)
			must(t, err)
			camera := b.publish(first)
			screen := offerOf("obs", first)
			screen.Place.Participant, screen.Place.Source = "ann", "screen"
			_, err = b.Publish(t.Context(), screen)
			expect(t, err, "") // sources under one login add up
			watches := b.play(second)
			_, err = b.Publish(t.Context(), offerOf("obs", second))
			expect(t, err, tc.refused)
			expect(t, b.Look(t.Context(), camera.Secret, request(first)), tc.ended)
			expect(t, b.Look(t.Context(), watches.Secret, request(second)), "") // a bare viewer is in nobody's way
			_, left, err := b.parts.Calls.Listen(stream, "")
			expect(t, err, tc.ended)
			if err == nil {
				left()
			}
			_, err = b.member(token("ann", "3"))
			expect(t, err, tc.refused)
		})
	}
}

func TestWhoAViewerIs(t *testing.T) {
	b := newBench(t, func(_ *Config, _ *auth.Config, r *router.Config) { r.Idle = router.WaitIdle })
	grant, err := b.parts.Authority.Authorize(t.Context(), auth.Credential{}, auth.Join, auth.Place{Channel: "live", Participant: "ann"})
	must(t, err)
	o := offerOf("chrome-play", "")
	o.As, o.Name = "ann", "Ann"
	created, err := b.Play(t.Context(), o)
	must(t, err)
	if p := b.all()[0].part; p.participant != "ann" || p.login != grant.Login || !p.claimed {
		t.Errorf("a viewer that says it is ann is %+v", p)
	}
	if b.parts.Calls.In("live", "ann", grant.Login) || b.parts.Calls.Occupied("live", "ann") {
		t.Error("a bare viewer holds the name it says")
	}
	must(t, b.End(t.Context(), created.Secret, request("")))
}

func TestNobodyIsLetIntoAChannelThatIsNotProvided(t *testing.T) {
	b := newBench(t, nil)
	cfg := call.DefaultConfig()
	cfg.Create = call.CreateProvisioned
	b.parts.Calls = call.New(cfg, call.Parts{Router: b.parts.Router, Now: b.clock})
	_, err := b.Publish(t.Context(), offerOf("obs", ""))
	expect(t, err, "channel-unknown")
	_, err = b.Play(t.Context(), offerOf("chrome-play", ""))
	expect(t, err, "channel-unknown")
}

// A token's name leads; ?name= is for those whose token has none.
func TestNamesReachTheRoster(t *testing.T) {
	for name, token := range map[string]bool{"The ann": true, "Camera 1": false} {
		var b *bench
		key := auth.NewKey()
		b = newBench(t, func(_ *Config, a *auth.Config, r *router.Config) {
			a.Open, a.Own = !token, key
			r.Observe = func(e router.Event) { b.parts.Calls.Observe(e) }
		})
		o := offerOf("obs", "")
		o.Place.Participant, o.Name = "ann", "Camera 1"
		if token {
			signed, err := auth.Sign(key, auth.Claims{
				Subject: "ann", Name: "The ann", Tags: map[string]string{"role": "host"}, Publish: []string{"live"}, Expires: b.clock().Add(time.Hour),
			})
			must(t, err)
			o.Credential.Token = signed
		}
		created, err := b.Publish(t.Context(), o)
		must(t, err)
		sess, _ := b.find(created.Secret)
		sess.media.firstPacket(b.clock())
		people := b.parts.Calls.Participants("live")
		if len(people) != 1 || people[0].ID != "ann" || people[0].Name != name || (people[0].Tags["role"] == "host") != token {
			t.Errorf("the roster has %+v, want %q", people, name)
		}
		must(t, b.End(t.Context(), created.Secret, o.Request))
		if got := b.parts.Calls.Participants("live"); got != nil {
			t.Errorf("after DELETE: %+v", got)
		}
	}
}

// A token that admits one login admits what one participant sends and plays.
func TestATokenForOneLogin(t *testing.T) {
	key := auth.NewKey()
	b := newBench(t, func(_ *Config, a *auth.Config, r *router.Config) { a.Open, a.Own, r.Idle = false, key, router.WaitIdle })
	token, err := auth.Sign(key, auth.Claims{ID: "1", Once: true, Publish: []string{"live"}, Play: []string{"live"}, Expires: b.clock().Add(time.Hour)})
	must(t, err)
	for _, tc := range []struct{ who, code string }{{"ann", ""}, {"bob", "token-replayed"}} {
		o := offerOf("obs", token)
		o.Place.Participant = tc.who
		_, err = b.Publish(t.Context(), o)
		expect(t, err, tc.code)
		o = offerOf("chrome-play", token)
		o.As = tc.who
		_, err = b.Play(t.Context(), o)
		expect(t, err, tc.code)
	}
}
