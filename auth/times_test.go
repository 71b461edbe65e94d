package auth

import (
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	const never = time.Duration(-1)
	tests := []struct {
		name    string
		mode    string
		claims  Claims
		after   time.Duration
		admits  error
		resumes error
		expires time.Duration // of a good grant, after start
	}{
		{name: "no times", claims: Claims{}, after: 1e6 * time.Hour, expires: never},
		{name: "N-201 before exp", claims: Claims{Expires: start.Add(time.Hour)}, after: time.Hour - 1, expires: time.Hour + time.Minute},
		{name: "within the skew", claims: Claims{Expires: start.Add(time.Hour)}, after: time.Hour + time.Minute - 1, expires: time.Hour + time.Minute},
		{name: "N-201 T-21 past exp", claims: Claims{Expires: start.Add(time.Hour)}, after: time.Hour + time.Minute, admits: ErrTokenExpired, resumes: ErrTokenExpired},
		{name: "N-201 before nbf", claims: Claims{NotBefore: start.Add(time.Hour)}, after: time.Hour - time.Minute - 1, admits: ErrBadToken, resumes: ErrBadToken},
		{name: "nbf within the skew", claims: Claims{NotBefore: start.Add(time.Hour)}, after: time.Hour - time.Minute, expires: never},
		{name: "before join_by", claims: Claims{JoinBy: start.Add(time.Hour), Expires: start.Add(9 * time.Hour)}, after: time.Hour, expires: 9*time.Hour + time.Minute},
		{name: "past join_by", claims: Claims{JoinBy: start.Add(time.Hour), Expires: start.Add(9 * time.Hour)}, after: 2 * time.Hour, admits: ErrTokenExpired, expires: 9*time.Hour + time.Minute},
		{name: "past both", claims: Claims{JoinBy: start.Add(time.Hour), Expires: start.Add(2 * time.Hour)}, after: 3 * time.Hour, admits: ErrTokenExpired, resumes: ErrTokenExpired},
		{name: "exp join, before exp", mode: ExpJoin, claims: Claims{Expires: start.Add(time.Hour)}, after: 0, expires: never},
		{name: "exp join, past exp", mode: ExpJoin, claims: Claims{Expires: start.Add(time.Hour)}, after: 2 * time.Hour, admits: ErrTokenExpired, expires: never},
		{name: "exp join, past join_by", mode: ExpJoin, claims: Claims{JoinBy: start.Add(time.Hour), Expires: start.Add(9 * time.Hour)}, after: 2 * time.Hour, admits: ErrTokenExpired, expires: never},
		{name: "exp join, before nbf", mode: ExpJoin, claims: Claims{NotBefore: start.Add(time.Hour)}, admits: ErrBadToken, resumes: ErrBadToken},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := newClock()
			cfg := ownConfig()
			if tc.mode != "" {
				cfg.Exp = tc.mode
			}
			a := authority(t, cfg, c)
			tc.claims.Publish = []string{"*"}
			cred := signed(t, tc.claims)
			c.Add(tc.after)
			_, err := a.Authorize(t.Context(), cred, Publish, at("live"))
			if codeOf(err) != codeOf(tc.admits) {
				t.Errorf("Authorize: %v, want %v", err, tc.admits)
			}
			g, err := a.Resume(t.Context(), cred, Publish, at("live"))
			if codeOf(err) != codeOf(tc.resumes) {
				t.Errorf("Resume: %v, want %v", err, tc.resumes)
			}
			want := start.Add(tc.expires)
			if tc.expires == never || err != nil {
				want = time.Time{}
			}
			if !g.Expires.Equal(want) {
				t.Errorf("expires %v, want %v", g.Expires, want)
			}
			if err == nil && !g.Expires.IsZero() && !g.Expires.After(c.Now()) {
				t.Errorf("a session is granted that has ended")
			}
		})
	}
}

func TestSentencesNameTheRemedy(t *testing.T) {
	c := newClock()
	a := authority(t, ownConfig(), c)
	soon := all()
	soon.NotBefore = start.Add(5 * time.Minute)
	refused(t, a, signed(t, soon), Play, at("live"), ErrBadToken, "good in 5 minutes only")
	cred := signed(t, all())
	c.Add(time.Hour + 3*time.Minute)
	refused(t, a, cred, Play, at("live"), ErrTokenExpired, "The token expired 3 minutes ago; ask for a new one.")
	refused(t, a, Credential{}, Play, at("live"), ErrNoToken, "Authorization: Bearer")
}

// The end of a token counts before its rights: who holds an old token needs a
// new one in any case.
func TestExpiryIsToldFirst(t *testing.T) {
	c := newClock()
	a := authority(t, ownConfig(), c)
	cred := signed(t, Claims{Subject: "alice", Play: []string{"x"}, Expires: start})
	c.Add(time.Hour)
	refused(t, a, cred, Publish, at("live", "bob"), ErrTokenExpired, "1 hour")
}

func TestSkewIsASetting(t *testing.T) {
	c := newClock()
	cfg := ownConfig()
	cfg.Skew = 0
	a := authority(t, cfg, c)
	cred := signed(t, all())
	if g := granted(t, a, cred, Play, at("live")); !g.Expires.Equal(start.Add(time.Hour)) {
		t.Errorf("expires %v", g.Expires)
	}
	c.Add(time.Hour)
	refused(t, a, cred, Play, at("live"), ErrTokenExpired, "less than a second")
}

func TestEarliest(t *testing.T) {
	early, late := start, start.Add(1)
	for _, tc := range []struct {
		times []time.Time
		want  time.Time
	}{
		{nil, time.Time{}},
		{[]time.Time{{}, {}}, time.Time{}},
		{[]time.Time{late, early}, early},
		{[]time.Time{early, {}, late}, early},
		{[]time.Time{{}, late}, late},
	} {
		if got := earliest(tc.times...); !got.Equal(tc.want) {
			t.Errorf("%v: %v", tc.times, got)
		}
	}
}
