package negotiate

import "github.com/headgate/headgate/router"

// unusable is the rank of a payload type that can't be taken.
const unusable = -1

// choose returns the payload type of codec name with the lowest rank, the
// earlier one when they are equal.
func choose(payloads []payload, name string, rank func(fmtp string) int) (payload, bool) {
	best, found := 0, payload{}
	for _, p := range payloads {
		if p.codec.Name != name {
			continue
		}
		r := rank(p.codec.Fmtp)
		if r != unusable && (found.codec.Name == "" || r < best) {
			best, found = r, p
		}
	}
	return found, found.codec.Name != ""
}

// publishRank orders the payload types of one codec a publisher offers: the one
// that most viewers can take comes first.
func publishRank(name string) func(fmtp string) int {
	return func(fmtp string) int {
		switch name {
		case router.H264:
			return h264PublishRank(fmtp)
		case router.H265:
			if !singleStream(fmtp) {
				return unusable
			}
		}
		if profileOf(name, fmtp) == profileOf(name, "") {
			return 0
		}
		return 1
	}
}

// h264PublishRank puts packetization mode 1 before everything, then constrained
// baseline. Interleaved mode 2 is not forwarded.
func h264PublishRank(fmtp string) int {
	switch h264Mode(fmtp) {
	case "1":
		return int(h264ProfileOf(fmtp))
	case "0":
		return int(otherProfile) + 1 + int(h264ProfileOf(fmtp))
	}
	return unusable
}

// playRank orders the payload types of one codec a viewer offers by how well
// they fit what is sent now.
func playRank(current router.Codec) func(fmtp string) int {
	return func(fmtp string) int {
		if current.Name == router.H264 {
			return h264PlayRank(current.Fmtp, fmtp)
		}
		if !singleStream(fmtp) || profileOf(current.Name, fmtp) != profileOf(current.Name, current.Fmtp) {
			return unusable
		}
		return 0
	}
}

// h264PlayRank matches by packetization mode; a receiver of mode 1 copes with
// mode 0 as well (RFC 6184 section 5.4). Profiles are tolerated: what publishers
// declare is unreliable and browsers decode more than they offer. Without a
// current stream mode 1 is preferred.
func h264PlayRank(current, fmtp string) int {
	want, have := h264Mode(current), h264Mode(fmtp)
	if current == "" {
		want = "1"
	}
	const otherMode = 8
	switch {
	case have == want:
		return h264ProfileRank(current, fmtp)
	case have == "1", have == "0" && current == "":
		return otherMode + h264ProfileRank(current, fmtp)
	}
	return unusable
}

func h264ProfileRank(current, fmtp string) int {
	want, have := h264ProfileOf(current), h264ProfileOf(fmtp)
	switch {
	case current != "" && have == want:
		return 0
	case have == constrainedBaseline:
		return 1
	case have == baseline:
		return 2
	}
	return 3
}

// singleStream refuses H.265 over several streams (RFC 7798 section 7.1).
func singleStream(fmtp string) bool { return parameterOr(fmtp, "tx-mode", "SRST") == "SRST" }

// profileOf returns the profile that tells payload types of a codec apart, with
// the default of its payload format where fmtp has none.
func profileOf(name, fmtp string) string {
	switch name {
	case router.VP9:
		return parameterOr(fmtp, "profile-id", "0")
	case router.AV1:
		return parameterOr(fmtp, "profile", "0")
	case router.H265:
		return parameterOr(fmtp, "profile-id", "1")
	}
	return ""
}
