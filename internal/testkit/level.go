package testkit

import (
	"regexp"
	"strconv"
)

// levelURI names the audio level of a client (RFC 6464).
const levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

var levelLine = regexp.MustCompile(`(?m)^a=extmap:(\d+) ` + regexp.QuoteMeta(levelURI))

// levelIn is the id of that extension in a description, 0 for none.
func levelIn(sdp string) uint8 {
	m := levelLine.FindStringSubmatch(sdp)
	if m == nil {
		return 0
	}
	id, _ := strconv.ParseUint(m[1], 10, 8) // what is none is 0
	return uint8(id)
}
