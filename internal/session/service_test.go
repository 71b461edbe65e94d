package session

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/sdpfrag"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/testkit/leak"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

func TestMain(m *testing.M) { leak.Main(m) }

// bench is a Service on loopback with a clock the test moves.
type bench struct {
	*Service
	t   *testing.T
	mu  sync.Mutex
	now time.Time
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// pass moves the clock and looks at the deadlines.
func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	b.now = b.now.Add(d)
	b.mu.Unlock()
	b.sweep(b.clock())
}

const (
	pubToken   = "publish-token-0001"
	playToken  = "play-token-00000001"
	otherToken = "other-channel-token"
)

func newBench(t *testing.T, change func(*Config, *auth.Config, *router.Config)) *bench {
	t.Helper()
	cfg, access, channels := DefaultConfig(), auth.DefaultConfig(), router.DefaultConfig()
	cfg.SweepEvery = time.Hour // the test sweeps
	access.Open = true
	if change != nil {
		change(&cfg, &access, &channels)
	}
	b := &bench{t: t, now: time.Now()}
	authority, err := auth.New(access, b.clock)
	must(t, err)
	media := peer.DefaultConfig()
	media.Media, media.AllowLoopback = "127.0.0.1:0", true
	host, err := peer.Listen(media)
	must(t, err)
	pool := egress.Start(egress.DefaultConfig())
	channelRouter := router.New(channels)
	b.Service = Start(cfg, Parts{
		Authority: authority, Router: channelRouter, Calls: call.New(call.DefaultConfig(), call.Parts{Router: channelRouter, Now: b.clock}), Host: host, Egress: pool,
		ICEServers: func(time.Time, string) []signaling.ICEServer { return []signaling.ICEServer{{URL: "stun:a"}} },
		Exempt:     func(a netip.Addr) bool { return a.IsLoopback() },
		Log:        slog.New(slog.DiscardHandler), Now: b.clock,
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		pool.Close()
		must(t, host.Close())
	})
	return b
}

