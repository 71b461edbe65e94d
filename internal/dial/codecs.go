package dial

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"
)

// Codec is one codec to offer.
type Codec struct {
	// MimeType is spelled as in "video/H264".
	MimeType string
	// Parameters is the format (fmtp); empty means the usual one.
	Parameters string
}

// IsVideo tells video from audio.
func (c Codec) IsVideo() bool { return strings.HasPrefix(strings.ToLower(c.MimeType), "video/") }

// ClockRate is the codec's RTP clock in Hz.
func (c Codec) ClockRate() uint32 {
	if c.IsVideo() {
		return 90000
	}
	if strings.EqualFold(c.MimeType, webrtc.MimeTypeOpus) {
		return 48000
	}
	return 8000
}

const h264Format = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="

// H264Profile is the format of H.264 of one profile-level-id (RFC 6184 section
// 8.1), six hexadecimal digits.
func H264Profile(profileLevelID string) string { return h264Format + profileLevelID }

// VideoCodecs are those that a player takes, the likeliest first.
func VideoCodecs() []Codec {
	return append(H264Codecs(), Codec{MimeType: webrtc.MimeTypeVP8}, Codec{MimeType: webrtc.MimeTypeVP9},
		Codec{MimeType: webrtc.MimeTypeVP9, Parameters: "profile-id=2"}, Codec{MimeType: webrtc.MimeTypeAV1}, Codec{MimeType: webrtc.MimeTypeH265})
}

// H264Codecs are the profiles of H.264 that encoders use.
func H264Codecs() (list []Codec) {
	for _, profile := range []string{"42e01f", "42001f", "4d001f", "64001f", "640c1f"} {
		list = append(list, Codec{webrtc.MimeTypeH264, H264Profile(profile)})
	}
	return list
}

// AudioCodecs are those that a player takes.
func AudioCodecs() []Codec {
	return []Codec{{MimeType: webrtc.MimeTypeOpus}, {MimeType: webrtc.MimeTypeG722}, {MimeType: webrtc.MimeTypePCMU}, {MimeType: webrtc.MimeTypePCMA}}
}

// static are payload types and formats where none was given.
func (c Codec) static() (pt webrtc.PayloadType, format string, channels uint16) {
	switch strings.ToLower(c.MimeType) {
	case "audio/pcmu":
		return 0, "", 0
	case "audio/pcma":
		return 8, "", 0
	case "audio/g722":
		return 9, "", 0
	case "audio/opus":
		return 111, "minptime=10;useinbandfec=1", 2
	case "video/h264":
		return 0, H264Profile("42e01f"), 0
	case "video/vp9":
		return 0, "profile-id=0", 0
	}
	return 0, "", 0
}

// engine makes a media engine that offers these codecs and nothing else, video
// with retransmissions.
func engine(codecs []Codec) (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	next := webrtc.PayloadType(96)
	for _, c := range codecs {
		pt, format, channels := c.static()
		p := webrtc.RTPCodecParameters{PayloadType: pt, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: c.MimeType, ClockRate: c.ClockRate(), Channels: channels, SDPFmtpLine: cmp.Or(c.Parameters, format),
		}}
		kind := webrtc.RTPCodecTypeAudio
		if c.IsVideo() {
			kind, p.PayloadType = webrtc.RTPCodecTypeVideo, next
			p.RTCPFeedback = []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}} // the rest comes with the interceptors
		}
		if err := m.RegisterCodec(p, kind); err != nil {
			return nil, err
		}
		if !c.IsVideo() {
			continue
		}
		rtx := webrtc.RTPCodecParameters{PayloadType: next + 1, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: c.ClockRate(), SDPFmtpLine: fmt.Sprintf("apt=%d", next),
		}}
		if err := m.RegisterCodec(rtx, kind); err != nil {
			return nil, err
		}
		if next += 2; next == 110 {
			next += 2 // 111 is Opus
		}
	}
	return m, nil
}
