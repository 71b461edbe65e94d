package auth

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// RFC 8725 3.1: a key belongs to one algorithm, whatever a verifier would make
// of it.
func TestKeyFits(t *testing.T) {
	tests := []struct {
		name string
		key  key
		alg  jose.SignatureAlgorithm
		id   string
		want bool
	}{
		{"same", key{id: "a", alg: jose.RS256}, jose.RS256, "a", true},
		{"another algorithm of the same kind of key", key{alg: jose.RS256}, jose.PS256, "", false},
		{"a secret for a public key", key{alg: jose.RS256}, jose.HS256, "", false},
		{"another id", key{id: "a", alg: jose.ES256}, jose.ES256, "b", false},
		{"a token without an id", key{id: "a", alg: jose.ES256}, jose.ES256, "", true},
		{"a key without an id", key{alg: jose.ES256}, jose.ES256, "b", true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.key.fits(tc.alg, tc.id); got != tc.want {
				t.Errorf("fits = %v", got)
			}
		})
	}
	for _, alg := range algorithms {
		if alg == "none" || alg == "" {
			t.Errorf("N-201 %q is allowed", alg)
		}
	}
}
