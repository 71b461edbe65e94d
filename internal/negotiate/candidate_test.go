package negotiate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestCandidatesArePresentedInOrder(t *testing.T) {
	want := []string{
		"1 1 udp 2130706431 203.0.113.5 8190 typ host",
		"0 1 udp 2130706430 203.0.113.6 8190 typ host",
		"3 1 udp 2130706431 192.168.1.5 8190 typ host",
		"4 1 udp 2130706431 169.254.1.1 8190 typ host",
		"5 1 udp 2130706431 127.0.0.1 8190 typ host",
		"6 1 udp 1694498815 198.51.100.1 8190 typ srflx raddr 0.0.0.0 rport 8190",
		"7 1 udp 2130706431 2001:db8::5 8190 typ host",
		"8 1 udp 2130706431 fd00::5 8190 typ host",
		"9 1 tcp 1671430143 203.0.113.5 8190 typ host tcptype passive",
		"10 1 tcp 1671430143 2001:db8::5 8190 typ host tcptype passive",
	}
	given := slices.Clone(want)
	for _, l := range want {
		given = append(given, strings.Replace(l, " 1 ", " 2 ", 1)) // P-06: pion prints component 2 as well
		given = append(given, l+" ufrag abcdefgh")
	}
	given = append(given,
		"11 1 udp 2130706431 3f1b2d4c-7a3e.local 8190 typ host",
		"12 1 udp many 203.0.113.7 8190 typ host",
		"13 1 udp 1 203.0.113.7",
		"")
	for range 20 {
		rand.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		got := presentable(given, nil)
		slices.SortFunc(got[8:], func(a, b string) int { return len(a) - len(b) }) // both TCP rank alike but for their text
		if !slices.Equal(got[:8], want[:8]) || len(got) != len(want) {
			t.Fatalf("N-064 N-065:\n%s", strings.Join(got, "\n"))
		}
	}
}

func TestCandidateFilter(t *testing.T) {
	given := []string{
		"1 1 udp 2130706431 172.17.0.1 8190 typ host ufrag x",
		"2 1 udp 2130706431 192.0.2.1 8190 typ host ufrag x",
	}
	got := presentable(given, func(line string) bool { return !strings.Contains(line, " 172.17.") })
	if !slices.Equal(got, []string{"2 1 udp 2130706431 192.0.2.1 8190 typ host"}) {
		t.Errorf("%q", got)
	}
}

func TestOtherCandidateExtensionsStay(t *testing.T) {
	c, ok := parseCandidate("1 1 tcp 1 192.0.2.1 8190 typ host tcptype passive ufrag abcd generation 0")
	if !ok || c.line != "1 1 tcp 1 192.0.2.1 8190 typ host tcptype passive generation 0" {
		t.Errorf("%v %q", ok, c.line)
	}
}

// localDescription is what the stack could say to obs-video-only with n
// addresses.
func localDescription(n int, edits ...string) string {
	var t text
	t.line("v=0")
	t.line("o=- 77 3 IN IP4 0.0.0.0")
	t.line("s=-")
	t.line("t=0 0")
	t.line("a=fingerprint:sha-256 ", strings.TrimSuffix(strings.Repeat("AB:", 32), ":"))
	t.line("a=group:BUNDLE 1")
	t.line("m=video 9 UDP/TLS/RTP/SAVPF 96")
	t.line("c=IN IP4 0.0.0.0")
	t.line("a=setup:active")
	t.line("a=mid:1")
	t.line("a=ice-ufrag:serv")
	t.line("a=ice-pwd:serverPasswordOf24Chars0")
	t.line("a=rtpmap:96 H264/90000")
	t.line("a=recvonly")
	for i := range n {
		for component := 1; component <= 2; component++ {
			t.line(fmt.Sprintf("a=candidate:%d %d udp 2130706431 192.0.2.%d 8190 typ host ufrag serv", i, component, i+1))
		}
	}
	t.line("a=end-of-candidates")
	return strings.NewReplacer(edits...).Replace(t.String())
}
