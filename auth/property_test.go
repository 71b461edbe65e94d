package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoTokenGrantsMoreThanItsClaims compares with a second reading of the
// claims that shares no code with the first.
func TestNoTokenGrantsMoreThanItsClaims(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "ab", "abc", "b", "main"})
	pattern := rapid.SampledFrom([]string{"a", "ab", "a*", "ab*", "*", "b"})
	second := rapid.Int64Range(-200, 200)
	when := func(t *rapid.T, label string) time.Time {
		if rapid.Bool().Draw(t, "has "+label) {
			return start.Add(time.Duration(second.Draw(t, label)) * time.Second)
		}
		return time.Time{}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := Claims{
			Subject:     rapid.SampledFrom([]string{"", "a", "b", "no/name"}).Draw(t, "sub"),
			Participant: rapid.SampledFrom([]string{"", "a", "b", "*"}).Draw(t, "participant"),
			Publish:     rapid.SliceOfN(pattern, 0, 2).Draw(t, "publish"),
			Play:        rapid.SliceOfN(pattern, 0, 2).Draw(t, "play"),
			Admin:       rapid.Bool().Draw(t, "admin"),
			Expires:     when(t, "exp"), NotBefore: when(t, "nbf"), JoinBy: when(t, "join_by"),
		}
		cfg := ownConfig()
		cfg.Exp = rapid.SampledFrom([]string{ExpSession, ExpJoin}).Draw(t, "mode")
		a, err := New(cfg, newClock().Now)
		if err != nil {
			t.Fatal(err)
		}
		token, err := Sign(ownKey, c)
		if err != nil {
			t.Fatal(err)
		}
		action := rapid.SampledFrom([]Action{Publish, Play, Admin}).Draw(t, "action")
		place := Place{Channel: name.Draw(t, "channel"), Participant: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "named")}
		admission := rapid.Bool().Draw(t, "admission")
		ask := a.Resume
		if admission {
			ask = a.Authorize
		}
		g, err := ask(context.Background(), Credential{Token: token}, action, place)
		want := isGood(c, cfg.Exp, admission) && hasRight(c, action, place.Channel) && isWho(c, action, place.Participant)
		if (err == nil) != want {
			t.Fatalf("error = %v, want granted %v", err, want)
		}
		if err == nil {
			checkGrant(t, g, c, cfg.Exp, action, place)
		}
	})
}

func isGood(c Claims, mode string, admission bool) bool {
	over := func(end time.Time) bool { return !end.IsZero() && start.Sub(end) >= time.Minute }
	isEnd := mode == ExpSession || admission
	return c.NotBefore.Sub(start) <= time.Minute && !(isEnd && over(c.Expires)) && !(admission && over(c.JoinBy))
}

func hasRight(c Claims, action Action, channel string) bool {
	list := map[Action][]string{Publish: c.Publish, Play: c.Play}[action]
	for _, p := range list {
		if p == channel || strings.HasSuffix(p, "*") && strings.HasPrefix(channel, p[:len(p)-1]) {
			return true
		}
	}
	return action == Admin && c.Admin
}

func isWho(c Claims, action Action, named string) bool {
	bound := c.Participant != "" || c.Subject != ""
	switch {
	case action != Publish || named == "" || !bound || c.Participant == "*":
		return true
	case c.Participant != "":
		return c.Participant == named
	}
	return c.Subject == named
}

func checkGrant(t *rapid.T, g Grant, c Claims, mode string, action Action, place Place) {
	switch {
	case c.Participant != "" && c.Participant != "*" && g.Participant != c.Participant:
		t.Fatalf("participant %q", g.Participant)
	case action == Publish && place.Participant != "" && g.Participant != place.Participant:
		t.Fatalf("participant %q at %q", g.Participant, place.Participant)
	case action == Publish && g.Participant == "":
		t.Fatal("a publisher is nobody")
	case g.Subject == "" || g.Login == "" || g.Once != "":
		t.Fatalf("%+v", g)
	case mode == ExpSession && !c.Expires.IsZero() && !g.Expires.Equal(c.Expires.Add(time.Minute)):
		t.Fatalf("expires %v", g.Expires)
	case mode == ExpJoin && !g.Expires.IsZero():
		t.Fatalf("expires %v", g.Expires)
	}
}

// TestNoForgedTokenIsBelieved changes one character of a good token.
func TestNoForgedTokenIsBelieved(t *testing.T) {
	a, err := New(ownConfig(), newClock().Now)
	if err != nil {
		t.Fatal(err)
	}
	good, err := Sign(ownKey, all())
	if err != nil {
		t.Fatal(err)
	}
	want, err := a.Authorize(context.Background(), Credential{Token: good}, Publish, at("live"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(good)-1).Draw(t, "at")
		c := rapid.SampledFrom([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=")).Draw(t, "character")
		forged := good[:i] + string(c) + good[i+1:]
		g, err := a.Authorize(context.Background(), Credential{Token: forged}, Publish, at("live"))
		switch {
		case err == nil && g.Login != want.Login:
			t.Fatalf("%q is granted %+v", forged, g)
		case err != nil && !errors.Is(err, ErrBadToken):
			t.Fatal(err)
		}
	})
}
