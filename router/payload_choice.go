package router

import "strings"

// payloadTypeFor picks the payload type that carries c to a viewer: the same
// codec, and of several the one whose packetization mode (H.264) or profile (VP9,
// AV1, H.265) is the same too; else, for H.264, one with mode 1, which takes all
// that mode 0 sends; else the first, since declared profiles are unreliable
// (M-094, M-095).
func payloadTypeFor(offered []PayloadType, c Codec) (PayloadType, bool) {
	best, score := PayloadType{}, 0
	for i := range offered {
		if n := codecFit(offered[i].Codec, c); n > score {
			best, score = offered[i], n
		}
	}
	return best, score > 0
}

// codecFit says how well a viewer's codec v carries c: 0 not at all.
func codecFit(v, c Codec) int {
	if v.Name != c.Name || c.Name == "" || v.ClockRate != c.ClockRate {
		return 0
	}
	switch c.Name {
	case H264:
		return 1 + modeFit(fmtpValue(v.Fmtp, "packetization-mode", "0"), fmtpValue(c.Fmtp, "packetization-mode", "0"))
	case VP9, H265:
		return 1 + equalFit(fmtpValue(v.Fmtp, "profile-id", profileDefault(c.Name)), fmtpValue(c.Fmtp, "profile-id", profileDefault(c.Name)))
	case AV1:
		return 1 + equalFit(fmtpValue(v.Fmtp, "profile", "0"), fmtpValue(c.Fmtp, "profile", "0"))
	}
	return 1
}

func modeFit(viewer, source string) int {
	switch {
	case viewer == source:
		return 2
	case viewer == "1":
		return 1
	}
	return 0
}

func equalFit(a, b string) int {
	if a == b {
		return 1
	}
	return 0
}

// profileDefault is what a missing profile-id means (M-100, M-102).
func profileDefault(codec string) string {
	if codec == H265 {
		return "1"
	}
	return "0"
}

// fmtpValue returns a parameter of an a=fmtp line, without regard to the case of
// its name.
func fmtpValue(fmtp, name, missing string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return missing
}
