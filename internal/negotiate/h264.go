package negotiate

import (
	"strconv"
	"strings"
)

// h264Profile is a profile of H.264 as far as payload types are told apart by
// it, in the order in which receivers are likely to cope with it.
type h264Profile uint8

const (
	constrainedBaseline h264Profile = iota
	baseline
	mainProfile
	constrainedHigh
	high
	otherProfile
)

// h264Mode returns the packetization mode; absent means 0 (RFC 6184 section 8.1).
func h264Mode(fmtp string) string { return parameterOr(fmtp, "packetization-mode", "0") }

// h264ProfileOf reads profile-level-id leniently. An absent or unreadable one is
// baseline (RFC 6184 section 8.1). FFmpeg 8.0 prints its constrained flag into
// the middle, which gives seven digits: 4220020.
func h264ProfileOf(fmtp string) h264Profile {
	id := parameter(fmtp, "profile-level-id")
	if len(id) == 7 && strings.HasPrefix(id, "42200") {
		return constrainedBaseline
	}
	n, err := strconv.ParseUint(id, 16, 32)
	if err != nil || len(id) != 6 {
		return baseline
	}
	return h264ProfileFor(byte(n>>16), byte(n>>8))
}

// h264ProfileFor maps profile_idc and the constraint flags (RFC 6184 table 5).
func h264ProfileFor(idc, flags byte) h264Profile {
	set1, set0 := flags&0x40 != 0, flags&0x80 != 0
	switch {
	case idc == 0x42 && set1, idc == 0x4d && set0, idc == 0x58 && set0 && set1:
		return constrainedBaseline
	case idc == 0x42, idc == 0x58 && set0:
		return baseline
	case idc == 0x4d:
		return mainProfile
	case idc == 0x64 && flags&0x0c == 0x0c:
		return constrainedHigh
	case idc == 0x64:
		return high
	}
	return otherProfile
}
