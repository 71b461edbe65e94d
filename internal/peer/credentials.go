package peer

import (
	"strings"

	"github.com/headgate/headgate/internal/fault"
)

// ErrBadCredentials refuses ICE credentials that RFC 8839 section 5.4 does not
// allow.
var ErrBadCredentials = fault.New(fault.Invalid, "bad-ice-credentials",
	"ice-ufrag needs 4 to 256 and ice-pwd 22 to 256 letters, digits, + or /.")

func checkCredentials(ufrag, pwd string) error {
	if len(ufrag) < 4 || len(ufrag) > 256 || len(pwd) < 22 || len(pwd) > 256 ||
		!iceChars(ufrag) || !iceChars(pwd) {
		return ErrBadCredentials
	}
	return nil
}

func iceChars(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '+' || r == '/')
	})
}

// offerCredentials finds the first ICE credentials of an offer, all of whose
// sections share one transport.
func offerCredentials(sdp string) (ufrag, pwd string) {
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && ufrag == "" {
			ufrag = v
		}
		if v, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok && pwd == "" {
			pwd = v
		}
	}
	return ufrag, pwd
}
