package negotiate

import (
	"slices"
	"strconv"
	"strings"
)

// rid is one a=rid line of the sending direction (RFC 8851).
type rid struct {
	id string
	// payloads restricts the stream to these; empty means any.
	payloads []uint8
}

// Bounds of RFC 8852 (a value of the one-byte header extension) and of what is
// sensible. A publisher's streams beyond maxRIDs are not answered.
const (
	maxRIDBytes = 16
	maxRIDs     = 8
)

// appendRID reads the value of a=rid: "h send pt=96;max-width=1280".
func appendRID(list []rid, value string) []rid {
	fields := strings.Fields(value)
	if len(fields) < 2 || fields[1] != "send" || !isRID(fields[0]) || len(list) == maxRIDs {
		return list
	}
	if slices.ContainsFunc(list, func(r rid) bool { return r.id == fields[0] }) {
		return list
	}
	r := rid{id: fields[0]}
	if len(fields) > 2 {
		r.payloads = ridPayloads(fields[2])
	}
	return append(list, r)
}

// isRID checks the grammar of RFC 8851 section 10, which is wider than that of
// RFC 8852.
func isRID(s string) bool {
	return isToken(s, maxRIDBytes) && !strings.ContainsFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

func ridPayloads(restrictions string) []uint8 {
	var out []uint8
	for n := range strings.SplitSeq(parameter(restrictions, "pt"), ",") {
		if pt, err := strconv.ParseUint(n, 10, 7); err == nil {
			out = append(out, uint8(pt))
		}
	}
	return out
}

// simulcastRIDs returns the streams that are answered in the order of
// a=simulcast, given the payload type that was chosen. More than one
// a=simulcast in a section is no simulcast (RFC 8853 section 5.3.2).
func (s *offered) simulcastRIDs(chosen uint8) []string {
	if len(s.simulcasts) != 1 {
		return nil
	}
	var ids []string
	for stream := range strings.SplitSeq(sendList(s.simulcasts[0]), ";") {
		if id := s.alternative(stream, chosen); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// alternative picks the first alternative of a simulcast stream that a=rid
// declares for the chosen payload type. A leading ~ says that it starts paused,
// which changes nothing: layers come and go anyway.
func (s *offered) alternative(stream string, chosen uint8) string {
	for id := range strings.SplitSeq(stream, ",") {
		id = strings.TrimPrefix(strings.TrimSpace(id), "~")
		for _, r := range s.rids {
			if r.id == id && (len(r.payloads) == 0 || slices.Contains(r.payloads, chosen)) {
				return id
			}
		}
	}
	return ""
}

// sendList returns the list behind "send". Old Firefox versions wrote
// "send rid=a;b".
func sendList(simulcast string) string {
	fields := strings.Fields(simulcast)
	for i, f := range fields[:max(len(fields)-1, 0)] {
		if f == "send" {
			return strings.TrimPrefix(fields[i+1], "rid=")
		}
	}
	return ""
}
