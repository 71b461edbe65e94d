package audience

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const goodAnswer = `v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-lite
a=fingerprint:SHA-256 ab:cd
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=setup:passive
a=mid:0
a=ice-ufrag:u
a=ice-pwd:p
a=rtpmap:111 OPUS/48000/2
a=rtcp-fb:* nack
a=candidate:1 1 UDP 100 192.0.2.1 8190 typ host
a=candidate:2 1 udp 200 2001:db8::1 8190 typ host generation 0
a=candidate:2 2 udp 300 2001:db8::1 8191 typ host
a=candidate:3 1 tcp 400 192.0.2.1 8190 typ host tcptype passive
a=candidate:4 1 udp 500 server.local 8190 typ host
a=candidate:5 1 udp 600 0.0.0.0 8190 typ host
a=candidate:6 1 udp 700 192.0.2.1 0 typ host
a=candidate:garbage
a=sendonly
m=video 0 UDP/TLS/RTP/SAVPF 98
a=rtpmap:98 H265/90000
m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=ice-ufrag:other
a=rtpmap:96 H264/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96;x=1
a=fmtp:98 apt=96
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=extmap:5/recvonly http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=ssrc-group:FID 1000 2000
a=candidate:1 1 udp 100 192.0.2.1 8190 typ host
`

func TestAnswersAreRead(t *testing.T) {
	for _, text := range []string{goodAnswer, strings.ReplaceAll(goodAnswer, "\n", "\r\n")} {
		a, err := parseAnswer(text)
		if err != nil {
			t.Fatal(err)
		}
		if a.ufrag != "u" || a.pwd != "p" || a.active || a.transportCC != 5 || a.repair[2000] != 1000 {
			t.Errorf("%+v", a)
		}
		if !slices.Equal(a.prints, []fingerprint{{"sha-256", "AB:CD"}}) {
			t.Errorf("fingerprints %v", a.prints)
		}
		want := []candidate{{netip.MustParseAddrPort("[2001:db8::1]:8190"), 200}, {netip.MustParseAddrPort("192.0.2.1:8190"), 100}}
		if !slices.Equal(a.candidates, want) {
			t.Errorf("candidates %v", a.candidates)
		}
		for n, want := range map[uint8]payloadType{
			111: {name: "opus", clock: 48000, apt: noType, nack: true},
			96:  {video: true, name: "h264", clock: 90000, apt: noType, nack: true, pli: true, remb: true, transportCC: true},
			97:  {video: true, name: "rtx", clock: 90000, apt: 96},
		} {
			if a.types[n] != want {
				t.Errorf("payload type %d: %+v, want %+v", n, a.types[n], want)
			}
		}
		if len(a.types) != 3 {
			t.Errorf("types %v", a.types)
		}
	}
}

func TestAnswersThatCannotWork(t *testing.T) {
	for name, tc := range map[string]struct {
		without string
		want    error
	}{
		"no candidates":  {"a=candidate", errNoCandidate},
		"no credentials": {"a=ice-pwd", errNoCredentials},
		"no fingerprint": {"a=fingerprint", errNoFingerprint},
		"no sections":    {"m=", errNoMedia},
	} {
		var b strings.Builder
		for line := range strings.Lines(goodAnswer) {
			if !strings.HasPrefix(line, tc.without) {
				b.WriteString(line)
			}
		}
		if _, err := parseAnswer(b.String()); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesAreLookedUp(t *testing.T) {
	a, err := parseAnswer("a=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:sha-256 AB\nm=video 9 UDP/TLS/RTP/SAVPF 96\n" +
		"a=candidate:1 1 udp 7 localhost 8190 typ host\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.resolve(t.Context()); err != nil {
		t.Skipf("this machine cannot look up its own name: %v", err)
	}
	if c := a.candidates[0]; !c.addr.Addr().IsLoopback() || c.addr.Port() != 8190 || c.priority != 7 {
		t.Errorf("%v", a.candidates)
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(goodAnswer)
	f.Add("m=video 9 x 0\na=rtpmap:0\na=fmtp:0 apt=\na=rtcp-fb:\na=extmap:\na=ssrc-group:FID a b")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAnswer(text)
		if err == nil && (len(a.candidates)+len(a.named) == 0 || len(a.types) == 0) {
			t.Errorf("%+v", a)
		}
	})
}

func TestTheOfferIsWellFormed(t *testing.T) {
	own, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	text := newOffers(own.fingerprint, FeedbackLibwebrtc, 0).text(1<<63+7, "ufra", "password")
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(text); err != nil {
		t.Fatal(err)
	}
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Error("lines do not end in CRLF")
	}
	for _, m := range desc.MediaDescriptions {
		mapped := 0
		for _, a := range m.Attributes {
			if a.Key == "rtpmap" {
				mapped++
			}
		}
		if mapped != len(m.MediaName.Formats) || mapped == 0 {
			t.Errorf("%s: %d formats, %d rtpmap lines", m.MediaName.Media, len(m.MediaName.Formats), mapped)
		}
	}
}

// TestPionTakesTheOffer is the check by a second implementation.
func TestPionTakesTheOffer(t *testing.T) {
	own, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.GracefulClose() }()
	ufrag, pwd := newLocal()
	text := newOffers(own.fingerprint, FeedbackLibwebrtc, 0).text(5, ufrag, pwd)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: text}); err != nil {
		t.Fatal(err)
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"opus/48000/2", "H264/90000", "VP8/90000", "VP9/90000", "AV1/90000", "H265/90000", "apt=96", "apt=100"} {
		if !strings.Contains(answer.SDP, want) {
			t.Errorf("not answered: %s", want)
		}
	}
}

func TestOffersAskForTheFeedbackOfTheirKind(t *testing.T) {
	for mode, want := range map[Feedback][2]bool{ // transport-cc, goog-remb
		FeedbackLibwebrtc: {true, true}, FeedbackNone: {true, true}, FeedbackReports: {false, false}, FeedbackREMB: {false, true},
	} {
		text := newOffers("AA", mode, 0).text(1, "ufra", "password")
		got := [2]bool{strings.Contains(text, " transport-cc\r\n") && strings.Contains(text, transportCCURI), strings.Contains(text, " goog-remb\r\n")}
		if got != want || !want[0] && (strings.Contains(text, "transport-cc\r\n") || strings.Contains(text, transportCCURI)) {
			t.Errorf("%v offers %v", mode, got)
		}
		var back Feedback
		if err := back.UnmarshalText([]byte(mode.String())); err != nil || back != mode {
			t.Errorf("%v reads as %v, %v", mode, back, err)
		}
	}
	if new(Feedback).UnmarshalText([]byte("some")) == nil {
		t.Error("nonsense is taken")
	}
}
