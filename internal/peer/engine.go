package peer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

// newAPI makes the stack's factory for one connection. The media engine knows
// what the plan answers and nothing else, so that every codec matches exactly
// and nothing is negotiated that nobody decided.
func newAPI(settings webrtc.SettingEngine, plan *negotiate.Plan) (*webrtc.API, error) {
	var engine webrtc.MediaEngine
	for _, s := range plan.Sections {
		if s.Application || s.Rejected {
			continue
		}
		if err := registerSection(&engine, s); err != nil {
			return nil, fmt.Errorf("section %q: %w", s.Mid, err)
		}
	}
	return webrtc.NewAPI(
		webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(&engine),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	), nil
}

func registerSection(engine *webrtc.MediaEngine, s negotiate.Section) error {
	kind := codecType(s.Kind)
	for _, pt := range s.PayloadTypes {
		for _, c := range codecParameters(pt, kind) {
			if err := engine.RegisterCodec(c, kind); err != nil {
				return err
			}
		}
	}
	for uri := range s.Extensions {
		if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
			return err
		}
	}
	return nil
}

// codecParameters describes a payload type and its retransmissions.
func codecParameters(pt router.PayloadType, kind webrtc.RTPCodecType) []webrtc.RTPCodecParameters {
	list := []webrtc.RTPCodecParameters{{
		PayloadType: webrtc.PayloadType(pt.Number),
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:     kind.String() + "/" + pt.Codec.Name,
			ClockRate:    pt.Codec.ClockRate,
			Channels:     uint16(pt.Codec.Channels),
			SDPFmtpLine:  pt.Codec.Fmtp,
			RTCPFeedback: rtcpFeedback(pt.Feedback),
		},
	}}
	if pt.RTX == 0 {
		return list
	}
	return append(list, webrtc.RTPCodecParameters{
		PayloadType: webrtc.PayloadType(pt.RTX),
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:    kind.String() + "/rtx",
			ClockRate:   pt.Codec.ClockRate,
			SDPFmtpLine: fmt.Sprintf("apt=%d", pt.Number),
		},
	})
}

func rtcpFeedback(f router.Feedback) []webrtc.RTCPFeedback {
	all := []struct {
		on bool
		fb webrtc.RTCPFeedback
	}{
		{f.NACK, webrtc.RTCPFeedback{Type: "nack"}},
		{f.PLI, webrtc.RTCPFeedback{Type: "nack", Parameter: "pli"}},
		{f.FIR, webrtc.RTCPFeedback{Type: "ccm", Parameter: "fir"}},
		{f.TransportCC, webrtc.RTCPFeedback{Type: "transport-cc"}},
		{f.REMB, webrtc.RTCPFeedback{Type: "goog-remb"}},
	}
	var list []webrtc.RTCPFeedback
	for _, a := range all {
		if a.on {
			list = append(list, a.fb)
		}
	}
	return list
}

func codecType(k router.Kind) webrtc.RTPCodecType {
	if k == router.Video {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}

// currentCodec finds what the answered payload type number pt is among the
// negotiated codecs, none of which may be retransmission.
func currentCodec(codecs []webrtc.RTPCodecParameters, pt uint8) (webrtc.RTPCodecParameters, bool) {
	i := slices.IndexFunc(codecs, func(c webrtc.RTPCodecParameters) bool {
		return c.PayloadType == webrtc.PayloadType(pt) && !strings.HasSuffix(strings.ToLower(c.MimeType), "/rtx")
	})
	if i < 0 {
		return webrtc.RTPCodecParameters{}, false
	}
	return codecs[i], true
}
