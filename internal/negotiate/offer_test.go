package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/offers"
)

func TestParseOfferReadsEveryClient(t *testing.T) {
	cases := map[string]string{ // offer: ufrag, setup, candidates
		"chrome-publish":     "cHr0 actpass 3",
		"chrome-play":        "cHr0 actpass 1",
		"chrome-simulcast":   "cHr0 actpass 0",
		"firefox-publish":    "f1ref0x8 actpass 2",
		"firefox-play":       "f1ref0x8 actpass 1",
		"obs":                "o8s1 actpass 0",
		"obs-simulcast":      "o8s1 actpass 0",
		"obs-video-only":     "o8s1 actpass 0",
		"ffmpeg8":            "fF8mpegX passive 0",
		"ffmpeg8-video-only": "fF8mpegX passive 0",
		"ffmpeg9":            "fF8mpegX passive 0",
		"gstreamer-publish":  "gStr3am3rUfrag0123456789abcdef01 actpass 3",
		"gstreamer-play":     "gStr3am3rUfrag0123456789abcdef01 actpass 1",
		"rfc9725":            "wHiP actpass 0",
		"safari-play":        "sAf4 actpass 1",
	}
	for _, name := range offers.Names() {
		o := mustParse(t, offers.Get(name))
		if got := fmt.Sprintln(o.Ufrag, o.Setup, len(o.Candidates)); got != cases[name]+"\n" {
			t.Errorf("%s: got %q, want %q", name, got, cases[name])
		}
		if len(o.Pwd) < 22 || !strings.HasPrefix(o.fingerprint, "sha-256 ") {
			t.Errorf("%s: pwd %q, fingerprint %q", name, o.Pwd, o.fingerprint)
		}
	}
}

func TestParseOfferRefusesWhatIsNoOffer(t *testing.T) {
	good := two()
	lines := func(prefix string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, prefix+"%d\r\n", i)
		}
		return b.String()
	}
	cases := map[string]string{
		"N-021 empty body":                   "",
		"N-021 hello":                        "hello",
		"N-021 json":                         `{"sdp":"v=0"}`,
		"N-021 no media section":             good[:strings.Index(good, "m=")],
		"N-021 cut inside the session part":  good[:40],
		"N-021 cut before the fingerprint":   good[:strings.Index(good, "a=fingerprint")],
		"N-021 no ice-ufrag":                 without(t, good, "a=ice-ufrag"),
		"N-021 no ice-pwd":                   without(t, good, "a=ice-pwd"),
		"N-021 no fingerprint":               without(t, good, "a=fingerprint"),
		"N-066 md5 fingerprint":              edit(t, good, "a=fingerprint:sha-256", "a=fingerprint:md5"),
		"N-066 fingerprint of another size":  edit(t, good, "a=fingerprint:sha-256", "a=fingerprint:sha-512"),
		"N-066 fingerprint is not hex":       edit(t, good, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 ZZ:"),
		"8839 ufrag of three characters":     edit(t, good, "fF8mpegX", "abc"),
		"8839 pwd of three characters":       edit(t, good, "fFmpegPasswordOf32CharactersLong", "abc"),
		"8839 ufrag with a colon":            edit(t, good, "fF8mpegX", "a:b:c"),
		"8839 ufrag of 300 characters":       edit(t, good, "fF8mpegX", strings.Repeat("u", 300)),
		"N-055 setup holdconn":               edit(t, good, "a=setup:passive", "a=setup:holdconn"),
		"N-055 setup nonsense":               edit(t, good, "a=setup:passive", "a=setup:both"),
		"8843 duplicate mids":                edit(t, good, "a=mid:1", "a=mid:0"),
		"8843 mid is no token":               edit(t, good, "a=mid:1", "a=mid:a b"),
		"8843 endless mid":                   edit(t, good, "a=mid:1", "a=mid:"+strings.Repeat("m", 100)),
		"every section disabled":             edit(t, good, " 9 UDP", " 0 UDP"),
		"hostile 10 000 sections":            good + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", 2000) + lines("m=text 9 x ", 1000),
		"hostile one section too many":       good + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", MaxSections-1),
		"hostile line":                       good + "a=x:" + strings.Repeat("y", 5000) + "\r\n",
		"hostile NUL":                        good + "a=x:\x00\r\n",
		"hostile escape":                     good + "a=x:\x1b[2J\r\n",
		"hostile lone CR":                    good + "a=x:\ra=mid:9\r\n",
		"hostile invalid UTF-8":              good + "a=x:\xff\xfe\r\n",
		"hostile one byte too many":          good + strings.Repeat("a=x\r\n", MaxOfferBytes/5),
		"section without formats":            edit(t, good, "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 UDP/TLS/RTP/SAVPF"),
		"port out of range":                  edit(t, good, "m=audio 9 ", "m=audio 99999 "),
		"unknown media":                      edit(t, good, "m=audio 9 ", "m=smell 9 "),
		"8866 byte order mark":               "\ufeff" + good,
		"version 1":                          edit(t, good, "v=0", "v=1"),
		"attribute before the session's end": edit(t, good, "t=0 0\r\n", ""),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := ParseOffer([]byte(text))
			if got := wantFault(t, err, ErrBadOffer); got.Kind != fault.Invalid {
				t.Errorf("kind %d", got.Kind)
			}
			if spent := time.Since(start); spent > time.Second {
				t.Errorf("took %v", spent)
			}
		})
	}
}