func withTokens(_ *Config, a *auth.Config, _ *router.Config) {
	a.Open = false
	a.Tokens = []auth.TokenConfig{
		{Token: pubToken, Publish: true, Channels: []string{"live"}},
		{Token: playToken, Play: true, Channels: []string{"live"}},
		{Token: otherToken, Publish: true, Play: true, Channels: []string{"other"}},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func request(token string) signaling.Request {
	return signaling.Request{Credential: auth.Credential{Token: token}, From: netip.MustParseAddrPort("127.0.0.1:1000")}
}

func offerOf(name, token string) signaling.Offer {
	return signaling.Offer{Request: request(token), Place: auth.Place{Channel: "live"}, SDP: []byte(offers.Get(name))}
}

func (b *bench) publish(token string) signaling.Created {
	b.t.Helper()
	created, err := b.Publish(b.t.Context(), offerOf("obs", token))
	must(b.t, err)
	return created
}

// expect checks the code of a refusal; "" wants none.
func expect(t *testing.T, err error, code string) {
	t.Helper()
	switch {
	case code == "" && err != nil:
		t.Errorf("refused: %v", err)
	case code != "" && err == nil:
		t.Errorf("not refused, want %s", code)
	case code != "" && fault.Of(err).Code != code:
		t.Errorf("refused with %v, want %s", err, code)
	}
}

func remoteCredentials(b *bench, secret string) (ufrag, pwd string) {
	b.t.Helper()
	sess, _ := b.find(secret)
	return sess.conn.RemoteUfrag(), sess.conn.RemotePwd()
}

func TestPatchPreconditions(t *testing.T) {
	for name, tc := range map[string]struct {
		lenient bool
		match   func(etag string) signaling.Precondition
		code    string
	}{
		"N-103 T-63 no If-Match":    {false, func(string) signaling.Precondition { return signaling.Precondition{} }, "if-match-required"},
		"Q-MED-1 lenient":           {true, func(string) signaling.Precondition { return signaling.Precondition{} }, ""},
		"N-104 T-64 another tag":    {false, func(string) signaling.Precondition { return tags(`"nope"`) }, "etag-mismatch"},
		"T-62 the current tag":      {false, func(e string) signaling.Precondition { return tags(e) }, ""},
		"N-105 T-65 one of a list":  {false, func(e string) signaling.Precondition { return tags(`"x"`, e) }, ""},
		"D2 T-66 wildcard trickles": {false, func(string) signaling.Precondition { return signaling.Precondition{Present: true, Any: true} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(c *Config, _ *auth.Config, _ *router.Config) { c.AcceptMissingIfMatch = tc.lenient })
			created := b.publish("")
			ufrag, pwd := remoteCredentials(b, created.Secret)
			done, err := b.Patch(t.Context(), created.Secret, signaling.Patch{
				Request: request(""), IfMatch: tc.match(created.ETag),
				Fragment: sdpfrag.Fragment{Ufrag: ufrag, Pwd: pwd, EndOfCandidates: true},
			})
			expect(t, err, tc.code)
			if done.Fragment != nil || done.ETag != "" {
				t.Errorf("N-106 plain trickle answered %+v", done)
			}
		})
	}
}

func tags(list ...string) signaling.Precondition {
	return signaling.Precondition{Present: true, Tags: list}
}

func TestLenientTrickleWantsTheCredentials(t *testing.T) {
	b := newBench(t, func(c *Config, _ *auth.Config, _ *router.Config) { c.AcceptMissingIfMatch = true })
	created := b.publish("")
	ufrag, _ := remoteCredentials(b, created.Secret)
	_, err := b.Patch(t.Context(), created.Secret, signaling.Patch{
		Request: request(""), Fragment: sdpfrag.Fragment{Ufrag: ufrag, Pwd: "somebodyelsespasswordxx"},
	})
	expect(t, err, "if-match-required")
}

func TestRestartChangesTheTag(t *testing.T) {
	b := newBench(t, nil)
	created := b.publish("")
	restart := signaling.Patch{
		Request: request(""), IfMatch: signaling.Precondition{Present: true, Any: true},
		Fragment: sdpfrag.Fragment{Ufrag: "newfrag1", Pwd: "newpasswordnewpasswordnew"},
	}
	done, err := b.Patch(t.Context(), created.Secret, restart)
	must(t, err)
	if done.Fragment == nil || done.ETag == created.ETag || !strings.HasPrefix(done.ETag, `"`) {
		t.Fatalf("N-132 restart answered %+v", done)
	}
	trickle := signaling.Patch{Request: request(""), Fragment: sdpfrag.Fragment{Ufrag: "newfrag1", Pwd: "newpasswordnewpasswordnew"}}
	trickle.IfMatch = tags(created.ETag)
	_, err = b.Patch(t.Context(), created.Secret, trickle)
	expect(t, err, "etag-mismatch")
	trickle.IfMatch = tags(done.ETag)
	_, err = b.Patch(t.Context(), created.Secret, trickle)
	expect(t, err, "")
}

func TestN102WhatIsSwitchedOffIsRefused(t *testing.T) {
	b := newBench(t, func(c *Config, _ *auth.Config, _ *router.Config) { c.NoRestart, c.NoTrickle = true, true })
	created := b.publish("")
	ufrag, pwd := remoteCredentials(b, created.Secret)
	for code, f := range map[string]sdpfrag.Fragment{
		"restart-unsupported": {Ufrag: "another1", Pwd: "newpasswordnewpasswordnew"},
		"trickle-unsupported": {Ufrag: ufrag, Pwd: pwd},
	} {
		_, err := b.Patch(t.Context(), created.Secret, signaling.Patch{Request: request(""), IfMatch: tags(created.ETag), Fragment: f})
		expect(t, err, code)
	}
}

func TestEndedSessionsSayWhyAndMayBeDeletedAgain(t *testing.T) {
	b := newBench(t, nil)
	created := b.publish("")
	expect(t, b.Look(t.Context(), created.Secret, request("")), "")
	expect(t, b.End(t.Context(), created.Secret, request("")), "")
	expect(t, b.Look(t.Context(), created.Secret, request("")), "deleted")
	expect(t, b.End(t.Context(), created.Secret, request("")), "") // N-153
	b.pass(time.Minute)
	expect(t, b.End(t.Context(), created.Secret, request("")), "session-unknown")
	expect(t, b.Look(t.Context(), "nosuchsecret", request("")), "session-unknown")
}

func TestN157ASessionThatNeverConnectsEnds(t *testing.T) {
	b := newBench(t, nil)
	created := b.publish("")
	b.pass(44 * time.Second)
	expect(t, b.Look(t.Context(), created.Secret, request("")), "")
	b.pass(time.Second)
	expect(t, b.Look(t.Context(), created.Secret, request("")), "handshake-timeout")
}

func TestT23SomebodyElsesTokenIsRefusedAndHarmsNothing(t *testing.T) {
	b := newBench(t, withTokens)
	created := b.publish(pubToken)
	for token, code := range map[string]string{"": "no-token", otherToken: "not-allowed", playToken: "not-allowed", "made-up-token-0001": "bad-token"} {
		expect(t, b.End(t.Context(), created.Secret, request(token)), code)
		_, err := b.Patch(t.Context(), created.Secret, signaling.Patch{Request: request(token), IfMatch: tags(created.ETag)})
		expect(t, err, code)
	}
	expect(t, b.Look(t.Context(), created.Secret, request(pubToken)), "")
}

func TestT22RightsAreKeptApart(t *testing.T) {
	b := newBench(t, withTokens)
	_, err := b.Publish(t.Context(), offerOf("obs", playToken))
	expect(t, err, "not-allowed")
	_, err = b.Play(t.Context(), offerOf("chrome-play", pubToken))
	expect(t, err, "not-allowed")
	_, err = b.Play(t.Context(), offerOf("chrome-play", playToken))
	expect(t, err, "channel-idle")
}

func TestANewerTokenMovesTheEnd(t *testing.T) {
	key := auth.NewKey()
	b := newBench(t, func(_ *Config, a *auth.Config, _ *router.Config) { a.Open, a.Own, a.Skew = false, key, 0 })
	sign := func(ttl time.Duration) string {
		token, err := auth.Sign(key, auth.Claims{Subject: "alice", Publish: []string{"live"}, Expires: b.clock().Add(ttl)})
		must(t, err)
		return token
	}
	created, err := b.Publish(t.Context(), offerOf("obs", sign(10*time.Second)))
	must(t, err)
	b.pass(5 * time.Second)
	expect(t, b.Look(t.Context(), created.Secret, request(sign(20*time.Second))), "")
	b.pass(10 * time.Second)
	expect(t, b.Look(t.Context(), created.Secret, request(sign(time.Second))), "")
	b.pass(12 * time.Second)
	expect(t, b.Look(t.Context(), created.Secret, request(sign(time.Minute))), "token-expired")
}

func TestN037HalfOpenSessionsOfOneAddressAreBounded(t *testing.T) {
	b := newBench(t, func(c *Config, _ *auth.Config, _ *router.Config) { c.MaxHalfOpen = 2 })
	post := func(address, channel string) error {
		o := offerOf("obs", "")
		o.From, o.Place.Channel = netip.MustParseAddrPort(address), channel
		_, err := b.Publish(t.Context(), o)
		return err
	}
	expect(t, post("192.0.2.1:5", "a"), "")
	expect(t, post("192.0.2.1:6", "b"), "")
	expect(t, post("192.0.2.1:7", "c"), "too-many-half-open")
	expect(t, post("192.0.2.2:5", "d"), "") // another address
	b.pass(45 * time.Second)
	expect(t, post("192.0.2.1:8", "c"), "")
}

func TestMaxSessionsAndDraining(t *testing.T) {
	b := newBench(t, func(c *Config, _ *auth.Config, _ *router.Config) { c.MaxSessions = 1 })
	created := b.publish("")
	_, err := b.Publish(t.Context(), offerOf("obs", ""))
	expect(t, err, "session-limit")
	expect(t, b.End(t.Context(), created.Secret, request("")), "")
	b.Drain()
	_, err = b.Publish(t.Context(), offerOf("obs", ""))
	expect(t, err, "server-shutdown") // T-91
}

// While the workers don't keep up nobody new comes in, but those whom others wait
// for do.
func TestOverload(t *testing.T) {
	b := newBench(t, nil)
	b.publish("")
	var saturated atomic.Bool
	b.parts.Saturated = func(time.Time) bool { return saturated.Load() }
	post := func(way func(context.Context, signaling.Offer) (signaling.Created, error), channel string) error {
		o := offerOf("obs", "")
		if channel != "" {
			o.Place.Channel = channel
		}
		_, err := way(t.Context(), o)
		return err
	}
	expect(t, post(b.Publish, "other"), "")
	saturated.Store(true)
	expect(t, post(b.Publish, "new"), "overloaded")
	expect(t, post(b.Play, "other"), "overloaded")
	expect(t, post(b.Publish, "other"), "") // comes back
	saturated.Store(false)
	expect(t, post(b.Publish, "new"), "")
}

// T-93, N-035: each takes the place of the one before, which may still be
// negotiating.
func TestPublishersThatComeAtOnceLeaveOneWriter(t *testing.T) {
	b := newBench(t, func(_ *Config, _ *auth.Config, channels *router.Config) { channels.TakeoverHold = 0 })
	var work sync.WaitGroup
	var made atomic.Int64
	for range 8 {
		work.Go(func() {
			for range 5 {
				switch _, err := b.Publish(t.Context(), offerOf("obs", "")); {
				case err == nil:
					made.Add(1)
				case fault.Of(err).Code != "channel-busy":
					t.Errorf("refused with %v, want channel-busy", err)
				}
			}
		})
	}
	work.Wait()
	if n := b.Count(); n != 1 || made.Load() == 0 {
		t.Errorf("%d sessions live, %d were made, want one", n, made.Load())
	}
}

func TestRefusedOffersLeaveNothing(t *testing.T) {
	b := newBench(t, nil)
	for name, sdp := range map[string]string{
		"empty": "", "garbage": "hello", "cut": offers.Get("obs")[:200],
		"recvonly": strings.ReplaceAll(offers.Get("obs"), "a=sendonly", "a=recvonly"),
	} {
		o := offerOf("obs", "")
		o.SDP = []byte(sdp)
		if _, err := b.Publish(t.Context(), o); err == nil {
			t.Errorf("%s: accepted", name)
		} else if k := fault.Of(err).Kind; k != fault.Invalid && k != fault.Unprocessable {
			t.Errorf("%s: %v, want 400 or 422", name, err)
		}
	}
	if b.Count() != 0 || len(b.parts.Router.Channels()) != 0 || len(b.halfOpen) != 0 {
		t.Errorf("left: %d sessions, %v, %v", b.Count(), b.parts.Router.Channels(), b.halfOpen)
	}
}

func TestT18SecretsAreNotGuessable(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		secret := newSecret()
		if len(secret) < 26 || seen[secret] || strings.Contains(secret, "http") {
			t.Fatalf("secret %q", secret)
		}
		seen[secret] = true
		if id := publicID(secret); strings.Contains(secret, id) || len(id) < 8 {
			t.Fatalf("public id %q of %q", id, secret)
		}
	}
}

