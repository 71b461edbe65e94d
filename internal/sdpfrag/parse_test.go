package sdpfrag

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
)

const (
	ufrag = "EsAw"
	pwd   = "P2uYro0UCOQ4zxjKXaWCBui1"
	host  = "1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1 network-cost 10"
)

// crlf writes lines as the wire wants them.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func TestParseAcceptsWhatClientsSend(t *testing.T) {
	creds := crlf("a=ice-ufrag:"+ufrag, "a=ice-pwd:"+pwd)
	tests := []struct {
		name, body string
		want       Fragment
	}{
		{
			name: "RFC 9725 4.3.2/media-level credentials",
			body: crlf("a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=ice-ufrag:"+ufrag, "a=ice-pwd:"+pwd, "a=candidate:"+host, "a=end-of-candidates"),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Group: "BUNDLE 0 1", EndOfCandidates: true, Sections: []Section{{Media: "audio 9 UDP/TLS/RTP/SAVPF 111", Mid: "0", Candidates: []string{host}}}},
		},
		{
			name: "N-133 restart repeats options, pacing and lite",
			body: crlf("a=ice-lite", "a=ice-options:trickle ice2", "a=ice-pacing:50", "m=audio 9 RTP/AVP 0", "a=mid:0", "a=ice-ufrag:"+ufrag, "a=ice-pwd:"+pwd),
			want: Fragment{Lite: true, Options: []string{"trickle", "ice2"}, Pacing: "50", Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Media: "audio 9 RTP/AVP 0", Mid: "0"}}},
		},
		{
			name: "T-69 simple-whip-client without mid",
			body: creds + crlf("m=video 9 RTP/AVP 0", "a=candidate:"+host, "a=candidate:"+host),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Media: "video 9 RTP/AVP 0", Candidates: []string{host, host}}}},
		},
		{
			name: "T-69 N-110 simple-whip-client says audio and means video0",
			body: creds + crlf("m=audio 9 RTP/AVP 0", "a=mid:video0", "a=candidate:"+host),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Media: "audio 9 RTP/AVP 0", Mid: "video0", Candidates: []string{host}}}},
		},
		{
			name: "T-69 medooze",
			body: creds + crlf("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:1", "a=candidate:"+host),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Media: "audio 9 UDP/TLS/RTP/SAVPF 0", Mid: "1", Candidates: []string{host}}}},
		},
		{
			name: "T-69 N-115 Eyevinn repeats the candidate for every mid",
			body: creds + crlf("m=audio 9 RTP/AVP 0", "a=mid:0", "a=candidate:1 0 udp 5 192.0.2.1 9 typ host", "m=video 9 RTP/AVP 0", "a=mid:1", "a=candidate:1 0 udp 5 192.0.2.1 9 typ host"),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{
				{Media: "audio 9 RTP/AVP 0", Mid: "0", Candidates: []string{"1 0 udp 5 192.0.2.1 9 typ host"}},
				{Media: "video 9 RTP/AVP 0", Mid: "1", Candidates: []string{"1 0 udp 5 192.0.2.1 9 typ host"}},
			}},
		},
		{
			name: "T-69 MediaMTX page keeps the whole m= line",
			body: creds + crlf("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98", "a=mid:1", "a=candidate:"+host),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Media: "video 9 UDP/TLS/RTP/SAVPF 96 97 98", Mid: "1", Candidates: []string{host}}}},
		},
		{
			name: "T-69 medooze restart: credentials only",
			body: creds,
			want: Fragment{Ufrag: ufrag, Pwd: pwd},
		},
		{
			name: "T-69 LF only, no final line end",
			body: "a=ice-ufrag:" + ufrag + "\na=ice-pwd:" + pwd + "\nm=audio 9 RTP/AVP 0\na=mid:0\na=candidate:" + host,
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Media: "audio 9 RTP/AVP 0", Mid: "0", Candidates: []string{host}}}},
		},
		{
			name: "T-70 N-113 end of candidates at session level",
			body: creds + crlf("a=end-of-candidates"),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, EndOfCandidates: true},
		},
		{
			name: "T-67 N-107 candidates nobody can use are kept for the agent to drop",
			body: crlf("m=audio 9 RTP/AVP 0", "a=mid:0", "a=candidate:1 1 udp 1 x.local 9 typ host", "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", "a=candidate:nonsense"),
			want: Fragment{Sections: []Section{{Media: "audio 9 RTP/AVP 0", Mid: "0", Candidates: []string{"1 1 udp 1 x.local 9 typ host", "1 1 tcp 1 192.0.2.1 9 typ host tcptype active", "nonsense"}}}},
		},
		{
			name: "N-111 unknown attributes and letter case",
			body: crlf("a=foo:bar", "a=foo", "A=ICE-UFRAG:"+ufrag, "a=Ice-Pwd:"+pwd, "a=", "a=rtcp-mux", "m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=MID:0", "a=remote-candidates:1 192.0.2.9 9", "a=Candidate:"+host),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Media: "audio 9 RTP/AVP 0", Mid: "0", Candidates: []string{host}}}},
		},
		{
			name: "N-112 session level wins over media level",
			body: crlf("a=ice-ufrag:sess", "m=audio 9 RTP/AVP 0", "a=mid:0", "a=ice-ufrag:first", "a=ice-pwd:"+pwd, "m=video 9 RTP/AVP 0", "a=mid:1", "a=ice-ufrag:second"),
			want: Fragment{Ufrag: "sess", Pwd: pwd, Sections: []Section{{Media: "audio 9 RTP/AVP 0", Mid: "0"}, {Media: "video 9 RTP/AVP 0", Mid: "1"}}},
		},
		{
			name: "N-112 the first section that has them",
			body: crlf("m=audio 9 RTP/AVP 0", "a=mid:0", "m=video 9 RTP/AVP 0", "a=ice-ufrag:first", "a=ice-pwd:"+pwd, "a=ice-ufrag:later"),
			want: Fragment{Ufrag: "first", Pwd: pwd, Sections: []Section{{Media: "audio 9 RTP/AVP 0", Mid: "0"}, {Media: "video 9 RTP/AVP 0"}}},
		},
		{
			name: "candidates before any section",
			body: creds + crlf("a=candidate:"+host, "a=candidate:"+host, "", "a=ice-options:trickle"),
			want: Fragment{Ufrag: ufrag, Pwd: pwd, Options: []string{"trickle"}, Sections: []Section{{Candidates: []string{host, host}}}},
		},
		{
			name: "only BUNDLE is a group, options are told once",
			body: crlf("a=group:LS 0 1", "a=group:BUNDLE  0   1", "a=group:BUNDLE 7", "a=ice-options:ice2,trickle", "a=ice-options:ice2  ice2", "a=ice-pacing:fast"),
			want: Fragment{Group: "BUNDLE 0 1", Options: []string{"ice2,trickle", "ice2"}},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Parse([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	section := crlf("m=audio 9 RTP/AVP 0", "a=mid:0")
	tests := []struct{ name, body, says string }{
		{"empty body", "", "empty"},
		{"nothing but line ends", "\r\n\r\n", "empty"},
		{"T-68 N-101 m= garbage", "m=garbage\r\n", "Line 1"},
		{"m= without a port", "m=audio x RTP/AVP 0\r\n", "Line 1"},
		{"plain text", "hello\r\n", "letter=value"},
		{"JSON", `{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host"}`, "letter=value"},
		{"a whole session description", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n", `no "v="`},
		{"T-74 N-135 password of three characters", crlf("a=ice-ufrag:abcd", "a=ice-pwd:abc"), "Line 2"},
		{"password of 21", crlf("a=ice-pwd:" + strings.Repeat("x", 21)), "22 to 256"},
		{"password of 257", crlf("a=ice-pwd:" + strings.Repeat("x", 257)), "22 to 256"},
		{"ufrag of three", crlf("a=ice-ufrag:abc"), "4 to 256"},
		{"ufrag of 257", crlf("a=ice-ufrag:" + strings.Repeat("x", 257)), "4 to 256"},
		{"ufrag with a foreign character", crlf("a=ice-ufrag:ab_cd"), "ice-ufrag"},
		{"empty ufrag", crlf("a=ice-ufrag:"), "ice-ufrag"},
		{"bad credentials in a later section", section + crlf("m=video 9 RTP/AVP 0", "a=ice-ufrag:ab:cd"), "Line 4"},
		{"NUL", section + "a=foo:\x00\r\n", "control character"},
		{"carriage return inside a line", section + "a=foo:\rbar\r\n", "control character"},
		{"two carriage returns", section + "a=foo\r\r\n", "control character"},
		{"DEL", section + "a=foo:\x7f\r\n", "control character"},
		{"not UTF-8", section + "a=foo:\xff\r\n", "UTF-8"},
		{"too large", section + strings.Repeat("a=x\r\n", MaxBytes/5), "larger than"},
		{"a line too long", section + "a=" + strings.Repeat("x", MaxLineBytes) + "\r\n", "too long"},
		{"too many lines", strings.Repeat("a=x\n", MaxLines+1), "one too many"},
		{"too many empty lines", "a=x" + strings.Repeat("\n", MaxLines+2), "one too many"},
		{"too many sections", strings.Repeat(section, MaxSections+1), "one section too many"},
		{"too many candidates", section + strings.Repeat("a=candidate:1\n", MaxCandidates+1), "one candidate too many"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse([]byte(tc.body))
			if !errors.Is(err, ErrBadFragment) {
				t.Fatalf("error = %v, want bad-fragment", err)
			}
			f := fault.Of(err)
			if f.Kind != fault.Invalid || !strings.Contains(f.Public, tc.says) || !strings.HasSuffix(f.Public, ".") {
				t.Errorf("kind %v, sentence %q, want one that says %q", f.Kind, f.Public, tc.says)
			}
		})
	}
}

func TestParseAcceptsItsBounds(t *testing.T) {
	full := crlf("a=ice-ufrag:"+strings.Repeat("u", 256), "a=ice-pwd:"+strings.Repeat("p", 256)) +
		strings.Repeat("m=audio 9 RTP/AVP 0\r\n", MaxSections) +
		strings.Repeat("a=candidate:1\r\n", MaxCandidates)
	f, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Sections[MaxSections-1].Candidates); n != MaxCandidates {
		t.Errorf("%d candidates, want %d", n, MaxCandidates)
	}
	long := "a=" + strings.Repeat("x", MaxLineBytes-2)
	if _, err := Parse([]byte(long)); err != nil {
		t.Errorf("longest line: %v", err)
	}
}

func TestFaultNeverEchoesTheBody(t *testing.T) {
	const hostile = "<script>alert(1)</script>"
	for _, body := range []string{hostile, "x=" + hostile, "m=" + hostile, "a=ice-pwd:" + hostile} {
		_, err := Parse([]byte(body))
		if s := fmt.Sprint(err); strings.Contains(s, "script") {
			t.Errorf("%q is echoed: %s", body, s)
		}
	}
}

// N-101: a body cut off anywhere is either a shorter fragment or a fault, and
// what was read of it is the beginning of the whole.
func TestParseCutOff(t *testing.T) {
	body := crlf("a=ice-ufrag:"+ufrag, "a=ice-pwd:"+pwd, "m=audio 9 RTP/AVP 0", "a=mid:0", "a=candidate:"+host, "a=end-of-candidates")
	whole, err := Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := range body {
		f, err := Parse([]byte(body[:i]))
		switch {
		case err != nil && !errors.Is(err, ErrBadFragment):
			t.Fatalf("cut at %d: %v", i, err)
		case err == nil && (len(f.Sections) > 1 || !strings.HasPrefix(whole.Ufrag, f.Ufrag) || !strings.HasPrefix(whole.Pwd, f.Pwd)):
			t.Fatalf("cut at %d: %+v", i, f)
		}
	}
}