func TestParseOfferTolerates(t *testing.T) {
	good := two()
	body := func(text, cut string) string { return strings.ReplaceAll(text, cut, "") }
	cases := map[string]string{
		"1.16 LF only":                       strings.ReplaceAll(good, "\r\n", "\n"),
		"1.16 no final newline":              strings.TrimSuffix(good, "\r\n"),
		"Q-FFX-6 session-level direction":    edit(t, body(good, "a=sendonly\r\n"), "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n"),
		"M-104 b=AS and b=TIAS":              edit(t, good, "c=IN IP4 0.0.0.0\r\n", "c=IN IP4 0.0.0.0\r\nb=AS:2500\r\nb=TIAS:2500000\r\n"),
		"N-066 sha-1":                        edit(t, good, "a=fingerprint:sha-256", "a=fingerprint:sha-1 "+strings.TrimSuffix(strings.Repeat("AB:", 20), ":")+"\r\na=x"),
		"N-066 upper-case hash":              edit(t, good, "a=fingerprint:sha-256", "a=fingerprint:SHA-256"),
		"8122 second fingerprint unknown":    edit(t, good, "a=fingerprint:sha-256", "a=fingerprint:sha3-256 AA:BB\r\na=fingerprint:sha-256"),
		"8858 rtcp-mux-only says rtcp-mux":   edit(t, good, "a=rtcp-mux\r\n", "a=rtcp-mux-only\r\n"),
		"unknown attributes":                 edit(t, good, "a=rtcp-mux\r\n", "a=rtcp-mux\r\na=framerate:30\r\na=imageattr:* send *\r\n"),
		"first tag of BUNDLE names no mid":   edit(t, good, "BUNDLE 0 1", "BUNDLE ghost 0 1"),
		"Q-OBS-13 other groups before":       edit(t, good, "a=group:BUNDLE", "a=group:LS 0\r\na=group:BUNDLE"),
		"bandwidth and title in the session": edit(t, good, "t=0 0\r\n", "c=IN IP4 192.0.2.1\r\nb=AS:1\r\nt=0 0\r\n"),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			mustPublish(t, text)
		})
	}
}

func TestTransportIsFoundOnEveryLevel(t *testing.T) {
	obs := offers.Get("obs")
	if o := mustParse(t, obs); o.Ufrag != "o8s1" || o.Setup != setupActpass || o.options != "ice2 trickle" {
		t.Errorf("T-40 session level: %q %q %q", o.Ufrag, o.Setup, o.options)
	}
	other := edit(t, obs, "a=mid:1\r\n", "a=mid:1\r\na=ice-ufrag:second\r\na=setup:passive\r\n")
	if o := mustParse(t, other); o.Ufrag != "o8s1" || o.Setup != setupActpass {
		t.Errorf("8843 7.1.3 a section that is not tagged counts: %q %q", o.Ufrag, o.Setup)
	}
	tagged := edit(t, other, "BUNDLE 0 1", "BUNDLE 1 0")
	if o := mustParse(t, tagged); o.Ufrag != "second" || o.Setup != setupPassive {
		t.Errorf("8843 7.1.3 the tagged section does not count: %q %q", o.Ufrag, o.Setup)
	}
	third := edit(t, tagged, "BUNDLE 1 0", "BUNDLE 2 1 0") + "m=text 0 RTP/AVP 100\r\na=mid:2\r\n"
	if o := mustParse(t, third); o.Ufrag != "second" {
		t.Errorf("N-052 the first tag is disabled, the next one is not taken: %q", o.Ufrag)
	}
	if o := mustParse(t, without(t, obs, "a=setup")); o.Setup != setupActive {
		t.Errorf("4145 4.1 default setup: %q", o.Setup)
	}
}

