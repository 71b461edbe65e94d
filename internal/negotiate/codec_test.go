package negotiate

import (
	"testing"

	"github.com/headgate/headgate/router"
)

func TestParseCodec(t *testing.T) {
	cases := []struct {
		kind   router.Kind
		rtpmap string
		want   string
	}{
		{router.Video, "H264/90000", router.H264},
		{router.Video, "h264/90000", router.H264},
		{router.Video, "vp8/90000", router.VP8},
		{router.Audio, "OPUS/48000/2", router.Opus},
		{router.Audio, "pcmu/8000/1", router.PCMU},
		{router.Audio, "G722/8000", router.G722},
		{router.Audio, "opus/48000", ""},
		{router.Audio, "opus/48000/1", ""},
		{router.Audio, "opus/48000/2/2", ""},
		{router.Audio, "G722/16000", ""},
		{router.Audio, "PCMU/8000/2", ""},
		{router.Audio, "H264/90000", ""},
		{router.Video, "opus/48000/2", ""},
		{router.Video, "H264", ""},
		{router.Video, "", ""},
		{router.Video, "AV1X/90000", ""},
		{router.Audio, "red/48000/2", ""},
		{router.Audio, "CN/8000", ""},
		{router.Audio, "telephone-event/8000", ""},
		{router.Video, "ulpfec/90000", ""},
		{router.Video, "flexfec-03/90000", ""},
		{router.Video, "rtx/90000", ""},
	}
	for _, c := range cases {
		got, ok := parseCodec(c.kind, c.rtpmap)
		if ok != (c.want != "") || ok && got.Name != c.want {
			t.Errorf("M-092 M-099 %s %q: %v %v", c.kind, c.rtpmap, got, ok)
		}
	}
}

func TestH264Profiles(t *testing.T) {
	cases := map[string]h264Profile{
		"42e01f": constrainedBaseline, "42c01f": constrainedBaseline, "42E034": constrainedBaseline,
		"4d801f": constrainedBaseline, "58c01f": constrainedBaseline,
		"42001f": baseline, "42801f": baseline, "58801f": baseline, "": baseline, "42e0": baseline, "nonsense": baseline,
		"4d001f": mainProfile, "4d0028": mainProfile, "4d4029": mainProfile,
		"640c1f": constrainedHigh, "64001f": high, "640033": high, "640034": high,
		"6e0028": otherProfile, "f4001f": otherProfile,
		"4220020": constrainedBaseline, "422001f": constrainedBaseline, "6420020": baseline,
	}
	for id, want := range cases {
		fmtp := "packetization-mode=1;profile-level-id=" + id
		if got := h264ProfileOf(fmtp); got != want {
			t.Errorf("M-093 M-094 %q: %d, want %d", id, got, want)
		}
	}
	if h264ProfileOf("packetization-mode=1") != baseline || h264Mode("") != "0" {
		t.Error("6184 8.1 defaults")
	}
}

func TestH264PublishOrder(t *testing.T) {
	order := []string{ // constrained baseline, mode 1 first
		"packetization-mode=1;profile-level-id=42e01f",
		"packetization-mode=1;profile-level-id=42001f",
		"packetization-mode=1;profile-level-id=4d001f",
		"packetization-mode=1;profile-level-id=640c1f",
		"packetization-mode=1;profile-level-id=64001f",
		"packetization-mode=1;profile-level-id=f4001f",
		"profile-level-id=42e01f",
		"packetization-mode=0;profile-level-id=64001f",
	}
	for i := 1; i < len(order); i++ {
		if h264PublishRank(order[i-1]) >= h264PublishRank(order[i]) {
			t.Errorf("%q does not come before %q", order[i-1], order[i])
		}
	}
}

func TestParameters(t *testing.T) {
	const fmtp = "minptime=10; useinbandfec=1;Stereo=1"
	if parameter(fmtp, "useinbandfec") != "1" || parameter(fmtp, "stereo") != "1" || parameter(fmtp, "cbr") != "" {
		t.Error("reading")
	}
	cases := []struct{ fmtp, name, want string }{
		{"", "stereo", "stereo=1"},
		{"minptime=10; stereo=0", "stereo", "minptime=10;stereo=1"},
		{"Stereo=0;usedtx=1", "stereo", "usedtx=1;stereo=1"},
	}
	for _, c := range cases {
		if got := switchOn(c.fmtp, c.name); got != c.want {
			t.Errorf("%q: %q", c.fmtp, got)
		}
	}
}
