package negotiate

import (
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

const connectTimeout = 10 * time.Second

// client is the other end: a connection of the same stack with its usual codecs.
func client(t *testing.T) *webrtc.PeerConnection {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}

// connected returns a channel that closes when pc is connected.
func connected(pc *webrtc.PeerConnection) <-chan struct{} {
	done := make(chan struct{})
	closed := false
	pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		if s == webrtc.ICEConnectionStateConnected && !closed {
			closed = true
			close(done)
		}
	})
	return done
}

func wait(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(connectTimeout):
		t.Fatal("not in time: " + what)
	}
}

// offerOf makes the client's offer without candidates, as OBS sends it.
func offerOf(t *testing.T, pc *webrtc.PeerConnection) string {
	t.Helper()
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	return offer.SDP
}

func accept(t *testing.T, pc *webrtc.PeerConnection, text string) {
	t.Helper()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: text}); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

func TestPublisherConnects(t *testing.T) {
	pub := client(t)
	video, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "video", "stream")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.AddTransceiverFromTrack(video, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		t.Fatal(err)
	}
	if _, err := pub.CreateDataChannel("chat", nil); err != nil {
		t.Fatal(err)
	}
	done := connected(pub)
	plan := mustPublish(t, offerOf(t, pub))
	accept(t, pub, finished(t, plan, DefaultAnswerOptions()))
	wait(t, "N-031 publisher without candidates", done)
	if got := describe(plan); !strings.HasPrefix(got, "0 H264 ") || !strings.HasSuffix(got, " / 1 application=true rejected=false") {
		t.Errorf("%s", got)
	}
}

func TestViewerConnectsAndGetsItsTrack(t *testing.T) {
	viewer := client(t)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := viewer.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	policy := liveChannel()
	policy.Audio = MediaChoice{Absent: true}
	policy.Video.Codecs = []router.Codec{{Name: router.VP8, ClockRate: 90000}}
	done := connected(viewer)
	plan := mustPlay(t, offerOf(t, viewer), policy)
	accept(t, viewer, finished(t, plan, DefaultAnswerOptions()))
	wait(t, "T-51 viewer of a channel without audio", done)
	codecs := viewer.GetTransceivers()[1].Receiver().GetParameters().Codecs
	if len(codecs) == 0 || codecs[0].MimeType != webrtc.MimeTypeVP8 {
		t.Errorf("M-096 the viewer heard of %v", codecs)
	}
}
