package auth

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// onceClaims admit one login; the participant comes from the address, so that
// one token can be tried for several logins.
func onceClaims() Claims {
	c := all()
	c.ID, c.Once, c.Participant = "ticket", true, "*"
	return c
}

// enter asks and books, as a session does.
func enter(t *testing.T, a *Authority, cred Credential, place Place) (leave func(), err error) {
	t.Helper()
	g, err := a.Authorize(t.Context(), cred, Publish, place)
	if err != nil {
		return nil, err
	}
	return a.Enter(g)
}

func mustEnter(t *testing.T, a *Authority, cred Credential, place Place) (leave func()) {
	t.Helper()
	leave, err := enter(t, a, cred, place)
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

func TestOnceAdmitsOneLogin(t *testing.T) {
	c := newClock()
	a := authority(t, ownConfig(), c)
	cred := signed(t, onceClaims())
	camera := mustEnter(t, a, cred, at("live", "alice", "camera"))
	screen := mustEnter(t, a, cred, at("live", "alice", "screen")) // sources add up

	_, err := enter(t, a, cred, at("live", "bob"))
	mustBe(t, err, ErrTokenReplayed, "new one")

	camera()
	camera() // again does nothing
	c.Add(30 * time.Minute)
	mustEnter(t, a, cred, at("live", "alice", "camera"))()
	screen()
	c.Add(time.Minute - 1)
	again := mustEnter(t, a, cred, at("live", "alice")) // an encoder reconnects within the linger time
	_, err = enter(t, a, cred, at("live", "bob"))
	mustBe(t, err, ErrTokenReplayed, "")

	again()
	c.Add(time.Minute)
	_, err = enter(t, a, cred, at("live", "alice"))
	mustBe(t, err, ErrTokenReplayed, "new one")
}

func TestOnceOtherTokensAreFree(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	one, two := onceClaims(), onceClaims()
	two.ID = "another"
	mustEnter(t, a, signed(t, one), at("live", "alice"))
	mustEnter(t, a, signed(t, two), at("live", "bob"))
	issuer := onceClaims()
	issuer.Issuer = "elsewhere"
	mustEnter(t, a, signed(t, issuer), at("live", "carol"))
}

func TestOnceSameTicketOtherLogin(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	first, second := onceClaims(), onceClaims()
	first.Session, second.Session = "one", "two"
	mustEnter(t, a, signed(t, first), at("live", "alice"))
	_, err := enter(t, a, signed(t, second), at("live", "alice"))
	mustBe(t, err, ErrTokenReplayed, "")
}

func TestEnterWithoutOnceCountsNothing(t *testing.T) {
	c := newClock()
	a := authority(t, ownConfig(), c)
	claims := all()
	claims.Participant = "*"
	cred := signed(t, claims)
	for i := range 3 {
		leave := mustEnter(t, a, cred, at("live", fmt.Sprint("p", i)))
		leave()
		leave()
	}
	if len(a.logins.byToken) != 0 {
		t.Error("something is remembered")
	}
}

func TestOnceOutlivesJoinBy(t *testing.T) {
	c := newClock()
	a := authority(t, ownConfig(), c)
	claims := onceClaims()
	claims.JoinBy, claims.Expires = start.Add(time.Minute), time.Time{}
	cred := signed(t, claims)
	leave := mustEnter(t, a, cred, at("live", "alice"))
	c.Add(time.Hour)
	screen := mustEnter(t, a, cred, at("live", "alice", "screen")) // the login is in
	refused(t, a, cred, Publish, at("live", "bob"), ErrTokenExpired, "")
	leave()
	screen()
	c.Add(30 * time.Second)
	mustEnter(t, a, cred, at("live", "alice"))()
	c.Add(time.Minute)
	refused(t, a, cred, Publish, at("live", "alice"), ErrTokenExpired, "")
}

func TestOnceIsForgottenWhenItIsOfNoUse(t *testing.T) {
	c := newClock()
	a := authority(t, ownConfig(), c)
	a.logins.sweepAt = 4
	ticket := func(i int, life time.Duration) Grant {
		return Grant{Once: fmt.Sprint(i), Login: "l", admits: c.Now().Add(life)}
	}
	for i := range 3 { // over, but could be tried again for an hour
		leave, err := a.Enter(ticket(i, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		leave()
	}
	if _, err := a.Enter(ticket(3, time.Second)); err != nil { // stays in
		t.Fatal(err)
	}
	c.Add(30 * time.Minute)
	_, _ = a.Enter(ticket(4, time.Hour))
	if n := len(a.logins.byToken); n != 5 {
		t.Fatalf("%d tickets remembered, want all 5", n)
	}
	a.logins.sweepAt = 4
	c.Add(time.Hour)
	_, _ = a.Enter(ticket(5, time.Hour))
	if n := len(a.logins.byToken); n != 3 {
		t.Errorf("%d tickets remembered, want the 3 that are in", n)
	}
}

func TestOnceIsBounded(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	for i := range maxLogins {
		if _, err := a.Enter(Grant{Once: fmt.Sprint(i), Login: "l", admits: start.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := a.Enter(Grant{Once: "one more", Login: "l"})
	mustBe(t, err, errTooManyLogins, "later")
	if _, err := a.Enter(Grant{Once: "7", Login: "l"}); err != nil {
		t.Errorf("whoever is in cannot add a source: %v", err)
	}
}

// TestOnceModel compares with the sentence of the design: one login while one of
// its sessions lives, and for the linger time after it.
func TestOnceModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		s := newLogins(time.Minute, c.Now)
		var owner string
		var over time.Time
		var leaves []func()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				c.Add(time.Duration(rapid.IntRange(1, 70).Draw(t, "seconds")) * time.Second)
			case 1:
				if len(leaves) > 0 {
					leaves[0]()
					if leaves = leaves[1:]; len(leaves) == 0 {
						over = c.Now().Add(time.Minute)
					}
				}
			default:
				who := rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "who")
				g := Grant{Once: "ticket", Login: who, admits: start.Add(time.Hour)}
				may := owner == "" || owner == who && (len(leaves) > 0 || c.Now().Before(over))
				if isIn := owner != "" && may; s.isIn(g) != isIn {
					t.Fatalf("isIn is not %v", isIn)
				}
				leave, err := s.enter(g)
				if (err == nil) != may {
					t.Fatalf("%s: %v, want %v", who, err, may)
				}
				if may {
					owner, leaves = who, append(leaves, leave)
				}
			}
		}
	})
}