func TestTheTimelineIsBoundedAndKeepsBeginningAndEnd(t *testing.T) {
	var tl Timeline
	now := time.Now()
	tl.add(now, FactRequest, "first")
	for range 10 * maxFacts {
		tl.add(now, FactCandidates, "")
	}
	tl.add(now, FactEnd, "last")
	facts, dropped := tl.Facts()
	if len(facts) != maxFacts || facts[0].Detail != "first" || facts[maxFacts-1].Detail != "last" || dropped == 0 {
		t.Errorf("%d facts, %d dropped, from %v to %v", len(facts), dropped, facts[0], facts[len(facts)-1])
	}
}

func TestTheTimelineTellsHowFarASessionGot(t *testing.T) {
	b := newBench(t, nil)
	created := b.publish("")
	infos := b.Sessions()
	if len(infos) != 1 || infos[0].ID != created.PublicID || infos[0].Connected {
		t.Fatalf("%+v", infos)
	}
	kinds := map[FactKind]bool{}
	for _, f := range infos[0].Facts {
		kinds[f.Kind] = true
		if strings.Contains(f.Detail, created.Secret) {
			t.Errorf("a fact tells the secret: %v", f)
		}
	}
	for _, want := range []FactKind{FactRequest, FactOffer, FactAnswer} {
		if !kinds[want] {
			t.Errorf("no fact %q in %+v", want, infos[0].Facts)
		}
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Config{Video: []string{"H263"}}.Validate()
	for _, field := range []string{"handshake_timeout", "lost_after", "remember_for", "sweep_every", "max_sessions", "max_half_open", "video", "audio"} {
		if err == nil || !strings.Contains(err.Error(), "sessions."+field+": ") {
			t.Errorf("no fault for %s in %v", field, err)
		}
	}
}

func TestReachedNamesTheFurthestStep(t *testing.T) {
	now := time.Now()
	var tl Timeline
	for _, step := range []struct {
		kind   FactKind
		detail string
		want   string
	}{
		{FactRequest, "publish", "nothing"},
		{FactAnswer, "", "answer"},
		{FactConnection, "gathered: 1 1 udp 2130706431 10.0.0.1 8190 typ host", "answer"},
		{FactConnection, "ice-checking", "ice-checking"},
		{FactConnection, "dtls-started", "dtls-started"},
		{FactConnected, "35ms after the POST", "connected"},
		{FactFirstPacket, "", "first-packet"},
		{FactConnection, "ice-disconnected", "first-packet"},
	} {
		tl.add(now, step.kind, step.detail)
		if got := tl.reached(); got != step.want {
			t.Errorf("after %s %q: reached %q, want %q", step.kind, step.detail, got, step.want)
		}
	}
}

func TestT80ADeletedSessionIsGoneWhenTheAnswerComes(t *testing.T) {
	b := newBench(t, nil)
	for range 20 {
		created := b.publish("")
		expect(t, b.End(t.Context(), created.Secret, request("")), "")
		if left := b.parts.Router.Channels(); len(left) != 0 {
			t.Fatalf("the channel still has %+v", left)
		}
	}
}
