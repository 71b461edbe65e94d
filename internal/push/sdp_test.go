package push

import (
	"strings"
	"testing"
)

// ffmpegSDP is what ffmpeg -f rtp writes, with its headline on standard output.
const ffmpegSDP = `SDP:
v=0
o=- 0 0 IN IP4 127.0.0.1
s=No Name
c=IN IP4 127.0.0.1
t=0 0
a=tool:libavformat 60.16.100
m=video 5004 RTP/AVP 96
b=AS:1500
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHtoCgL/lhAAAAwAEAAADAMg8WLqA,aM4PyA==; profile-level-id=42C01E
m=audio 5006 RTP/AVP 97
b=AS:64
a=rtpmap:97 opus/48000/2
a=fmtp:97 sprop-stereo=1
`

func TestTheDescriptionThatFFmpegWritesIsRead(t *testing.T) {
	ports, err := ParseSDP(strings.ReplaceAll(ffmpegSDP, "\n", "\r\n"))
	if err != nil || len(ports) != 2 {
		t.Fatalf("%d ports, %v", len(ports), err)
	}
	video, audio := ports[0], ports[1]
	if video.Address != "127.0.0.1:5004" || video.PayloadType != 96 || video.Codec.MimeType != "video/H264" || !strings.HasSuffix(video.Codec.Parameters, "=42e01e") {
		t.Errorf("%+v", video)
	}
	if len(video.Parameters) != 2 || video.Parameters[0][0] != 0x67 || video.Parameters[1][0] != 0x68 {
		t.Errorf("parameter sets: %x", video.Parameters)
	}
	if audio.Address != "127.0.0.1:5006" || audio.Codec.MimeType != "audio/opus" || audio.PayloadType != 97 {
		t.Errorf("%+v", audio)
	}
}

func TestOtherDescriptions(t *testing.T) {
	const head = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	for name, tc := range map[string]struct{ media, want string }{
		"static payload type":   {"m=audio 7000 RTP/AVP 8\r\n", "127.0.0.1:7000 audio/PCMA 8"},
		"an address of its own": {"m=video 7000 RTP/AVP 97\r\nc=IN IP6 ::1\r\na=rtpmap:97 VP9/90000\r\n", "[::1]:7000 video/VP9 97"},
		"H.265":                 {"m=video 7000 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=fmtp:97 sprop-vps=QAE=;sprop-sps=QgE=;sprop-pps=RAE=\r\n", "127.0.0.1:7000 video/H265 97"},
		"multicast":             {"m=video 7000 RTP/AVP 97\r\nc=IN IP4 239.0.0.1/16\r\na=rtpmap:97 VP9/90000\r\n", "error: multicast"},
		"a name":                {"m=video 7000 RTP/AVP 97\r\nc=IN IP4 camera.example\r\na=rtpmap:97 VP9/90000\r\n", "error: is a name"},
		"a codec nobody plays":  {"m=video 7000 RTP/AVP 97\r\na=rtpmap:97 MP4V-ES/90000\r\n", "error: MP4V-ES"},
		"two videos":            {"m=video 1 RTP/AVP 97\r\na=rtpmap:97 VP9/90000\r\nm=video 2 RTP/AVP 97\r\na=rtpmap:97 VP9/90000\r\n", "error: more than one video"},
		"nothing":               {"", "error: neither"},
		"no payload type":       {"m=video 7000 RTP/AVP x\r\n", "error: payload type"},
	} {
		ports, err := ParseSDP(head + tc.media)
		if want, bad := strings.CutPrefix(tc.want, "error: "); bad {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p := ports[0]
		if got := strings.Join([]string{p.Address, p.Codec.MimeType, tc.want[strings.LastIndex(tc.want, " ")+1:]}, " "); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
		if name == "H.265" && len(p.Parameters) != 3 {
			t.Errorf("parameter sets %x", p.Parameters)
		}
	}
	if _, err := ParseSDP("hello"); err == nil {
		t.Error("text was taken for a description")
	}
}

func FuzzParseSDP(f *testing.F) {
	f.Add(ffmpegSDP)
	f.Add("v=0\nm=audio 7000 RTP/AVP 8\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParseSDP(text) })
}
