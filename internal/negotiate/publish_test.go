package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// publishers are the offers of clients that publish.
var publishers = []string{
	"chrome-publish", "chrome-simulcast", "ffmpeg8", "ffmpeg8-video-only", "ffmpeg9",
	"firefox-publish", "gstreamer-publish", "obs", "obs-simulcast", "obs-video-only", "rfc9725",
}

func TestForPublishTakesEveryClient(t *testing.T) {
	cases := map[string]string{ // offer: sections with codec, payload types, feedback
		"chrome-publish":     "0 opus [111] cc / 1 H264 [109 114] nack pli fir cc",
		"chrome-simulcast":   "0 opus [111] cc / 1 H264 [109 114] nack pli fir cc",
		"firefox-publish":    "0 opus [109] / 1 H264 [126 127] nack pli fir cc",
		"obs":                "0 opus [111] / 1 H264 [96] nack pli remb",
		"obs-simulcast":      "0 opus [111] / 1 H264 [96] nack pli remb",
		"obs-video-only":     "1 H264 [96] nack pli remb",
		"ffmpeg8":            "0 opus [111] / 1 H264 [106]",
		"ffmpeg8-video-only": "1 H264 [106]",
		"ffmpeg9":            "0 opus [111] / 1 H264 [106 105] nack",
		"gstreamer-publish":  "video0 H264 [100 101] nack pli fir cc / audio1 opus [106] cc",
		"rfc9725":            "0 opus [111] / 1 VP8 [96 97] nack pli fir",
	}
	for _, name := range publishers {
		p := mustPublish(t, offers.Get(name))
		if got := describe(p); got != cases[name] {
			t.Errorf("%s: got %q, want %q", name, got, cases[name])
		}
		for _, s := range p.Sections {
			if s.Answer != recvonly || s.Rejected {
				t.Errorf("N-024 %s: section %s is %s", name, s.Mid, s.Answer)
			}
		}
	}
}

