package peer

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/ice/v4"
	"pgregory.net/rapid"
)

// N-064, M-121: UDP before TCP, IPv4 first, component 1, type host, and
// priorities that say the same.
func TestLocalCandidates(t *testing.T) {
	addrs := []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:8190"), netip.MustParseAddrPort("[2001:db8::7]:8190")}
	lines := localCandidates(addrs, true)
	if len(lines) != 4 || len(localCandidates(addrs, false)) != 2 {
		t.Fatalf("%q", lines)
	}
	last, foundations := uint32(1<<32-1), map[string]bool{}
	for i, line := range lines {
		c, err := ice.UnmarshalCandidate(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		tcp := i >= 2
		if c.Component() != 1 || c.Type() != ice.CandidateTypeHost || c.NetworkType().IsTCP() != tcp || c.Port() != 8190 {
			t.Errorf("%q", line)
		}
		if tcp && c.TCPType() != ice.TCPTypePassive {
			t.Errorf("%q is not passive", line)
		}
		if c.Address() != addrs[i%2].Addr().String() {
			t.Errorf("%q: want address %v", line, addrs[i%2])
		}
		if c.Priority() >= last || foundations[c.Foundation()] {
			t.Errorf("%q: priority or foundation", line)
		}
		last = c.Priority()
		foundations[c.Foundation()] = true
	}
}

func TestReplaceCandidates(t *testing.T) {
	sdp := "v=0\r\nm=audio 9 X 0\r\na=candidate:1 1 udp\r\na=candidate:1 2 udp\r\na=end-of-candidates\r\nm=video 9 X 0\r\na=candidate:1 1 udp\r\na=mid:1\r\n"
	want := "v=0\r\nm=audio 9 X 0\r\na=candidate:A\r\na=candidate:B\r\na=end-of-candidates\r\nm=video 9 X 0\r\na=mid:1\r\n"
	if got := replaceCandidates(sdp, []string{"A", "B"}); got != want {
		t.Errorf("%q", got)
	}
}

func TestParseRemoteCandidate(t *testing.T) {
	const host = "1 1 udp 2130706431 192.168.1.5 50000 typ host"
	tests := []struct {
		name, line, reason string
		loopback           bool
	}{
		{name: "host", line: host},
		{name: "with the attribute's name", line: "candidate:" + host},
		{name: "upper case transport, extensions", line: "842163049 1 UDP 1677729535 203.0.113.9 4444 typ srflx raddr 10.0.0.1 rport 5 generation 0 ufrag abcd network-cost 999"},
		{name: "Q-EYE-3 component 0", line: strings.Replace(host, "1 1 udp", "1 0 udp", 1)},
		{name: "IPv6", line: "1 1 udp 1 2001:db8::5 50000 typ relay raddr :: rport 0"},
		{name: "mapped IPv4", line: "1 1 udp 1 ::ffff:192.168.1.5 50000 typ host"},
		{name: "private ranges are LANs", line: strings.Replace(host, "192.168.1.5", "10.1.2.3", 1)},
		{name: "loopback for a local client", line: strings.Replace(host, "192.168.1.5", "127.0.0.1", 1), loopback: true},
		{name: "loopback", line: strings.Replace(host, "192.168.1.5", "127.0.0.1", 1), reason: dropLoopback},
		{name: "mapped loopback", line: strings.Replace(host, "192.168.1.5", "::ffff:127.0.0.1", 1), reason: dropLoopback},
		{name: "N-107 mDNS", line: strings.Replace(host, "192.168.1.5", "a1b2.local", 1), reason: dropName},
		{name: "N-107 tcp", line: "1 1 tcp 1 192.168.1.5 9 typ host tcptype active", reason: dropTransport},
		{name: "N-107 unknown type", line: strings.Replace(host, "typ host", "typ foo", 1), reason: dropType},
		{name: "component 2", line: strings.Replace(host, "1 1 udp", "1 2 udp", 1), reason: dropComponent},
		{name: "unspecified", line: strings.Replace(host, "192.168.1.5", "0.0.0.0", 1), reason: dropAddress},
		{name: "unspecified IPv6", line: strings.Replace(host, "192.168.1.5", "::", 1), reason: dropAddress},
		{name: "multicast", line: strings.Replace(host, "192.168.1.5", "239.1.2.3", 1), reason: dropAddress},
		{name: "cloud metadata", line: strings.Replace(host, "192.168.1.5", "169.254.169.254", 1), reason: dropAddress},
		{name: "cloud metadata IPv6", line: strings.Replace(host, "192.168.1.5", "fd00:ec2::254", 1), reason: dropAddress},
		{name: "mapped cloud metadata", line: strings.Replace(host, "192.168.1.5", "::ffff:169.254.169.254", 1), reason: dropAddress},
		{name: "link-local", line: strings.Replace(host, "192.168.1.5", "fe80::1", 1), reason: dropAddress},
		{name: "zone", line: strings.Replace(host, "192.168.1.5", "fd00::1%eth0", 1), reason: dropAddress},
		{name: "broadcast", line: strings.Replace(host, "192.168.1.5", "255.255.255.255", 1), reason: dropAddress},
		{name: "this network", line: strings.Replace(host, "192.168.1.5", "0.1.2.3", 1), reason: dropAddress},
		{name: "port 0", line: strings.Replace(host, "50000", "0", 1), reason: dropSyntax},
		{name: "port too large", line: strings.Replace(host, "50000", "70000", 1), reason: dropSyntax},
		{name: "priority too large", line: strings.Replace(host, "2130706431", "99999999999", 1), reason: dropSyntax},
		{name: "empty", line: "", reason: dropSyntax},
		{name: "short", line: "1 1 udp 1 192.168.1.5 50000 typ", reason: dropSyntax},
		{name: "long", line: host + strings.Repeat(" x y", 200), reason: dropSyntax},
	}
	for _, tc := range tests {
		c, reason := parseRemoteCandidate(tc.line, tc.loopback)
		if reason != tc.reason {
			t.Errorf("%s: %q, want %q", tc.name, reason, tc.reason)
		}
		if reason == "" {
			if _, err := ice.UnmarshalCandidate(c.line()); err != nil {
				t.Errorf("%s: the agent does not take %q: %v", tc.name, c.line(), err)
			}
		}
	}
}

// A client whose NAT moves it nominates an address nobody signalled; the agent
// follows to a better pair only (RFC 8445 section 5.1.2.1: peer-reflexive ones
// have a type preference of 110).
func TestSignalledCandidatesRankBelowDiscoveredOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		priority := func(p uint32) uint32 {
			c, err := ice.UnmarshalCandidate(remoteCandidate{
				addr: netip.MustParseAddrPort("192.0.2.1:9"), typ: "srflx", priority: p,
			}.line())
			if err != nil {
				t.Fatal(err)
			}
			return c.Priority()
		}
		if priority(a) >= 110<<24 || priority(a) == 0 {
			t.Errorf("priority %d", priority(a))
		}
		if a>>8 > b>>8 && b>>8 > 0 && priority(a) <= priority(b) {
			t.Errorf("order of %d and %d is lost", a, b)
		}
	})
}

