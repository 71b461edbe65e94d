package auth

import (
	"fmt"
	"strings"
	"testing"
)

func TestCredentialFrom(t *testing.T) {
	malformed := Credential{Malformed: true}
	tests := []struct {
		name, header string
		raw          bool
		want         Credential
	}{
		{"none", "", false, Credential{}},
		{"spaces only", "  ", false, Credential{}},
		{"RFC 6750 2.1", "Bearer mF_9.B5f-4.1JqM", false, Credential{Token: "mF_9.B5f-4.1JqM"}},
		{"N-193 T-24 the scheme has no case", "bEaReR abc", false, Credential{Token: "abc"}},
		{"N-193 all characters of b64token", "Bearer aZ09-._~+/==", false, Credential{Token: "aZ09-._~+/=="}},
		{"more spaces than one", " Bearer   abc\t", false, Credential{Token: "abc"}},
		{"N-200 a client without a key", "Bearer undefined", false, Credential{Token: "undefined"}},
		{"another scheme", "Basic dXNlcjpwYXNz", false, malformed},
		{"another scheme, raw allowed", "Basic dXNlcjpwYXNz", true, malformed},
		{"scheme only", "Bearer", false, malformed},
		{"scheme only, raw allowed", "Bearer", true, malformed},
		{"scheme and a space", "Bearer ", true, malformed},
		{"two tokens", "Bearer abc def", false, malformed},
		{"a comma", "Bearer abc,def", false, malformed},
		{"= inside", "Bearer a=b", false, malformed},
		{"only =", "Bearer ===", false, malformed},
		{"not ASCII", "Bearer äbc", false, malformed},
		{"a control character", "Bearer abc\x00", false, malformed},
		{"N-200 raw token, not allowed", "abc.def", false, malformed},
		{"N-200 raw token, allowed", "abc.def", true, Credential{Token: "abc.def"}},
		{"raw token with a bad character", "abc,def", true, malformed},
		{"longest", "Bearer " + strings.Repeat("x", MaxTokenBytes), false, Credential{Token: strings.Repeat("x", MaxTokenBytes)}},
		{"too long", "Bearer " + strings.Repeat("x", MaxTokenBytes+1), false, malformed},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := CredentialFrom(tc.header, tc.raw); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func FuzzCredentialFrom(f *testing.F) {
	f.Add("Bearer abc", false)
	f.Add("abc", true)
	f.Fuzz(func(t *testing.T, header string, raw bool) {
		c := CredentialFrom(header, raw)
		if c.Malformed && c.Token != "" {
			t.Fatalf("%+v is both", c)
		}
		if c.Token != "" && (!isB64Token(c.Token) || !strings.Contains(header, c.Token)) {
			t.Fatalf("%+v out of %q", c, header)
		}
		if c == (Credential{}) && strings.Trim(header, " \t") != "" {
			t.Fatalf("%q is taken for nothing", header)
		}
		if again := CredentialFrom("Bearer "+c.Token, false); c.Token != "" && again != c {
			t.Fatalf("%+v, %+v", c, again)
		}
	})
}

func TestSecretIsNotShown(t *testing.T) {
	c := TokenConfig{Token: "hush-hush-hush-hush"}
	text, _ := c.Token.MarshalText()
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %q %s", c, c, c.Token, c.Token), string(text), c.Token.LogValue().String()} {
		if strings.Contains(s, "hush") || !strings.Contains(s, "hidden") {
			t.Errorf("shown: %s", s)
		}
	}
	if Secret("").String() != "" {
		t.Error("no secret looks like one")
	}
}
