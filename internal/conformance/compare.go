package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// compare holds an answer against its offer (RFC 8829 section 5.3.1).
func compare(offer, answer description) (differences []string) {
	bad := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	if len(answer.media) != len(offer.media) {
		bad("%d sections are answered with %d", len(offer.media), len(answer.media))
		return differences
	}
	for i, o := range offer.media {
		a := answer.media[i]
		if a.kind() != o.kind() || a.field(2) != o.field(2) {
			bad("section %d: %s %s is answered %s %s", i, o.kind(), o.field(2), a.kind(), a.field(2))
		}
		if a.mid() != o.mid() {
			bad("section %d: mid %q is answered %q", i, o.mid(), a.mid())
		}
		if a.rejected() || !a.isMedia() {
			continue
		}
		for _, line := range foreignLines(o, a) {
			bad("section %d: %s", i, line)
		}
	}
	if setup := answer.transport("setup"); setup != "active" && setup != "passive" {
		bad("setup is %q", setup)
	}
	return differences
}

// foreignLines finds what an accepted section of an answer has that was not
// offered, and what it has twice.
func foreignLines(offer, answer section) (found []string) {
	for _, pt := range answer.payloadTypes() {
		if !slices.Contains(offer.payloadTypes(), pt) {
			found = append(found, "payload type "+pt+" was not offered")
		}
	}
	for _, name := range []string{"rtpmap", "extmap", "rtcp-fb", "fmtp"} {
		offered := offer.values(name)
		answered := answer.values(name)
		for i, v := range answered {
			if slices.Contains(answered[:i], v) {
				found = append(found, "twice: "+name+":"+v)
			}
			if name != "fmtp" && !wasOffered(name, v, offered) {
				found = append(found, "not offered: "+name+":"+v)
			}
		}
	}
	return found
}

// wasOffered compares the parts of a line that an answer must repeat. (Those of
// fmtp are the answerer's own.)
func wasOffered(name, value string, offered []string) bool {
	head, rest, _ := strings.Cut(value, " ")
	return slices.ContainsFunc(offered, func(o string) bool {
		offeredHead, offeredRest, _ := strings.Cut(o, " ")
		switch name {
		case "extmap": // a direction may stand behind the number
			id, _, _ := strings.Cut(head, "/")
			offeredID, _, _ := strings.Cut(offeredHead, "/")
			return id == offeredID && strings.EqualFold(rest, offeredRest)
		case "rtcp-fb":
			return (offeredHead == head || offeredHead == "*") && strings.EqualFold(rest, offeredRest)
		}
		return head == offeredHead && strings.EqualFold(strings.TrimSuffix(rest, "/1"), strings.TrimSuffix(offeredRest, "/1"))
	})
}
