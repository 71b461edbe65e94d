package session

import (
	"testing"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

const secondToken = "publish-token-0002"

// N-035: who may stand by is who may publish, with whatever token.
func TestAStandbyMayHaveAnotherToken(t *testing.T) {
	b := newBench(t, func(c *Config, a *auth.Config, r *router.Config) {
		withTokens(c, a, r)
		a.Tokens = append(a.Tokens, auth.TokenConfig{Token: secondToken, Publish: true, Channels: []string{"live"}})
		r.Standby = []string{"live"}
	})
	first := b.publish(pubToken)
	b.publish(secondToken)
	if n := b.Count(); n != 2 {
		t.Fatalf("%d sessions, want both", n)
	}
	_, err := b.Publish(t.Context(), offerOf("obs", otherToken))
	expect(t, err, "not-allowed")
	// Nobody has connected: an attempt is replaced by the next of its login.
	third := b.publish(secondToken)
	if n := b.Count(); n != 2 {
		t.Fatalf("%d sessions after a third POST, want two", n)
	}
	info := b.parts.Router.Channels()[0].Publications[0]
	if info.Session != first.PublicID || len(info.Standbys) != 1 || info.Standbys[0] != third.PublicID {
		t.Errorf("on air %q, in line %q", info.Session, info.Standbys)
	}
}

// T-87, with the policy that nobody configured.
func TestAnotherTokenIsRefusedWhileThePublisherIsThere(t *testing.T) {
	b := newBench(t, func(c *Config, a *auth.Config, r *router.Config) {
		withTokens(c, a, r)
		a.Tokens = append(a.Tokens, auth.TokenConfig{Token: secondToken, Publish: true, Channels: []string{"live"}})
	})
	b.publish(pubToken)
	_, err := b.Publish(t.Context(), offerOf("obs", secondToken))
	expect(t, err, "channel-busy")
	if fault.Of(err).RetryAfter <= 0 {
		t.Error("without Retry-After")
	}
	b.publish(pubToken)
	if n := b.Count(); n != 1 {
		t.Errorf("%d sessions after a takeover, want one", n)
	}
}
