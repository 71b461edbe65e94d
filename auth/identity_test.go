package auth

import "testing"

func TestParticipant(t *testing.T) {
	const refusedAs = "-"
	long := "https://id.example/users/42"
	tests := []struct {
		name             string
		claims           Claims
		action           Action
		named            string
		want             string
		participantClaim string
	}{
		{name: "claim", claims: Claims{Participant: "alice", Subject: "x"}, action: Publish, want: "alice"},
		{name: "claim and the same address", claims: Claims{Participant: "alice"}, action: Publish, named: "alice", want: "alice"},
		{name: "claim and another address", claims: Claims{Participant: "alice"}, action: Publish, named: "bob", want: refusedAs},
		{name: "sub that is a name", claims: Claims{Subject: "alice"}, action: Publish, want: "alice"},
		{name: "sub and another address", claims: Claims{Subject: "alice"}, action: Publish, named: "bob", want: refusedAs},
		{name: "sub that is no name", claims: Claims{Subject: long}, action: Publish, want: nameOf(long)},
		{name: "sub that is no name, in the address", claims: Claims{Subject: long}, action: Publish, named: nameOf(long), want: nameOf(long)},
		{name: "no subject, address", action: Publish, named: "bob", want: "bob"},
		{name: "no subject, no address", action: Publish, want: "main"},
		{name: "anyone, address", claims: Claims{Participant: "*", Subject: "node-1"}, action: Publish, named: "bob", want: "bob"},
		{name: "anyone, no address", claims: Claims{Participant: "*", Subject: "node-1"}, action: Publish, want: "node-1"},
		{name: "anyone, nothing else", claims: Claims{Participant: "*"}, action: Publish, want: "main"},
		{name: "letter case matters", claims: Claims{Subject: "alice"}, action: Publish, named: "Alice", want: refusedAs},
		{name: "viewer with a subject watches another", claims: Claims{Subject: "alice"}, action: Play, named: "bob", want: "alice"},
		{name: "viewer with a claim", claims: Claims{Participant: "alice"}, action: Play, want: "alice"},
		{name: "viewer without a subject", action: Play, named: "bob", want: ""},
		{name: "viewer who may be anyone", claims: Claims{Participant: "*"}, action: Play, named: "bob", want: ""},
	}
	a := authority(t, ownConfig(), newClock())
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			tc.claims.Publish, tc.claims.Play = []string{"*"}, []string{"*"}
			cred := signed(t, tc.claims)
			if tc.want == refusedAs {
				refused(t, a, cred, tc.action, at("live", tc.named), ErrWrongParticipant, `"alice"`)
				return
			}
			if got := granted(t, a, cred, tc.action, at("live", tc.named)).Participant; got != tc.want {
				t.Errorf("participant %q, want %q", got, tc.want)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	login := func(c Claims, place Place) string {
		c.Publish = []string{"*"}
		return granted(t, a, signed(t, c), Publish, place).Login
	}
	base := Claims{Subject: "alice", Session: "s", ID: "1"}
	tests := []struct {
		name string
		a, b Claims
		same bool
	}{
		{"sid makes tokens one login", base, Claims{Subject: "alice", Session: "s", ID: "2"}, true},
		{"another sid", base, Claims{Subject: "alice", Session: "t", ID: "1"}, false},
		{"jti without sid", Claims{Subject: "alice", ID: "1"}, Claims{Subject: "alice", ID: "1", Name: "x"}, true},
		{"another jti", Claims{Subject: "alice", ID: "1"}, Claims{Subject: "alice", ID: "2"}, false},
		{"the token itself", Claims{Subject: "alice"}, Claims{Subject: "alice"}, true},
		{"another token", Claims{Subject: "alice"}, Claims{Subject: "alice", Name: "x"}, false},
		{"sid and jti are not mixed up", Claims{Subject: "alice", Session: "1"}, Claims{Subject: "alice", ID: "1"}, false},
		{"another participant", base, Claims{Subject: "bob", Session: "s"}, false},
		{"another issuer", base, Claims{Issuer: "i", Subject: "alice", Session: "s"}, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if (login(tc.a, at("live")) == login(tc.b, at("live"))) != tc.same {
				t.Errorf("same login is not %v", tc.same)
			}
		})
	}
	if login(base, at("live", "alice", "camera")) != login(base, at("other", "alice", "screen")) {
		t.Error("sources are different logins")
	}
}

func TestGrantCarriesNameAndTags(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	c := all()
	c.Name, c.Tags = "Alice <b>", map[string]string{"role": "host"}
	g := granted(t, a, signed(t, c), Play, at("live"))
	if g.DisplayName != c.Name || g.Tags["role"] != "host" || len(g.Tags) != 1 {
		t.Errorf("%+v", g)
	}
}
