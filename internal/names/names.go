package names

import (
	"crypto/rand"
	"net/url"
	"strings"

	"github.com/headgate/headgate/internal/fault"
)

// MaxBytes is the longest name.
const MaxBytes = 64

// maxSegments bounds what Split looks at; no address has more names than three.
const maxSegments = 8

// ErrBad refuses what cannot be a name.
var ErrBad = fault.New(fault.Invalid, "bad-name",
	"A name is 1 to 64 letters, digits, spaces or "+punctuation+", without a space at either end, and not dots alone.")

// punctuation is what a name may have besides letters, digits and space.
const punctuation = "!#$%&()+-:;<=.,>?@[]^_{|}~\""

// Valid returns nil if name can be a channel, a participant or a source, and
// otherwise ErrBad with what is wrong about it.
func Valid(name string) error {
	switch {
	case name == "":
		return ErrBad.Because("A name is missing or empty; the address is /whip/CHANNEL or /whep/CHANNEL, without a slash at the end.")
	case len(name) > MaxBytes:
		return ErrBad.Because("The name is %d bytes long; at most %d are allowed.", len(name), MaxBytes)
	case name[0] == ' ' || name[len(name)-1] == ' ':
		return ErrBad.Because("The name begins or ends with a space; leave the space out.")
	case strings.Trim(name, ".") == "":
		return ErrBad.Because("The name consists of dots alone; choose another.")
	}
	for i := range len(name) {
		if !allowed(name[i]) {
			return ErrBad
		}
	}
	return nil
}

func allowed(c byte) bool {
	return isAlphanumeric(c) || c == ' ' || strings.IndexByte(punctuation, c) >= 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Split cuts the escaped path behind a route's prefix, for example "live/ann",
// into names. Each segment is unescaped exactly once and must then be Valid, so
// an escaped slash, a doubly escaped one, ".." in any spelling, empty segments
// and a slash at either end are refused with ErrBad. It never looks at a name
// that is not wholly legal, so what it returns survives Join and Split again.
func Split(escapedPath string) ([]string, error) {
	segments := strings.Split(escapedPath, "/")
	if len(segments) > maxSegments {
		return nil, ErrBad.Because("The address has too many segments; it names a channel, a participant and a source at most.")
	}
	for i, s := range segments {
		name, err := url.PathUnescape(s)
		if err != nil {
			return nil, ErrBad.Because("The address has a percent sign that is not followed by two hexadecimal digits; write %%25 for a percent sign.")
		}
		if err := Valid(name); err != nil {
			return nil, err
		}
		segments[i] = name
	}
	return segments, nil
}

// Join writes names into a path without a slash at either end. Everything but
// RFC 3986's unreserved characters is escaped, so the result can be pasted into
// a shell and means the same to every decoder.
func Join(segments ...string) string {
	var b strings.Builder
	for i, s := range segments {
		if i > 0 {
			b.WriteByte('/')
		}
		escape(&b, s)
	}
	return b.String()
}

func escape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if isAlphanumeric(c) || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
}

// GuestID invents a participant id for somebody without a token: "guest-" and
// eight random characters.
func GuestID() string {
	return "guest-" + strings.ToLower(rand.Text()[:8])
}