func describe(p *Plan) string {
	var out []string
	for _, s := range p.Sections {
		if s.Application || s.Rejected {
			out = append(out, fmt.Sprintf("%s application=%v rejected=%v", s.Mid, s.Application, s.Rejected))
			continue
		}
		text := fmt.Sprint(s.Mid, " ", s.PayloadTypes[0].Codec.Name, " ", s.numbers())
		f := s.PayloadTypes[0].Feedback
		for _, b := range []struct {
			set  bool
			name string
		}{{f.NACK, "nack"}, {f.PLI, "pli"}, {f.FIR, "fir"}, {f.TransportCC, "cc"}, {f.REMB, "remb"}} {
			if b.set {
				text += " " + b.name
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, " / ")
}

func TestForPublishRefuses(t *testing.T) {
	good, chrome := two(), offers.Get("chrome-publish")
	data := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
	second := section(t, good, 1)
	cases := []struct {
		name, offer string
		want        *fault.Error
	}{
		{"T-31 recvonly", edit(t, good, "a=sendonly", "a=recvonly"), ErrBadDirection},
		{"T-31 inactive", edit(t, good, "a=sendonly", "a=inactive"), ErrBadDirection},
		{"Q-FFX-6 recvonly at session level", edit(t, without(t, good, "a=sendonly"), "t=0 0\r\n", "t=0 0\r\na=recvonly\r\n"), ErrBadDirection},
		{"N-023 one section recvonly", strings.Replace(good, "a=sendonly", "a=recvonly", 1), ErrBadDirection},
		{"T-37 two video sections", good + edit(t, second, "a=mid:1", "a=mid:2"), ErrTooManyTracks},
		{"T-37 two stream ids", edit(t, good, "msid:FFmpeg video", "msid:other video"), ErrTooManyTracks},
		{"N-027 two streams in one section", edit(t, chrome, "a=msid:5b7c1a4e-headgate-stream 6f5e4d3c-video-track", "a=msid:5b7c1a4e-headgate-stream x\r\na=msid:other x"), ErrTooManyTracks},
		{"N-027 two stream ids in a=ssrc only", edit(t, without(t, good, "a=msid:"), "msid:FFmpeg video", "msid:other video"), ErrTooManyTracks},
		{"N-027 two tracks in one section", edit(t, good, "a=ssrc:1740315529 msid:FFmpeg video", "a=ssrc:1740315529 msid:FFmpeg video2"), ErrTooManyTracks},
		{"N-027 layers by SSRC group", edit(t, chrome, "a=ssrc-group:FID", "a=ssrc-group:SIM 1 2 3\r\na=ssrc-group:FID"), ErrTooManyTracks},
		{"T-38 unknown video codec", edit(t, good, "H264/90000", "H263/90000"), ErrCodecUnsupported},
		{"T-38 unknown audio codec", edit(t, good, "opus/48000/2", "speex/32000"), ErrCodecUnsupported},
		{"M-092 opus at 16 kHz", edit(t, good, "opus/48000/2", "opus/16000/2"), ErrCodecUnsupported},
		{"M-098 opus without channels", edit(t, good, "opus/48000/2", "opus/48000"), ErrCodecUnsupported},
		{"M-092 video with another clock", edit(t, good, "H264/90000", "H264/8000"), ErrCodecUnsupported},
		{"M-092 audio codec in a video section", edit(t, good, "H264/90000", "opus/48000/2"), ErrCodecUnsupported},
		{"M-105 payload type 72", edit(t, good, "SAVPF 106 105", "SAVPF 72", ":106 ", ":72 "), ErrCodecUnsupported},
		{"8.1 interleaved mode", edit(t, good, "packetization-mode=1", "packetization-mode=2"), ErrCodecUnsupported},
		{"T-39 no rtcp-mux", without(t, good, "a=rtcp-mux"), ErrNoRTCPMux},
		{"N-053 one section without rtcp-mux", strings.Replace(good, "a=rtcp-mux\r\n", "", 1), ErrNoRTCPMux},
		{"N-053 bundle-only with a port is not bundle-only", edit(t, good, "a=rtcp-mux\r\n", "a=bundle-only\r\n"), ErrNoRTCPMux},
		{"M-100 H265 over several streams", edit(t, good, "H264/90000", "H265/90000", "a=fmtp:106 ", "a=fmtp:106 tx-mode=MRST;"), ErrCodecUnsupported},
		{"T-39 no BUNDLE", without(t, good, "a=group"), ErrNoBundle},
		{"N-051 one section outside BUNDLE", edit(t, good, "BUNDLE 0 1", "BUNDLE 0"), ErrNoBundle},
		{"N-051 a bundle each", edit(t, good, "BUNDLE 0 1", "BUNDLE 0\r\na=group:BUNDLE 1"), ErrNoBundle},
		{"N-051 no mids", without(t, good, "a=mid"), ErrNoBundle},
		{"N-221 two data sections", edit(t, good, "BUNDLE 0 1", "BUNDLE 0 1 2 3") + data + edit(t, data, "a=mid:2", "a=mid:3"), ErrSectionUnsupported},
		{"N-221 old data section", edit(t, good, "BUNDLE 0 1", "BUNDLE 0 1 2") + "m=application 9 DTLS/SCTP 5000\r\na=mid:2\r\n", ErrSectionUnsupported},
		{"N-221 data section over TCP", edit(t, good, "BUNDLE 0 1", "BUNDLE 0 1 2") + edit(t, data, "UDP/DTLS", "TCP/DTLS"), ErrSectionUnsupported},
		{"N-028 text section", good + "m=text 9 RTP/AVP 100\r\na=mid:2\r\n", ErrSectionUnsupported},
		{"N-028 unencrypted profile", edit(t, good, "m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVP"), ErrSectionUnsupported},
		{"D6 only the data section is enabled", onlyData(t, good), ErrNoMedia},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan, err := mustParse(t, c.offer).ForPublish(anyPublisher)
			if got := wantFault(t, err, c.want); got.Kind != fault.Unprocessable {
				t.Errorf("kind %d", got.Kind)
			}
			if plan != nil {
				t.Error("N-028 there is a plan all the same")
			}
		})
	}
}

