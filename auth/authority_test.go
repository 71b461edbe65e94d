package auth

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	streamKey = "stream-key-0123456789"
	playKey   = "player-key-0123456789"
	adminKey  = "admin-key-01234567890"
)

// fixedConfig has a fixed token of each kind.
func fixedConfig() Config {
	cfg := DefaultConfig()
	cfg.Tokens = []TokenConfig{
		{Token: streamKey, Publish: true, Channels: []string{"live", "show-*"}},
		{Token: playKey, Play: true, Channels: []string{"*"}, Participant: "kiosk", Name: "Kiosk"},
		{Token: adminKey, Admin: true},
	}
	return cfg
}

func TestAuthorizeClosed(t *testing.T) {
	a := authority(t, fixedConfig(), newClock())
	stream, play, admin := Credential{Token: streamKey}, Credential{Token: playKey}, Credential{Token: adminKey}
	if !a.Required() {
		t.Error("no token is required")
	}
	granted(t, a, stream, Publish, at("live"))
	granted(t, a, stream, Publish, at("show-7", "alice", "screen"))
	granted(t, a, play, Play, at("live"))
	granted(t, a, admin, Admin, at(""))
	granted(t, a, admin, Admin, at("live"))

	tests := []struct {
		name   string
		cred   Credential
		action Action
		place  Place
		want   error
	}{
		{"N-191 T-20 no token", Credential{}, Publish, at("live"), ErrNoToken},
		{"N-192 malformed", Credential{Malformed: true}, Publish, at("live"), ErrMalformed},
		{"N-192 T-21 wrong token", Credential{Token: streamKey + "x"}, Publish, at("live"), ErrBadToken},
		{"N-200 no token from a script", Credential{Token: "undefined"}, Publish, at("live"), ErrBadToken},
		{"a token longer than any", Credential{Token: strings.Repeat("x", MaxTokenBytes+1)}, Publish, at("live"), ErrBadToken},
		{"N-195 T-22 publish with a play token", play, Publish, at("live"), ErrNotAllowed},
		{"N-195 T-22 play with a publish token", stream, Play, at("live"), ErrNotAllowed},
		{"N-195 another channel", stream, Publish, at("liv"), ErrNotAllowed},
		{"no channel at all", play, Play, at(""), ErrNotAllowed},
		{"administer with a publish token", stream, Admin, at("live"), ErrNotAllowed},
		{"publish with an admin token", admin, Publish, at("live"), ErrNotAllowed},
		{"an action nobody knows", admin, Action("dance"), at("live"), ErrNotAllowed},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := a.Authorize(t.Context(), tc.cred, tc.action, tc.place); fmt.Sprint(codeOf(err)) != fmt.Sprint(codeOf(tc.want)) {
				t.Errorf("error = %v, want %v", err, tc.want)
			}
			if _, err := a.Resume(t.Context(), tc.cred, tc.action, tc.place); codeOf(err) != codeOf(tc.want) {
				t.Errorf("Resume: error = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestAuthorizeOpen(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Open = true
	a := authority(t, cfg, newClock())
	if a.Required() {
		t.Error("a token is required")
	}
	for _, cred := range []Credential{{}, {Malformed: true}, {Token: "undefined"}, {Token: "a.b.c"}} { // N-200, T-25
		g := granted(t, a, cred, Publish, at("live"))
		if g.Participant != "main" || g.Subject != "" || !g.Expires.IsZero() {
			t.Errorf("%+v: %+v", cred, g)
		}
		if p := granted(t, a, cred, Publish, at("live", "alice")).Participant; p != "alice" {
			t.Errorf("participant %q", p)
		}
		if p := granted(t, a, cred, Play, at("live", "alice")).Participant; p != "" {
			t.Errorf("a viewer of alice is taken for %q", p)
		}
		granted(t, a, cred, Admin, at(""))
	}
	refused(t, a, Credential{}, Action("dance"), at("live"), ErrNoToken, "")
}

func TestOpenWithTokens(t *testing.T) {
	cfg := fixedConfig()
	cfg.Open = true
	a := authority(t, cfg, newClock())
	if g := granted(t, a, Credential{Token: playKey}, Play, at("live")); g.Participant != "kiosk" || g.Subject == "" {
		t.Errorf("a good token does not tell who it is: %+v", g)
	}
	if g := granted(t, a, Credential{Token: playKey}, Publish, at("live")); g.Subject != "" || g.Participant != "main" {
		t.Errorf("a token that does not allow it still tells who it is: %+v", g)
	}
	refused(t, a, Credential{}, Admin, at(""), ErrNoToken, "token")
	refused(t, a, Credential{Token: streamKey}, Admin, at(""), ErrNotAllowed, "")
	granted(t, a, Credential{Token: adminKey}, Admin, at(""))
}

func TestLoginInOpenModeIsTheParticipant(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Open = true
	a := authority(t, cfg, newClock())
	alice := granted(t, a, Credential{}, Publish, at("live", "alice", "camera")).Login
	if granted(t, a, Credential{Token: "x"}, Publish, at("live", "alice", "screen")).Login != alice {
		t.Error("two sources of one participant are two logins")
	}
	if granted(t, a, Credential{}, Publish, at("live", "bob")).Login == alice {
		t.Error("two participants are one login")
	}
}

func TestFixedTokenExpires(t *testing.T) {
	c := newClock()
	cfg := fixedConfig()
	cfg.Tokens[0].Expires = start.Add(time.Hour)
	a := authority(t, cfg, c)
	if g := granted(t, a, Credential{Token: streamKey}, Publish, at("live")); !g.Expires.Equal(start.Add(time.Hour + time.Minute)) {
		t.Errorf("expires %v", g.Expires)
	}
	c.Add(63 * time.Minute)
	refused(t, a, Credential{Token: streamKey}, Publish, at("live"), ErrTokenExpired, "3 minutes ago")
}

func TestFixedTokenFollowsTheAddress(t *testing.T) {
	a := authority(t, fixedConfig(), newClock())
	cred := Credential{Token: streamKey}
	alice, bob := granted(t, a, cred, Publish, at("live", "alice")), granted(t, a, cred, Publish, at("live", "bob"))
	if alice.Participant != "alice" || bob.Participant != "bob" || alice.Login == bob.Login || alice.Subject != bob.Subject {
		t.Errorf("%+v\n%+v", alice, bob)
	}
	if strings.Contains(fmt.Sprintf("%+v", alice), streamKey) {
		t.Error("the grant shows the token")
	}
}

func TestSameSubject(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	sub := func(sub, jti string) Grant {
		c := all()
		c.Subject, c.ID = sub, jti
		return granted(t, a, signed(t, c), Publish, at("live"))
	}
	first, renewed, other := sub("alice", "1"), sub("alice", "2"), sub("bob", "3")
	if !a.SameSubject(first, first) || !a.SameSubject(first, renewed) {
		t.Error("a newer token of the same subject is somebody else's")
	}
	if a.SameSubject(first, other) || a.SameSubject(first, Grant{}) {
		t.Error("N-196 T-23 another's token acts on the session")
	}
	if !a.SameSubject(Grant{}, Grant{}) || !a.SameSubject(Grant{}, first) {
		t.Error("a session made without a subject belongs to whoever knows its URL")
	}
}

func TestSubjectWithoutSub(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	subject := func(change func(*Claims)) string {
		c := all()
		change(&c)
		return granted(t, a, signed(t, c), Publish, at("live", "p")).Subject
	}
	kinds := map[string]func(*Claims){
		"sub":         func(c *Claims) { c.Subject = "p" },
		"participant": func(c *Claims) { c.Participant = "p" },
		"sid":         func(c *Claims) { c.Session = "p" },
		"jti":         func(c *Claims) { c.ID = "p" },
		"nothing":     func(c *Claims) { c.Name = "p" },
		"issuer":      func(c *Claims) { c.Subject, c.Issuer = "p", "i" },
		"any":         func(c *Claims) { c.Participant = "*" },
	}
	seen := map[string]string{}
	for name, change := range kinds {
		s := subject(change)
		if s == "" || seen[s] != "" {
			t.Errorf("%s: subject %q, as of %s", name, s, seen[s])
		}
		seen[s] = name
		if s != subject(change) {
			t.Errorf("%s: the subject changes", name)
		}
	}
}

func TestAuthorityIsSafeForConcurrentUse(t *testing.T) {
	c := newClock()
	a := authority(t, ownConfig(), c)
	claims := all()
	claims.Once, claims.ID = true, "1"
	cred := signed(t, claims)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 20 {
				g, err := a.Authorize(context.Background(), cred, Publish, at("live"))
				if err != nil {
					t.Error(err)
					return
				}
				leave, err := a.Enter(g)
				if err != nil {
					t.Error(err)
					return
				}
				leave()
			}
		})
	}
	work.Wait()
}
