package push

import (
	"strings"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

// interceptors repair losses, report and answer like any other publisher.
func interceptors(media *webrtc.MediaEngine) (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, registry); err != nil {
		return nil, err
	}
	return registry, nil
}

// preferences offers one codec, with its retransmissions.
func preferences(mime string) []webrtc.RTPCodecParameters {
	video := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}, {Type: "transport-cc"}}
	codec := func(pt webrtc.PayloadType, clock uint32, channels uint16, fmtp string, feedback []webrtc.RTCPFeedback) webrtc.RTPCodecParameters {
		return webrtc.RTPCodecParameters{PayloadType: pt, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mime, ClockRate: clock, Channels: channels, SDPFmtpLine: fmtp, RTCPFeedback: feedback,
		}}
	}
	rtx := func(pt webrtc.PayloadType, apt string) webrtc.RTPCodecParameters {
		return webrtc.RTPCodecParameters{PayloadType: pt, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=" + apt,
		}}
	}
	switch strings.ToLower(mime) {
	case strings.ToLower(webrtc.MimeTypeH264):
		return []webrtc.RTPCodecParameters{
			codec(106, 90000, 0, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", video), rtx(107, "106"),
		}
	case strings.ToLower(webrtc.MimeTypeVP8):
		return []webrtc.RTPCodecParameters{codec(96, 90000, 0, "", video), rtx(97, "96")}
	case strings.ToLower(webrtc.MimeTypeVP9):
		return []webrtc.RTPCodecParameters{codec(98, 90000, 0, "profile-id=0", video), rtx(99, "98")}
	case strings.ToLower(webrtc.MimeTypeAV1):
		return []webrtc.RTPCodecParameters{codec(45, 90000, 0, "", video), rtx(46, "45")}
	default:
		return []webrtc.RTPCodecParameters{codec(111, 48000, 2, "minptime=10;useinbandfec=1", nil)}
	}
}
