package sdpfrag

import (
	"errors"
	"strings"
	"testing"
)

func TestParseCandidate(t *testing.T) {
	tests := []struct {
		name, value string
		want        Candidate
	}{
		{"with the extras of Chrome", host, Candidate{"1387637174", 1, "udp", 2122260223, "192.0.2.1", 61764, "host", ""}},
		{"Q-EYE-3 component 0", "1 0 UDP 5 192.0.2.1 9 typ HOST", Candidate{"1", 0, "udp", 5, "192.0.2.1", 9, "host", ""}},
		{"with its attribute name", "a=candidate:1 1 udp 5 2001:db8::1 9 typ srflx raddr 0.0.0.0 rport 0", Candidate{"1", 1, "udp", 5, "2001:db8::1", 9, "srflx", ""}},
		{"RFC 6544 TCP", "candidate:1 1 TCP 5 192.0.2.1 9 typ host generation 0 tcptype Passive", Candidate{"1", 1, "tcp", 5, "192.0.2.1", 9, "host", "passive"}},
		{"N-107 mDNS name and unknown type", "1 1 udp 5 2e2a.local 65535 typ foo", Candidate{"1", 1, "udp", 5, "2e2a.local", 65535, "foo", ""}},
		{"spaces", "  1  1  udp  4294967295  192.0.2.1  9  typ  host ", Candidate{"1", 1, "udp", 4294967295, "192.0.2.1", 9, "host", ""}},
		{"odd number of extension fields", "1 1 udp 5 192.0.2.1 9 typ host x y tcptype", Candidate{"1", 1, "udp", 5, "192.0.2.1", 9, "host", ""}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseCandidate(tc.value)
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}

func TestParseCandidateRefuses(t *testing.T) {
	for name, value := range map[string]string{
		"nothing":             "",
		"too short":           "1 1 udp 5 192.0.2.1 9 typ",
		"no typ":              "1 1 udp 5 192.0.2.1 9 host host",
		"port out of range":   "1 1 udp 5 192.0.2.1 65536 typ host",
		"negative port":       "1 1 udp 5 192.0.2.1 -1 typ host",
		"priority too large":  "1 1 udp 4294967296 192.0.2.1 9 typ host",
		"component too large": "1 256 udp 5 192.0.2.1 9 typ host",
		"component is a word": "1 rtp udp 5 192.0.2.1 9 typ host",
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := ParseCandidate(value); !errors.Is(err, ErrBadCandidate) || c != (Candidate{}) {
				t.Errorf("got %+v, %v", c, err)
			}
		})
	}
}

func FuzzParseCandidate(f *testing.F) {
	f.Add(host)
	f.Add("candidate:1 1 tcp 5 2001:db8::1 9 typ host tcptype passive")
	f.Fuzz(func(t *testing.T, value string) {
		c, err := ParseCandidate(value)
		if err != nil {
			return
		}
		again, err := ParseCandidate(c.String())
		// A foundation may look like the attribute's own name, which is cut off.
		if !strings.HasPrefix(c.Foundation, "candidate:") && !strings.HasPrefix(c.Foundation, "a=") && (err != nil || again != c) {
			t.Fatalf("%q\ngot  %+v, %v\nwant %+v", value, again, err, c)
		}
	})
}
