package peer

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// localCandidates writes the values of our a=candidate lines: UDP before TCP, in
// the order of addrs, all of type host and component 1 (N-064). Priorities fall
// in that order (RFC 8445 section 5.1.2.1; RFC 6544 section 4.2 for passive TCP).
func localCandidates(addrs []netip.AddrPort, tcp bool) []string {
	lines := make([]string, 0, 2*len(addrs))
	for i, a := range addrs {
		priority := uint32(126)<<24 | uint32(65535-i)<<8 | 255
		lines = append(lines, fmt.Sprintf("%d 1 udp %d %s %d typ host", i+1, priority, a.Addr(), a.Port()))
	}
	if !tcp {
		return lines
	}
	for i, a := range addrs {
		if a.Addr().Is6() && a.Addr().IsLoopback() {
			continue // agents do not serve TCP there
		}
		priority := uint32(99)<<24 | uint32(4<<13+8191-i)<<8 | 255
		lines = append(lines, fmt.Sprintf("%d 1 tcp %d %s %d typ host tcptype passive", 64+i, priority, a.Addr(), a.Port()))
	}
	return lines
}

const candidateLine = "a=candidate:"

// replaceCandidates puts our candidates in place of those the stack wrote into
// its local description.
func replaceCandidates(sdp string, ours []string) string {
	var b strings.Builder
	b.Grow(len(sdp) + 80*len(ours))
	done := false
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, candidateLine) {
			b.WriteString(line)
			continue
		}
		if done {
			continue
		}
		done = true
		for _, c := range ours {
			b.WriteString(candidateLine + c + "\r\n")
		}
	}
	return b.String()
}

// remoteCandidate is a candidate of a client that may be checked.
type remoteCandidate struct {
	addr     netip.AddrPort
	typ      string
	priority uint32
	// ufrag names the generation; empty if the line did not say.
	ufrag string
}

// The reasons to leave a candidate out. They go into the timeline.
const (
	dropSyntax    = "malformed"
	dropTransport = "not UDP"
	dropComponent = "not component 1"
	dropType      = "unknown type"
	dropName      = "a name, not an address"
	dropAddress   = "an address that is never checked"
	dropLoopback  = "loopback"
	dropStale     = "of another ICE generation"
	dropTooMany   = "too many"
	dropEnded     = "after end-of-candidates"
)

// maxCandidateBytes bounds one line; real ones have some 150.
const maxCandidateBytes = 512

// parseRemoteCandidate reads the value of an a=candidate line (RFC 8839 section
// 5.1) and says why it can't be used, or "". Component 0, which one SDK sends,
// passes for 1.
func parseRemoteCandidate(line string, loopback bool) (remoteCandidate, string) {
	f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "candidate:"))
	if len(line) > maxCandidateBytes || len(f) < 8 || !strings.EqualFold(f[6], "typ") {
		return remoteCandidate{}, dropSyntax
	}
	priority, err1 := strconv.ParseUint(f[3], 10, 32)
	port, err2 := strconv.ParseUint(f[5], 10, 16)
	c := remoteCandidate{typ: f[7], priority: uint32(priority), ufrag: extension(f[8:], "ufrag")}
	switch {
	case err1 != nil || err2 != nil || port == 0:
		return c, dropSyntax
	case f[1] != "1" && f[1] != "0":
		return c, dropComponent
	case !strings.EqualFold(f[2], "udp"):
		return c, dropTransport
	case c.typ != "host" && c.typ != "srflx" && c.typ != "prflx" && c.typ != "relay":
		return c, dropType
	}
	addr, err := netip.ParseAddr(f[4])
	if err != nil {
		return c, dropName
	}
	c.addr = netip.AddrPortFrom(addr.Unmap(), uint16(port))
	return c, refuseAddress(c.addr.Addr(), loopback)
}

// extension finds the value of a name in the pairs at the end of a candidate.
func extension(pairs []string, name string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == name {
			return pairs[i+1]
		}
	}
	return ""
}

// metadataAddrs are services of clouds outside the link-local range that no
// client can be at.
var metadataAddrs = map[netip.Addr]bool{
	netip.MustParseAddr("fd00:ec2::254"):   true,
	netip.MustParseAddr("fd20:ce::254"):    true,
	netip.MustParseAddr("100.100.100.200"): true,
	netip.MustParseAddr("192.0.0.192"):     true,
	netip.MustParseAddr("168.63.129.16"):   true,
	netip.MustParseAddr("255.255.255.255"): true,
}

// refuseAddress keeps the gateway from being aimed at what is not a client.
// Private ranges are allowed: they are LANs.
func refuseAddress(a netip.Addr, loopback bool) string {
	switch {
	case a.IsLoopback() && !loopback:
		return dropLoopback
	case a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.Zone() != "" || metadataAddrs[a]:
		return dropAddress
	case a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 240):
		return dropAddress
	}
	return ""
}

// line writes the candidate for the agent: without extensions, and without the
// foundation, which a controlled agent does not need.
//
// Signalled candidates keep their order but rank below every address a check
// comes from by itself. A client whose NAT moves it keeps nominating the new
// address, and the agent follows a nomination to a better pair only.
func (c remoteCandidate) line() string {
	s := fmt.Sprintf("1 1 udp %d %s %d typ %s", max(1, c.priority>>8), c.addr.Addr(), c.addr.Port(), c.typ)
	if c.typ != "host" {
		s += " raddr 0.0.0.0 rport 9"
	}
	return s
}

// dropReasons lists the reasons in the order they are told.
var dropReasons = []string{
	dropSyntax, dropTransport, dropComponent, dropType, dropName, dropAddress,
	dropLoopback, dropStale, dropTooMany, dropEnded,
}
