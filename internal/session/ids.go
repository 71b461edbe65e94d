package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// newSecret returns an id of 130 random bits in letters and digits that never
// spells "http", because some clients look for that word in a Location.
func newSecret() string {
	for {
		s := strings.ToLower(rand.Text())
		if !strings.Contains(s, "http") {
			return s
		}
	}
}

// publicID returns the id that stands for a secret one where others can see it.
func publicID(secret string) string {
	sum := sha256.Sum256([]byte("headgate public id\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// newETag returns the entity-tag of a new ICE generation, with its quotes.
func newETag() string { return `"` + strings.ToLower(rand.Text()) + `"` }