func TestFingerprintsPreferSHA256(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat("CD:", 64), ":")
	text := edit(t, two(), "a=fingerprint:sha-256", "a=fingerprint:sha-512 "+long+"\r\na=fingerprint:sha-256")
	if o := mustParse(t, text); !strings.HasPrefix(o.fingerprint, "sha-256 ") {
		t.Errorf("got %q", o.fingerprint)
	}
	only := edit(t, two(), "a=fingerprint:sha-256", "a=fingerprint:sha-512 "+strings.ToLower(long)+"\r\na=x")
	if o := mustParse(t, only); o.fingerprint != "sha-512 "+long {
		t.Errorf("got %q", o.fingerprint)
	}
}

func TestCandidatesAreTakenOutOnceAndBounded(t *testing.T) {
	o := mustParse(t, offers.Get("gstreamer-publish"))
	want := []string{
		"1 1 UDP 2015363327 192.0.2.30 47218 typ host",
		"2 1 TCP 1015021823 192.0.2.30 9 typ host tcptype active",
		"3 1 UDP 1677722111 198.51.100.7 47218 typ srflx raddr 192.0.2.30 rport 47218",
	}
	if !slices.Equal(o.Candidates, want) || !o.EndOfCandidates {
		t.Errorf("got %q, end %v", o.Candidates, o.EndOfCandidates)
	}
	if chrome := mustParse(t, offers.Get("chrome-publish")); chrome.EndOfCandidates {
		t.Error("chrome said nothing of the end")
	}
	var many strings.Builder
	for i := range 500 {
		fmt.Fprintf(&many, "a=candidate:1 1 UDP 1 192.0.2.1 %d typ host\r\n", 1000+i/2)
	}
	o = mustParse(t, two()+many.String())
	if len(o.Candidates) != maxOfferCandidates || o.Candidates[0] == o.Candidates[1] {
		t.Errorf("%d candidates, first %q", len(o.Candidates), o.Candidates[:2])
	}
}

func TestSummaryIsShortAndHasNoSecrets(t *testing.T) {
	cases := map[string]string{
		"obs-simulcast": "audio sendonly opus + video sendonly H264 simulcast 0;1;2, 0 candidates, setup actpass",
		"firefox-play":  "audio recvonly opus,G722,PCMU,PCMA + video recvonly VP8,VP9,H264, 1 candidates, setup actpass",
	}
	for name, want := range cases {
		if got := mustParse(t, offers.Get(name)).Summary(); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	data := two() + "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\nm=text 9 RTP/AVP 100\r\n"
	want := "audio sendonly opus + video sendonly H264 + application disabled + data + text, 0 candidates, setup passive"
	if got := mustParse(t, data).Summary(); got != want {
		t.Errorf("got %q", got)
	}
}

func TestValidCredentials(t *testing.T) {
	pwd := strings.Repeat("p", 22)
	cases := []struct {
		ufrag, pwd string
		want       bool
	}{
		{"abcd", pwd, true}, {"abc", pwd, false}, {"abcd", pwd[1:], false},
		{"ab+/", pwd, true}, {"ab\r\na=x", pwd, false}, {"abcd", pwd + " ", false},
		{strings.Repeat("u", 256), strings.Repeat("p", 256), true}, {"abcd", strings.Repeat("p", 257), false},
		{"abcé", pwd, false},
	}
	for _, c := range cases {
		if got := ValidCredentials(c.ufrag, c.pwd); got != c.want {
			t.Errorf("%q %q: %v", c.ufrag, c.pwd, got)
		}
	}
}
