package conformance_test

import (
	"context"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/conformance"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/iceservers"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/router"
)

// scene is the gateway in one configuration, and what is shown about it.
type scene struct {
	name   string
	change func(*testing.T, *gateway.Config)
	target func(*testing.T, *testkit.Gateway, *conformance.Target)
	// only names the cases that this configuration changes; empty means all.
	only string
}

// elsewhere are the cases that wait for timeouts. They pass in fake time, in
// the tests of package gateway, which the names here are looked for in.
var elsewhere = map[string]string{
	"T-61": "TestT61", "T-84": "TestT84", "T-85": "TestT85", "T-86": "TestT86", "N-136": "TestN136",
}

// TestTheGatewayConforms runs every case against the gateway in the
// configurations it is about. None may fail, and none may be skipped in all of
// them.
func TestTheGatewayConforms(t *testing.T) {
	var mu sync.Mutex
	var reports []conformance.Report
	var partly atomic.Bool // this machine lacks what a configuration needs
	t.Run("configurations", func(t *testing.T) {
		for _, s := range scenes() {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				defer func() { partly.Store(partly.Load() || t.Skipped()) }()
				report := s.run(t)
				mu.Lock()
				defer mu.Unlock()
				reports = append(reports, report)
			})
		}
	})
	if t.Failed() || partly.Load() {
		return
	}
	for _, result := range conformance.Merge(reports...).Results {
		if _, shown := elsewhere[result.ID]; result.Outcome == conformance.Skip && !shown {
			t.Errorf("%s was skipped in every configuration: %s", result.ID, result.Note)
		}
	}
}

