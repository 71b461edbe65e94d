package testkit

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"
)

// payload types the peers of this package offer.
const (
	h264Type   = 106
	rtxType    = 107
	vp8Type    = 108
	vp8RTXType = 109
	opusType   = 111
)

// peerOptions shape one pion connection.
type peerOptions struct {
	net   transport.Net
	noRTX bool
	vp8   bool // too, behind H.264
	// transportCC offers feedback about every packet.
	transportCC bool
	accent      Accent
	levels      bool // offers the audio-level extension
	// relays are the TURN servers to use, and nothing but them.
	relays []webrtc.ICEServer
	quirks Quirks
	// bare leaves reports, requests and repairs to the caller.
	bare bool
	// buffers takes the decrypted packets past the stack's own receivers.
	buffers func(packetio.BufferPacketType, uint32) io.ReadWriteCloser
}

// newPeer makes a connection on loopback, or on a virtual network, with H.264
// and Opus and with NACK in both directions, as browsers have it.
func newPeer(t testing.TB, opt peerOptions) *webrtc.PeerConnection {
	t.Helper()
	media := &webrtc.MediaEngine{}
	opt.accent = opt.accent.complete()
	registerCodecs(t, media, opt)
	registerOrientation(t, media, opt.accent.Orientation)
	if opt.levels {
		must(t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio))
	}
	if opt.transportCC {
		offerTransportCC(t, media)
	}
	registry := &interceptor.Registry{}
	if !opt.bare {
		registerHelpers(t, registry, opt)
	}
	settings := webrtc.SettingEngine{}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetDTLSInsecureSkipHelloVerify(true)
	settings.SetRelayAcceptanceMinWait(0) // there is nothing better to wait for
	settings.BufferFactory = opt.buffers
	if opt.quirks.Settings != nil {
		opt.quirks.Settings(&settings)
	}
	if opt.net != nil {
		settings.SetNet(opt.net)
	} else {
		settings.SetIncludeLoopbackCandidate(true)
		settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
		settings.SetIPFilter(isIPv4)
	}
	var cfg webrtc.Configuration
	if len(opt.relays) > 0 {
		cfg.ICEServers, cfg.ICETransportPolicy = opt.relays, webrtc.ICETransportPolicyRelay
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings)).NewPeerConnection(cfg)
	must(t, err)
	return pc
}

// registerHelpers lets the stack report, ask for what is lost and repeat it.
func registerHelpers(t testing.TB, registry *interceptor.Registry, opt peerOptions) {
	t.Helper()
	for _, f := range []func() (interceptor.Factory, error){
		func() (interceptor.Factory, error) {
			return nack.NewGeneratorInterceptor(nack.GeneratorInterval(20 * time.Millisecond))
		},
		func() (interceptor.Factory, error) { return nack.NewResponderInterceptor(nack.ResponderSize(4096)) },
		func() (interceptor.Factory, error) { return report.NewReceiverInterceptor() },
		func() (interceptor.Factory, error) { return reportsOf(opt.quirks.clock(opt.accent.Ahead)) },
	} {
		factory, err := f()
		must(t, err)
		registry.Add(factory)
	}
}

func isIPv4(ip net.IP) bool {
	addr, ok := netip.AddrFromSlice(ip)
	return ok && addr.Unmap().Is4()
}

func registerCodecs(t testing.TB, media *webrtc.MediaEngine, opt peerOptions) {
	t.Helper()
	a := opt.accent
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	video := func(mime, fmtp string, pt, rtx uint8) {
		must(t, media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(pt), RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mime, ClockRate: 90000, RTCPFeedback: feedback, SDPFmtpLine: fmtp,
		}}, webrtc.RTPCodecTypeVideo))
		if !opt.noRTX {
			must(t, media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(rtx), RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", pt),
			}}, webrtc.RTPCodecTypeVideo))
		}
	}
	if a.VP8 {
		video(webrtc.MimeTypeVP8, "", a.VideoType, a.RTXType)
	} else {
		video(webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", a.VideoType, a.RTXType)
	}
	if opt.vp8 {
		video(webrtc.MimeTypeVP8, "", vp8Type, vp8RTXType)
	}
	must(t, media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(a.AudioType), RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}}, webrtc.RTPCodecTypeAudio))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// offer gathers and returns the complete offer.
func offer(t testing.TB, pc *webrtc.PeerConnection) string {
	t.Helper()
	o, err := pc.CreateOffer(nil)
	must(t, err)
	gathered := webrtc.GatheringCompletePromise(pc)
	must(t, pc.SetLocalDescription(o))
	select {
	case <-gathered:
	case <-time.After(10 * time.Second):
		t.Fatal("gathering takes more than 10 s")
	}
	return pc.LocalDescription().SDP
}

// withoutCandidates leaves the addresses out, as OBS does.
func withoutCandidates(sdp string) string {
	var b strings.Builder
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, "a=candidate:") && !strings.HasPrefix(line, "a=end-of-candidates") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// whenConnected returns a channel that is closed with the connection.
func whenConnected(pc *webrtc.PeerConnection) <-chan struct{} {
	connected := make(chan struct{})
	var done bool
	pc.OnICEConnectionStateChange(func(webrtc.ICEConnectionState) {})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected && !done {
			done = true
			close(connected)
		}
	})
	return connected
}
