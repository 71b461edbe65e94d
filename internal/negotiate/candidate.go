package negotiate

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// candidate is one local candidate (RFC 8839 section 5.1) with what orders it.
type candidate struct {
	line     string
	class    int // UDP IPv4, UDP IPv6, TCP
	reach    int
	priority uint64
}

// presentable returns the candidates for a client, each once: those of
// component 1 with an address instead of a name, UDP over IPv4 first, then UDP
// over IPv6, then TCP; within these host candidates and addresses of the widest
// reach first. FFmpeg and others use only the first.
func presentable(lines []string, keep func(string) bool) []string {
	var list []candidate
	for _, l := range lines {
		c, ok := parseCandidate(l)
		if ok && (keep == nil || keep(c.line)) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.reach, b.reach),
			cmp.Compare(b.priority, a.priority), cmp.Compare(a.line, b.line))
	})
	out := make([]string, 0, len(list))
	for _, c := range list {
		if !slices.Contains(out, c.line) {
			out = append(out, c.line)
		}
	}
	return out
}

// parseCandidate reads the value of a=candidate. The ufrag extension is dropped:
// it says nothing new and costs bytes.
func parseCandidate(line string) (candidate, bool) {
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[1] != "1" || fields[6] != "typ" {
		return candidate{}, false
	}
	addr, err := netip.ParseAddr(fields[4])
	priority, err2 := strconv.ParseUint(fields[3], 10, 32)
	if err != nil || err2 != nil {
		return candidate{}, false
	}
	for i := 8; i+1 < len(fields); i += 2 {
		if fields[i] == "ufrag" {
			fields = slices.Delete(fields, i, i+2)
			break
		}
	}
	return candidate{
		line: strings.Join(fields, " "), priority: priority,
		class: class(fields[2], addr), reach: reach(fields[7], addr),
	}, true
}

func class(transport string, addr netip.Addr) int {
	switch {
	case !strings.EqualFold(transport, "udp"):
		return 2
	case addr.Is4():
		return 0
	}
	return 1
}

// reach grows from host addresses everybody can reach to those of this machine
// alone, and then to candidates of other types.
func reach(typ string, addr netip.Addr) int {
	scope := 0
	switch {
	case addr.IsLoopback():
		scope = 3
	case addr.IsLinkLocalUnicast():
		scope = 2
	case addr.IsPrivate():
		scope = 1
	}
	if typ != "host" {
		return 4 + scope
	}
	return scope
}
