package peer

import (
	"fmt"
	"slices"
	"strconv"
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
	parameters := formatParameters(plan.SDP)
	for _, s := range plan.Sections {
		if !carriesMedia(s) {
			continue
		}
		if err := registerSection(&engine, s, parameters); err != nil {
			return nil, fmt.Errorf("section %q: %w", s.Mid, err)
		}
	}
	return webrtc.NewAPI(
		webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(&engine),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	), nil
}

// carriesMedia tells whether the stack sees the section at all; the plan leaves
// others out of its offer.
func carriesMedia(s negotiate.Section) bool {
	return !s.Application && !s.Rejected && s.Answer != "inactive"
}

// formatParameters finds the values of a=fmtp by payload type. The sections of a
// bundle may not use a number for different things (RFC 9143 section 10.1.2).
func formatParameters(sdp string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(sdp) {
		if v, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "a=fmtp:"); ok {
			number, value, _ := strings.Cut(v, " ")
			found[number] = value
		}
	}
	return found
}

func registerSection(engine *webrtc.MediaEngine, s negotiate.Section, parameters map[string]string) error {
	kind := codecType(s.Kind)
	for _, pt := range s.PayloadTypes { // what another section has registered already is passed over
		for _, c := range codecParameters(pt, kind, parameters) {
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
func codecParameters(pt router.PayloadType, kind webrtc.RTPCodecType, parameters map[string]string) []webrtc.RTPCodecParameters {
	list := []webrtc.RTPCodecParameters{{
		PayloadType: webrtc.PayloadType(pt.Number),
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:     kind.String() + "/" + pt.Codec.Name,
			ClockRate:    pt.Codec.ClockRate,
			Channels:     uint16(pt.Codec.Channels),
			SDPFmtpLine:  parameters[strconv.Itoa(int(pt.Number))],
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