func FuzzParseRemoteCandidate(f *testing.F) {
	f.Add("candidate:1 1 udp 2130706431 192.168.1.5 50000 typ host", false)
	f.Add("1 0 UDP 1 ::ffff:127.0.0.1 9 typ srflx raddr 0.0.0.0 rport 9 ufrag x", true)
	f.Add("1 1 tcp 1 fe80::1%lo 9 typ host tcptype active", false)
	f.Fuzz(func(t *testing.T, line string, loopback bool) {
		c, reason := parseRemoteCandidate(line, loopback)
		if reason != "" {
			return
		}
		got, err := ice.UnmarshalCandidate(c.line())
		if err != nil {
			t.Fatalf("accepted %q, the agent refuses %q: %v", line, c.line(), err)
		}
		a := netip.MustParseAddr(got.Address())
		if a.IsLoopback() && !loopback || a.IsMulticast() || a.IsUnspecified() || a.IsLinkLocalUnicast() {
			t.Fatalf("accepted %q", line)
		}
	})
}

func TestDropReasonsAreComplete(t *testing.T) {
	reasons := map[string]int{}
	for _, r := range dropReasons {
		reasons[r]++
	}
	for _, r := range []string{dropSyntax, dropTransport, dropComponent, dropType, dropName, dropAddress, dropLoopback, dropStale, dropTooMany, dropEnded} {
		if reasons[r] != 1 {
			t.Errorf("%q is listed %d times", r, reasons[r])
		}
	}
	if got := describeDropped(map[string]int{dropTooMany: 2, dropName: 1}); got != fmt.Sprintf("1 %s, 2 %s", dropName, dropTooMany) {
		t.Error(got)
	}
}
