package negotiate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// players are the offers of clients that play.
var players = []string{"chrome-play", "firefox-play", "gstreamer-play", "safari-play"}

func TestForPlayAnswersWhatIsLive(t *testing.T) {
	cases := map[string]string{
		"chrome-play":    "0 opus [111] / 1 H264 [109 114] nack pli fir remb",
		"firefox-play":   "0 opus [109] / 1 H264 [126 127] nack pli fir remb",
		"gstreamer-play": "audio0 opus [96] / video1 H264 [102] nack pli fir",
		"safari-play":    "0 H264 [98 99] nack pli fir remb / 1 opus [111]",
	}
	for _, name := range players {
		p := mustPlay(t, offers.Get(name), liveChannel())
		if got := describe(p); got != cases[name] {
			t.Errorf("M-096 %s: got %q, want %q", name, got, cases[name])
		}
		for _, s := range p.Sections {
			if s.Answer != sendonly || s.Rejected {
				t.Errorf("N-026 %s: section %s is %s", name, s.Mid, s.Answer)
			}
		}
	}
}

func TestForPlayRefuses(t *testing.T) {
	chrome := offers.Get("chrome-play")
	vp8only := edit(t, offers.Get("gstreamer-play"), "SAVPF 101 102 103 104", "SAVPF 101")
	second := edit(t, section(t, chrome, 1), "a=mid:1", "a=mid:2")
	cases := []struct {
		name, offer string
		want        *fault.Error
	}{
		{"T-33 sendonly", edit(t, chrome, "a=recvonly", "a=sendonly"), ErrBadDirection},
		{"T-33 inactive", edit(t, chrome, "a=recvonly", "a=inactive"), ErrBadDirection},
		{"N-025 one section sendonly", strings.Replace(chrome, "a=recvonly", "a=sendonly", 1), ErrBadDirection},
		{"two video sections", edit(t, chrome, "BUNDLE 0 1", "BUNDLE 0 1 2") + second, ErrTooManySections},
		{"T-48 only VP8", vp8only, ErrCodecUnsupported},
		{"no Opus", edit(t, chrome, "opus/48000/2", "multiopus/48000/6"), ErrCodecUnsupported},
		{"no rtcp-mux", without(t, chrome, "a=rtcp-mux"), ErrNoRTCPMux},
		{"no BUNDLE", without(t, chrome, "a=group"), ErrNoBundle},
		{"every media section disabled", onlyData(t, chrome), ErrNoMedia},
		{"only unencrypted sections", edit(t, chrome, "UDP/TLS/RTP/SAVPF", "RTP/AVP"), ErrNoMedia},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := mustParse(t, c.offer).ForPlay(liveChannel())
			if got := wantFault(t, err, c.want); got.Kind != fault.Unprocessable {
				t.Errorf("kind %d", got.Kind)
			}
		})
	}
}

func TestPlayRefusalNamesTheCodec(t *testing.T) {
	policy := liveChannel()
	policy.Video.Codecs = []router.Codec{video(router.AV1, "")}
	_, err := mustParse(t, offers.Get("firefox-play")).ForPlay(policy)
	if got := wantFault(t, err, ErrCodecUnsupported); got.Public != "The channel has AV1 video; the offer has VP8, VP9, H264." {
		t.Errorf("M-097: %q", got.Public)
	}
	only := PlayPolicy{Audio: MediaChoice{Absent: true}, Video: liveChannel().Video}
	_, err = mustParse(t, edit(t, offers.Get("chrome-play"), "m=video 9", "m=video 0")).ForPlay(only)
	if got := wantFault(t, err, ErrNoMedia); got.Public != "Nothing the offer asks for is there: the channel has video." {
		t.Errorf("%q", got.Public)
	}
}

