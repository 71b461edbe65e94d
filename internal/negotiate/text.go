package negotiate

import (
	"bytes"
	"unicode/utf8"

	"github.com/headgate/headgate/internal/fault"
)

// Bounds on what is read at all. A browser's offer with every codec, three
// simulcast layers and a dozen candidates has about 12 KiB, 250 lines and three
// sections; one for slots has some 7 KiB for each of them.
const (
	// MaxOfferBytes is the size of the largest offer that is read: 32 slots of a
	// browser.
	MaxOfferBytes = 256 << 10
	// MaxSections is the largest number of media sections that is read.
	MaxSections = 80

	maxLineBytes = 4096
)

// checkText refuses what must not reach the parser: it costs one pass over the
// bytes, whatever they are.
func checkText(text []byte) *fault.Error {
	switch {
	case len(text) == 0:
		return ErrBadOffer.Because("The body is empty; send an SDP offer.")
	case len(text) > MaxOfferBytes:
		return ErrBadOffer.Because("The offer is larger than %d bytes; leave out codecs and candidates.", MaxOfferBytes)
	case !bytes.HasPrefix(text, []byte("v=0")):
		return ErrBadOffer.Because("The body is not SDP: it has to begin with v=0.")
	case !utf8.Valid(text):
		return ErrBadOffer.Because("The offer is not valid UTF-8.")
	}
	return checkLines(text)
}

func checkLines(text []byte) *fault.Error {
	sections := 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		if bytes.HasPrefix(line, []byte("m=")) {
			sections++
		}
		switch {
		case sections > MaxSections:
			return ErrBadOffer.Because("The offer has more than %d media sections.", MaxSections)
		case len(line) > maxLineBytes:
			return ErrBadOffer.Because("The offer has a line of more than %d bytes.", maxLineBytes)
		case bytes.ContainsFunc(line, isControl):
			return ErrBadOffer.Because("The offer contains control characters.")
		}
	}
	return nil
}

// isControl is true for what has no place inside a line; tabs are tolerated.
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// isToken tells whether s is a token (RFC 8866 section 9) of at most limit
// bytes.
func isToken(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return true
}

func isTokenByte(c byte) bool {
	if c <= ' ' || c >= 0x7f {
		return false
	}
	switch c {
	case '"', '(', ')', ',', '/', ':', ';', '<', '=', '>', '?', '@', '[', '\\', ']':
		return false
	}
	return true
}