func TestForPublishAccepts(t *testing.T) {
	good := two()
	cases := []struct{ name, offer, want string }{
		{"T-30 sendrecv", edit(t, good, "a=sendonly", "a=sendrecv"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"T-30 no direction at all", without(t, good, "a=sendonly"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"T-36 setup active", edit(t, good, "setup:passive", "setup:active"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"T-41 neither msid nor ssrc", without(t, without(t, good, "a=msid:"), "a=ssrc"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"8829 5.2.1 track in no stream", edit(t, good, "a=msid:FFmpeg audio", "a=msid:- audio"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"D6 disabled section", edit(t, good, "m=audio 9", "m=audio 0"), "0 application=false rejected=true / 1 H264 [106 105] nack"},
		{"T-47 data section", edit(t, good, "BUNDLE 0 1", "BUNDLE 0 1 2") + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n", "0 opus [111] / 1 H264 [106 105] nack / 2 application=true rejected=false"},
		{"M-106 static payload type without rtpmap", edit(t, good, "SAVPF 111", "SAVPF 8 0", "a=rtpmap:111 opus/48000/2\r\n", ""), "0 PCMU [0] / 1 H264 [106 105] nack"},
		{"M-105 payload type 35", edit(t, good, "SAVPF 106", "SAVPF 35", ":106 ", ":35 ", "apt=106", "apt=35"), "0 opus [111] / 1 H264 [35 105] nack"},
		{"M-092 names in another case", edit(t, good, "opus/", "OPUS/", "H264/", "h264/"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"M-103 wildcard feedback", edit(t, good, "a=rtcp-fb:106 nack", "a=rtcp-fb:* nack\r\na=rtcp-fb:* ccm fir"), "0 opus [111] / 1 H264 [106 105] nack fir"},
		{"8829 5.1.2 older profile", edit(t, good, "UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"apt of another payload type", edit(t, good, "apt=106", "apt=99"), "0 opus [111] / 1 H264 [106] nack"},
		{"N-027 SSRC group beside a=rid", edit(t, offers.Get("chrome-simulcast"), "a=rid:q", "a=ssrc-group:SIM 1 2 3\r\na=rid:q"), "0 opus [111] cc / 1 H264 [109 114] nack pli fir cc"},
		{"two RTX for one", edit(t, good, "SAVPF 106 105", "SAVPF 106 105 107", "a=fmtp:105", "a=rtpmap:107 RTX/90000\r\na=fmtp:107 apt=106\r\na=fmtp:105"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"8866 RTX in another case", edit(t, good, "rtx/", "RTX/"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"two of the same profile", edit(t, good, "SAVPF 106 105", "SAVPF 106 105 107", "a=fmtp:105", "a=rtpmap:107 H264/90000\r\na=fmtp:107 packetization-mode=1;profile-level-id=42e028\r\na=fmtp:105"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"second a=fmtp line", edit(t, good, "a=fmtp:105", "a=fmtp:106 packetization-mode=2\r\na=fmtp:105"), "0 opus [111] / 1 H264 [106 105] nack"},
		{"duplicate payload type", edit(t, good, "SAVPF 106 105", "SAVPF 106 106 105 x 300"), "0 opus [111] / 1 H264 [106 105] nack"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := describe(mustPublish(t, c.offer)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLoneSections(t *testing.T) {
	obs := offers.Get("obs-video-only")
	t.Run("T-3 without BUNDLE", func(t *testing.T) {
		p := mustPublish(t, without(t, obs, "a=group"))
		if !hasLine(p.SDP, "a=group:BUNDLE 1") || p.grouped {
			t.Errorf("grouped %v in\n%s", p.grouped, p.SDP)
		}
	})
	t.Run("without mid", func(t *testing.T) {
		p := mustPublish(t, without(t, obs, "a=mid"))
		if !hasLine(p.SDP, "a=mid:0") || !hasLine(p.SDP, "a=group:BUNDLE 0") || !p.Sections[0].midless {
			t.Errorf("%s", p.SDP)
		}
	})
	t.Run("without mid beside a disabled section that has it", func(t *testing.T) {
		p := mustPublish(t, without(t, obs, "a=mid")+"m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n")
		if p.Sections[0].Mid != "00" || p.Sections[1].Mid != "0" {
			t.Errorf("%q %q", p.Sections[0].Mid, p.Sections[1].Mid)
		}
	})
	t.Run("N-052 T-35 BUNDLE names a section that is not there", func(t *testing.T) {
		p := mustPublish(t, offers.Get("ffmpeg8-video-only"))
		if !hasLine(p.SDP, "a=group:BUNDLE 1") || !p.grouped || p.Setup != setupPassive {
			t.Errorf("grouped %v, setup %s in\n%s", p.grouped, p.Setup, p.SDP)
		}
	})
}

func TestPublishCodecFollowsThePolicy(t *testing.T) {
	cases := []struct {
		name   string
		policy []string
		want   string
	}{
		{"first of the list", []string{router.AV1, router.H264}, "AV1 [45 46]"},
		{"first missing from the offer", []string{"H266", router.VP8}, "VP8 [96 97]"},
		{"M-102 VP9 profile 0", []string{router.VP9}, "VP9 [98 99]"},
		{"M-092 policy in another case", []string{"vp8"}, "VP8 [96 97]"},
		{"M-100 H265", []string{router.H265}, "H265 [49 50]"},
	}
	for _, c := range cases {
		o := mustParse(t, offers.Get("chrome-publish"))
		p, err := o.ForPublish(PublishPolicy{Video: c.policy, Audio: []string{router.PCMA}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := fmt.Sprint(p.Sections[1].PayloadTypes[0].Codec.Name, " ", p.Sections[1].numbers()); got != c.want {
			t.Errorf("%s: got %s", c.name, got)
		}
		if p.Sections[0].PayloadTypes[0].Codec.Name != router.PCMA {
			t.Errorf("%s: audio %v", c.name, p.Sections[0].PayloadTypes)
		}
	}
}

func TestPublishRefusalNamesBothSides(t *testing.T) {
	o := mustParse(t, offers.Get("rfc9725"))
	_, err := o.ForPublish(PublishPolicy{Video: []string{router.H264, router.AV1}, Audio: everyAudio})
	got := wantFault(t, err, ErrCodecUnsupported)
	if got.Public != "No offered video codec can be used: offered VP8, taken H264, AV1." {
		t.Errorf("%q", got.Public)
	}
	hostile := mustParse(t, edit(t, two(), "H264/90000", "<b>evil</b>/90000"))
	_, err = hostile.ForPublish(anyPublisher)
	if got := wantFault(t, err, ErrCodecUnsupported); strings.Contains(got.Public, "evil") {
		t.Errorf("the client's text is repeated: %q", got.Public)
	}
}

func TestPublishFormatParametersAreKept(t *testing.T) {
	cases := map[string]string{
		"obs":                "profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1",
		"ffmpeg8-video-only": "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4220020",
	}
	for name, want := range cases {
		p := mustPublish(t, offers.Get(name))
		if got := p.Sections[len(p.Sections)-1].PayloadTypes[0].Codec.Fmtp; got != want {
			t.Errorf("M-094 %s: %q", name, got)
		}
	}
	p := mustPublish(t, offers.Get("obs"))
	if got := p.Sections[0].PayloadTypes[0].Codec.Fmtp; parameter(got, "sprop-stereo") != "1" {
		t.Errorf("M-098 stereo is lost: %q", got)
	}
}

func TestOneNumberForTwoCodecsIsRefused(t *testing.T) {
	cases := map[string]string{
		"media": edit(t, two(), "SAVPF 106 105", "SAVPF 111 105", ":106 ", ":111 ", "apt=106", "apt=111"),
		"RTX":   edit(t, two(), "SAVPF 106 105", "SAVPF 106 111", ":105 ", ":111 "),
	}
	for name, offer := range cases {
		_, err := mustParse(t, offer).ForPublish(anyPublisher)
		if got := wantFault(t, err, ErrBadOffer); !strings.Contains(got.Public, "111") {
			t.Errorf("9143 10.1.2 %s: %q", name, got.Public)
		}
	}
	unused := edit(t, offers.Get("chrome-publish"), "a=rtpmap:96 VP8", "a=rtpmap:111 VP8", "SAVPF 96 97", "SAVPF 111 97")
	mustPublish(t, unused) // the number that is not answered does no harm
}

func TestPublishDeclaredSources(t *testing.T) {
	cases := map[string][][]router.DeclaredSSRC{
		"chrome-publish":   {{{Media: 1032741823}}, {{Media: 2231627014, RTX: 632943048}}},
		"firefox-publish":  {{{Media: 2655508255}}, {{Media: 3735436831, RTX: 1232414151}}},
		"ffmpeg9":          {{{Media: 1740315527}}, {{Media: 1740315528, RTX: 1740315529}}},
		"obs-simulcast":    {{{Media: 3318725491}}, nil},
		"chrome-simulcast": {{{Media: 911548203}}, nil},
		"rfc9725":          {nil, nil},
	}
	ffmpeg := cases["ffmpeg9"][1]
	for name, want := range cases {
		for i, s := range mustPublish(t, offers.Get(name)).Sections {
			if !slices.Equal(s.SSRCs, want[i]) {
				t.Errorf("%s section %d: %v", name, i, s.SSRCs)
			}
		}
	}
	line := "a=ssrc-group:FID 1740315528 1740315529\r\n"
	swapped := edit(t, two(), line, "a=ssrc:1740315529 cname:FFmpeg\r\n") + line
	if got := mustPublish(t, swapped).Sections[1].SSRCs; !slices.Equal(got, ffmpeg) {
		t.Errorf("RTX declared first: %v", got)
	}
	noRTX := mustPublish(t, edit(t, two(), "apt=106", "apt=99"))
	if got := noRTX.Sections[1].SSRCs; !slices.Equal(got, []router.DeclaredSSRC{{Media: 1740315528}}) {
		t.Errorf("T8 the SSRC of retransmissions nobody sends: %v", got)
	}
}

func TestPublishStreamID(t *testing.T) {
	cases := map[string]string{"obs": "kQ3vGZ7mX2LbT0aP", "ffmpeg8": "FFmpeg", "gstreamer-publish": "user3344942761@headgate-test"}
	for name, want := range cases {
		for _, s := range mustPublish(t, offers.Get(name)).Sections {
			if s.StreamID != want {
				t.Errorf("%s: %q", name, s.StreamID)
			}
		}
	}
	if got := mustPublish(t, without(t, without(t, two(), "a=msid:"), "a=ssrc")).Sections[0].StreamID; got != "" {
		t.Errorf("without msid: %q", got)
	}
}

func TestCongestionFeedbackNeedsItsExtension(t *testing.T) {
	chrome := offers.Get("chrome-publish")
	p := mustPublish(t, without(t, chrome, "a=extmap:3 "))
	if f := p.Sections[1].PayloadTypes[0].Feedback; f.TransportCC || !f.REMB {
		t.Errorf("without the extension: %+v", f)
	}
	p = mustPublish(t, without(t, chrome, "a=rtcp-fb:109 transport-cc"))
	if _, kept := p.Sections[1].Extensions[router.ExtTransportCC]; kept {
		t.Error("the extension is kept without its feedback")
	}
}
