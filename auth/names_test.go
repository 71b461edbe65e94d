package auth

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"live": true, "a b": true, "!#$%&()+-:;<=.,>?@[]^_{|}~\"": true, "...a": true, strings.Repeat("x", 64): true,
		"": false, " a": false, "a ": false, ".": false, "..": false, "...": false, "a/b": false, "a*": false, "a'b": false,
		"a`b": false, `a\b`: false, "é": false, "a\n": false, strings.Repeat("x", 65): false,
	} {
		if isName(name) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}

func TestPatternsMatch(t *testing.T) {
	tests := []struct {
		pattern, channel string
		want             bool
	}{
		{"live", "live", true},
		{"live", "live2", false},
		{"live", "Live", false},
		{"live*", "live", true},
		{"live*", "live2", true},
		{"live*", "xlive", false},
		{"*", "anything", true},
		{"*", "", false},
		{"", "", false},
		{"", "a", false},
		{"a*b", "a*b", false},
		{"a*b", "axb", false},
		{"**", "x", false},
		{"*a", "ba", false},
		{"li?e", "live", false},
		{"[a-z]*", "live", false},
	}
	for _, tc := range tests {
		if got := (patterns{"other", tc.pattern}).match(tc.channel); got != tc.want {
			t.Errorf("%q on %q: %v", tc.pattern, tc.channel, got)
		}
	}
	if (patterns)(nil).match("a") {
		t.Error("no pattern matches")
	}
}

func TestDigestKeepsListsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[ab\x00]{0,2}`), 0, 4)
		a, b := words.Draw(t, "a"), words.Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = a[i] == b[i]
		}
		if (digest(a...) == digest(b...)) != same {
			t.Fatalf("%q and %q", a, b)
		}
	})
}

func TestNameOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		subject := rapid.String().Draw(t, "subject")
		name := nameOf(subject)
		switch {
		case subject == "" && name != "":
			t.Fatal("nobody has a name")
		case subject != "" && !isName(name):
			t.Fatalf("%q becomes %q, which is none", subject, name)
		case isName(subject) && name != subject:
			t.Fatalf("%q becomes %q", subject, name)
		}
	})
	// The first 22 characters of base64url(SHA-256(sub)), by openssl.
	if got, want := nameOf("https://example.org/42"), "BwUnDEh-j6QzE-sBc9tOBM"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSpoken(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "less than a second",
		-time.Hour:                      "less than a second",
		time.Second:                     "1 second",
		59*time.Second + time.Second/2:  "59 seconds",
		3*time.Minute + 59*time.Second:  "3 minutes",
		time.Hour:                       "1 hour",
		47 * time.Hour:                  "1 day",
		400 * 24 * time.Hour:            "400 days",
		time.Minute + time.Second - 999: "1 minute",
	} {
		if got := spoken(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