func (s scene) run(t *testing.T) conformance.Report {
	t.Helper()
	g := testkit.StartGateway(t, func(c *gateway.Config) {
		if s.change != nil {
			s.change(t, c)
		}
	}, func(o *gateway.Options) { o.Log = slog.New(slog.DiscardHandler) }) // thousands of requests
	target := conformance.Target{WHIP: g.WHIP("conf-{}"), WHEP: g.WHEP("conf-{}")}
	if s.target != nil {
		s.target(t, g, &target)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	report, err := conformance.Execute(ctx, target, conformance.Options{Only: strings.Fields(s.only)})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range report.Results {
		if result.Took > 2*time.Second {
			t.Logf("%s took %v", result.ID, result.Took.Round(time.Millisecond))
		}
		if result.Outcome == conformance.Fail {
			t.Errorf("%s", result.Line())
		}
		if s.only != "" && result.Outcome == conformance.Skip {
			t.Errorf("skipped where it should be shown: %s", result.Line())
		}
	}
	return report
}

func scenes() []scene {
	return []scene{
		{name: "open"},
		{name: "tokens", change: signed, target: tokens},
		{name: "waiting channels", only: "T-90 T-38 T-80 T-137",
			change: func(_ *testing.T, c *gateway.Config) { c.Channels.Idle = router.WaitIdle }},
		{name: "no restarts", only: "N-102 T-62 T-74",
			change: func(_ *testing.T, c *gateway.Config) { c.Sessions.NoRestart = true }},
		{name: "no trickle", only: "N-102 T-72 T-60",
			change: func(_ *testing.T, c *gateway.Config) { c.Sessions.NoTrickle = true }},
		{name: "ICE-lite", only: "N-058 T-60 T-62 T-64 T-67 T-69 T-71 T-72 T-73 T-74 T-75 T-76 T-77 T-80 T-88",
			change: func(_ *testing.T, c *gateway.Config) { c.Media.Lite = true }},
		{name: "ICE servers", only: "T-17 N-180 N-090 N-230 T-08", change: iceServers,
			target: func(_ *testing.T, _ *testkit.Gateway, target *conformance.Target) { target.DeadSTUN = true }},
		{name: "ICE servers for tokens", only: "N-180 N-090 T-08",
			change: func(t *testing.T, c *gateway.Config) { signed(t, c); iceServers(t, c) }, target: tokens},
		{name: "eight addresses", only: "T-45 T-46", change: eightAddresses},
		{name: "a forwarded port", only: "T-78 T-45", change: behindForwarder, target: throughForwarder},
		{name: "TLS", only: "N-008 T-01 T-16 N-011 T-60", change: overTLS, target: trustingAll},
		{name: "limits", only: "T-27 T-93 N-117 N-199", target: limited,
			change: func(t *testing.T, c *gateway.Config) { signed(t, c); c.HTTP.LimitLoopback = true }},
		{name: "redirects", only: "T-92",
			change: func(t *testing.T, c *gateway.Config) { c.RedirectPosts = testkit.StartGateway(t, nil).URL() }},
		{name: "a browser", only: "T-11", target: inBrowser},
		{name: "counter-offers", only: "T-100 T-101 T-102 T-103 T-105 W-09 W-10",
			change: func(_ *testing.T, c *gateway.Config) { c.Sessions.CounterOffer = session.CounterAlways }},
		{name: "short counter-offers", only: "T-104",
			change: func(_ *testing.T, c *gateway.Config) {
				c.Sessions.CounterOffer, c.Sessions.CounterOfferValid = session.CounterAlways, time.Second
			}},
		{name: "shutdown", only: "T-91", target: draining},
	}
}

// signingKey signs the tokens of these tests.
var signingKey = []byte("a key of thirty-two bytes or more")

func signed(_ *testing.T, c *gateway.Config) { c.Auth.Own = signingKey }

func sign(t *testing.T, claims auth.Claims) string {
	t.Helper()
	if claims.Expires.IsZero() {
		claims.Expires = time.Now().Add(time.Hour)
	}
	claims.ID = gateway.NewTokenID()
	token, err := auth.Sign(signingKey, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// tokens are all that cases ask for: of a publisher, a player, somebody with
// another channel, somebody else with the same place, and of yesterday.
func tokens(t *testing.T, _ *testkit.Gateway, target *conformance.Target) {
	t.Helper()
	channels := []string{"conf-*"}
	target.Token = sign(t, auth.Claims{Subject: "ann", Participant: "main", Publish: channels})
	target.PlayToken = sign(t, auth.Claims{Subject: "bob", Play: channels})
	target.OtherToken = sign(t, auth.Claims{Subject: "eve", Publish: []string{"other"}, Play: []string{"other"}})
	target.RivalToken = sign(t, auth.Claims{Subject: "mallory", Participant: "main", Publish: channels})
	target.ExpiredToken = sign(t, auth.Claims{Subject: "ann", Publish: channels, Play: channels, Expires: time.Now().Add(-24 * time.Hour)})
}

func limited(t *testing.T, g *testkit.Gateway, target *conformance.Target) {
	t.Helper()
	tokens(t, g, target)
	target.Limited = true
}

// iceServers names a STUN server at an address of documentation, which does not
// answer, and TURN servers whose secrets want escaping.
func iceServers(_ *testing.T, c *gateway.Config) {
	c.ICEServers.Servers = []iceservers.Server{
		{URLs: []string{"stun:192.0.2.200:3478"}},
		{URLs: []string{"turns:turn.example.com:5349?transport=tcp", "turn:turn.example.com:3478?transport=udp"}, Secret: "shared"},
		{URLs: []string{"turn:192.0.2.201"}, Username: `o"brien`, Credential: `back\slash"quote`},
	}
}

func eightAddresses(_ *testing.T, c *gateway.Config) {
	c.Media.PublicAddresses = []string{
		"127.0.0.1", "198.51.100.2", "198.51.100.3", "198.51.100.4",
		"198.51.100.5", "198.51.100.6", "198.51.100.7", "198.51.100.8",
	}
}

// draining empties the gateway, and ends it a moment later.
func draining(_ *testing.T, g *testkit.Gateway, target *conformance.Target) {
	target.Drain = func(context.Context) error {
		g.Drain()
		time.AfterFunc(500*time.Millisecond, g.Close)
		return nil
	}
}

// TestSlowCasesAreShownInFakeTime keeps the promise of elsewhere.
func TestSlowCasesAreShownInFakeTime(t *testing.T) {
	source, err := os.ReadFile("../gateway/timeouts_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for id, name := range elsewhere {
		if !regexp.MustCompile(`(?m)^func ` + name + `\w*\(t \*testing\.T\)`).Match(source) {
			t.Errorf("%s is shown nowhere: there is no test %s…", id, name)
		}
	}
	for _, c := range conformance.Cases() {
		if _, named := elsewhere[c.ID]; !named && c.Slow() {
			t.Errorf("%s waits for timeouts, but is not shown in fake time", c.ID)
		}
	}
}

func TestCasesAreWellFormed(t *testing.T) {
	var ids []string
	for _, c := range conformance.Cases() {
		if slices.Contains(ids, c.ID) {
			t.Errorf("%s is there twice", c.ID)
		}
		ids = append(ids, c.ID)
		if c.Clause == "" || len(c.Proves) == 0 || !strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s lacks a clause, a requirement or a sentence", c.ID)
		}
	}
}
