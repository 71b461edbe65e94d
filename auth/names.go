package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// anyone is the participant claim that allows every participant.
const anyone = "*"

const maxNameBytes = 64

// isName is the name rule of channels and participants.
func isName(s string) bool {
	if s == "" || len(s) > maxNameBytes || s != strings.Trim(s, " ") || strings.Trim(s, ".") == "" {
		return false
	}
	return hasNameBytes(s)
}

func hasNameBytes(s string) bool {
	for i := range len(s) {
		c := s[i]
		isAlnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !isAlnum && strings.IndexByte(" !#$%&()+-:;<=.,>?@[]^_{|}~\"", c) < 0 {
			return false
		}
	}
	return true
}

// isPattern reports whether s is a name, prefix* or *.
func isPattern(s string) bool {
	prefix, isPrefix := strings.CutSuffix(s, "*")
	if isPrefix {
		return len(prefix) <= maxNameBytes && hasNameBytes(prefix)
	}
	return isName(s)
}

// patterns are channel patterns; those that are none match nothing.
type patterns []string

func (p patterns) match(channel string) bool {
	if channel == "" {
		return false
	}
	for _, pattern := range p {
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		switch {
		case !isPattern(pattern):
		case isPrefix && strings.HasPrefix(channel, prefix), pattern == channel:
			return true
		}
	}
	return false
}

// digest names a list of texts by 22 characters. The lengths keep lists apart
// whose texts joined are the same.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:22]
}

// nameOf makes a participant id of a subject.
func nameOf(subject string) string {
	if subject == "" || isName(subject) {
		return subject
	}
	sum := sha256.Sum256([]byte(subject))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:22]
}