func TestForPlayAccepts(t *testing.T) {
	chrome := offers.Get("chrome-play")
	data := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
	cases := []struct{ name, offer, want string }{
		{"T-32 sendrecv", edit(t, chrome, "a=recvonly", "a=sendrecv"), "0 opus [111] / 1 H264 [109 114] nack pli fir remb"},
		{"D14 disabled section", edit(t, chrome, "m=audio 9", "m=audio 0"), "0 application=false rejected=true / 1 H264 [109 114] nack pli fir remb"},
		{"N-221 data section", edit(t, chrome, "BUNDLE 0 1", "BUNDLE 0 1 2") + data, "0 opus [111] / 1 H264 [109 114] nack pli fir remb / 2 application=true rejected=false"},
		{"N-221 second data section", edit(t, chrome, "BUNDLE 0 1", "BUNDLE 0 1 2 3") + data + edit(t, data, "a=mid:2", "a=mid:3"), "0 opus [111] / 1 H264 [109 114] nack pli fir remb / 2 application=true rejected=false / 3 application=true rejected=true"},
		{"D14 text section", chrome + "m=text 9 RTP/AVP 100\r\na=mid:2\r\n", "0 opus [111] / 1 H264 [109 114] nack pli fir remb / 2 application=false rejected=true"},
		{"D14 text section in the bundle", edit(t, chrome, "BUNDLE 0 1", "BUNDLE 2 0 1") + "m=text 9 RTP/AVP 100\r\na=mid:2\r\n", "0 opus [111] / 1 H264 [109 114] nack pli fir remb / 2 application=false rejected=true"},
		{"nack for Opus without RTX", edit(t, chrome, "a=rtpmap:111 opus/48000/2\r\n", "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n"), "0 opus [111] / 1 H264 [109 114] nack pli fir remb"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := describe(mustPlay(t, c.offer, liveChannel())); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAbsentKindIsInactive(t *testing.T) {
	policy := liveChannel()
	policy.Audio = MediaChoice{Absent: true}
	p := mustPlay(t, offers.Get("chrome-play"), policy)
	audio := p.Sections[0]
	if audio.Answer != inactive || audio.Rejected || audio.PayloadTypes[0].Number != 111 {
		t.Errorf("T-51: %+v", audio)
	}
	if strings.Contains(p.SDP, "m=audio") || !hasLine(p.SDP, "a=group:BUNDLE 1") {
		t.Errorf("the stack sees the section:\n%s", p.SDP)
	}
	unknown := edit(t, offers.Get("gstreamer-play"), "OPUS/48000/2", "speex/32000")
	if s := mustPlay(t, unknown, policy).Sections[0]; !s.Rejected {
		t.Errorf("without any known codec: %+v", s)
	}
	policy.Audio = MediaChoice{}
	if s := mustPlay(t, offers.Get("chrome-play"), policy).Sections[0]; s.Answer != inactive {
		t.Errorf("no codecs: %s", s.Answer)
	}
}

func TestPlayAnswersAllWhereSectionsAreRefilled(t *testing.T) {
	cases := map[string]string{
		"chrome-play":    "H264 [109 114] VP8 [96 97] AV1 [45 46] VP9 [98 99] H265 [49 50]",
		"firefox-play":   "H264 [126 127] VP8 [120 124] VP9 [121 125]",
		"safari-play":    "H264 [98 99] VP8 [106 107] VP9 [108 109] H265 [104 105]",
		"gstreamer-play": "H264 [102] VP8 [101] VP9 [103] H265 [104]",
	}
	for name, want := range cases {
		p := mustPlay(t, offers.Get(name), waitingChannel())
		var got []string
		for _, s := range p.Sections {
			if s.Kind != router.Video {
				continue
			}
			for _, pt := range s.PayloadTypes {
				got = append(got, fmt.Sprint(pt.Codec.Name, " ", (&Section{PayloadTypes: []router.PayloadType{pt}}).numbers()))
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("M-090 %s: %s", name, text)
		}
	}
	current := waitingChannel()
	current.Video.Codecs = append([]router.Codec{video(router.VP9, "profile-id=2")}, current.Video.Codecs...)
	p := mustPlay(t, offers.Get("chrome-play"), current)
	if got := p.Sections[1].PayloadTypes[0]; got.Number != 100 || got.RTX != 101 {
		t.Errorf("M-096 the current codec is not first: %+v", got)
	}
}

func TestPlayMatchesProfiles(t *testing.T) {
	cases := []struct {
		name, offer string
		codec       router.Codec
		want        uint8 // 0: refused
	}{
		{"T-49 High towards 42e01f", "firefox-play", video(router.H264, fmtp640032), 126},
		{"M-095 same profile first", "chrome-play", video(router.H264, fmtp640032), 119},
		{"M-095 main", "chrome-play", video(router.H264, edit(t, fmtp42e01f, "42e01f", "4d0028")), 117},
		{"M-093 baseline of the same constraints", "chrome-play", video(router.H264, edit(t, fmtp42e01f, "42e01f", "42001f")), 103},
		{"M-094 seven digits", "chrome-play", video(router.H264, edit(t, fmtp42e01f, "42e01f", "4220020")), 109},
		{"M-095 unknown profile", "safari-play", video(router.H264, edit(t, fmtp42e01f, "42e01f", "f4001f")), 98},
		{"H264 mode 0", "firefox-play", video(router.H264, "profile-level-id=42e01f"), 97},
		{"H264 declared without parameters", "firefox-play", video(router.H264, ""), 126},
		{"VP9 profile 0", "chrome-play", video(router.VP9, ""), 98},
		{"M-102 VP9 profile 2", "chrome-play", video(router.VP9, "profile-id=2"), 100},
		{"M-102 VP9 profile 2 towards profile 0 only", "firefox-play", video(router.VP9, "profile-id=2"), 0},
		{"M-100 H265 without parameters", "chrome-play", video(router.H265, ""), 49},
		{"M-100 H265 without parameters on both sides", "gstreamer-play", video(router.H265, ""), 104},
		{"M-100 H265 main 10", "safari-play", video(router.H265, "profile-id=2"), 0},
		{"M-100 H265 over several streams", "h265-mrst", video(router.H265, ""), 0},
		{"M-101 AV1 without parameters", "chrome-play", video(router.AV1, ""), 45},
		{"M-101 AV1 profile 1", "chrome-play", video(router.AV1, "profile=1"), 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			policy := liveChannel()
			policy.Video.Codecs = []router.Codec{c.codec}
			p, err := mustParse(t, playerOffer(t, c.offer)).ForPlay(policy)
			if c.want == 0 {
				wantFault(t, err, ErrCodecUnsupported)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range p.Sections {
				if s.Kind == router.Video && s.PayloadTypes[0].Number != c.want {
					t.Errorf("payload type %d, want %d", s.PayloadTypes[0].Number, c.want)
				}
			}
		})
	}
}

func TestH264ModesOfViewers(t *testing.T) {
	modeZero := edit(t, offers.Get("gstreamer-play"), "packetization-mode=1;", "")
	policy := liveChannel()
	_, err := mustParse(t, modeZero).ForPlay(policy)
	wantFault(t, err, ErrCodecUnsupported) // fragmented units can't be sent in mode 0
	policy.Video.Codecs[0].Fmtp = ""
	if p := mustPlay(t, modeZero, policy); p.Sections[1].PayloadTypes[0].Number != 102 {
		t.Error("a stream of undeclared mode is refused to mode 0")
	}
	policy.Video.Codecs[0].Fmtp = "profile-level-id=42e01f"
	if p := mustPlay(t, offers.Get("gstreamer-play"), policy); p.Sections[1].PayloadTypes[0].Number != 102 {
		t.Error("6184 5.4: mode 0 is refused to mode 1")
	}
}

func TestStereoIsToldToViewers(t *testing.T) {
	policy := liveChannel()
	policy.Audio.Codecs = []router.Codec{opus("minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1")}
	p := mustPlay(t, offers.Get("gstreamer-play"), policy)
	got := p.Sections[0].parameters[96]
	for _, want := range []string{"stereo=1", "sprop-stereo=1", "useinbandfec=1"} {
		if strings.Count(";"+got+";", ";"+want+";") != 1 {
			t.Errorf("M-098: %q lacks %s", got, want)
		}
	}
	if strings.Contains(got, "maxaveragebitrate") {
		t.Errorf("the publisher's bounds are told: %q", got)
	}
	p = mustPlay(t, offers.Get("firefox-play"), liveChannel())
	if got := p.Sections[0].parameters[109]; got != "maxplaybackrate=48000;stereo=1;useinbandfec=1" {
		t.Errorf("the offered parameters are changed: %q", got)
	}
}

// playerOffer returns an offer by name; h265-mrst is a variant of Safari's.
func playerOffer(t *testing.T, name string) string {
	t.Helper()
	if name == "h265-mrst" {
		return edit(t, offers.Get("safari-play"), "tx-mode=SRST", "tx-mode=MRST")
	}
	return offers.Get(name)
}
