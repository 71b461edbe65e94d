package negotiate

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// stack answers plans with the real WebRTC stack.
type stack struct {
	settings webrtc.SettingEngine
}

// newStack gathers one address on loopback, whatever the machine has.
func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn})
	t.Cleanup(func() {
		_ = mux.Close()
		_ = conn.Close()
	})
	s.settings.SetICEUDPMux(mux)
	s.settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.settings.SetIncludeLoopbackCandidate(true)
	s.settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return s
}

// engine registers the codecs and extensions of the gateway.
func engine(t *testing.T) *webrtc.MediaEngine {
	t.Helper()
	m := &webrtc.MediaEngine{}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	next := uint8(96)
	add := func(mime, fmtp string) {
		if next == 111 {
			next = 112
		}
		must(m.RegisterCodec(codecOf(mime, 90000, 0, fmtp, next), webrtc.RTPCodecTypeVideo))
		if next++; mime != "video/rtx" && next != 111 {
			must(m.RegisterCodec(codecOf("video/rtx", 90000, 0, fmt.Sprintf("apt=%d", next-1), next), webrtc.RTPCodecTypeVideo))
			next++
		}
	}
	for _, profile := range []string{"42e01f", "42001f"} {
		for _, mode := range []string{"1", "0"} {
			add("video/H264", "level-asymmetry-allowed=1;packetization-mode="+mode+";profile-level-id="+profile)
		}
	}
	add("video/VP8", "")
	add("video/AV1", "")
	add("video/VP9", "profile-id=0")
	next = 35
	add("video/VP9", "profile-id=2")
	add("video/H265", "")
	must(m.RegisterCodec(codecOf("audio/opus", 48000, 2, "minptime=10;useinbandfec=1", 111), webrtc.RTPCodecTypeAudio))
	must(m.RegisterCodec(codecOf("audio/G722", 8000, 0, "", 9), webrtc.RTPCodecTypeAudio))
	must(m.RegisterCodec(codecOf("audio/PCMU", 8000, 0, "", 0), webrtc.RTPCodecTypeAudio))
	must(m.RegisterCodec(codecOf("audio/PCMA", 8000, 0, "", 8), webrtc.RTPCodecTypeAudio))
	for uri := range forwarded {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			must(m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind))
		}
	}
	return m
}

func codecOf(mime string, clock uint32, channels uint16, fmtp string, pt uint8) webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: clock, Channels: channels, SDPFmtpLine: fmtp},
		PayloadType:        webrtc.PayloadType(pt),
	}
}

// open makes a connection that Cleanup closes.
func (s *stack) open(t *testing.T) *webrtc.PeerConnection {
	t.Helper()
	api := webrtc.NewAPI(webrtc.WithSettingEngine(s.settings), webrtc.WithMediaEngine(engine(t)))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}

// track is a slot: it is bound and writes nothing.
type track struct {
	*webrtc.TrackLocalStaticRTP
}

func newTrack(t *testing.T, s Section, stream string) *track {
	t.Helper()
	mime := s.Kind.String() + "/" + s.PayloadTypes[0].Codec.Name
	local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, s.Kind.String(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return &track{local}
}

// answer lets the connection answer the plan, candidates gathered.
func answer(t *testing.T, pc *webrtc.PeerConnection, plan *Plan, offer string) string {
	t.Helper()
	if pc.CurrentRemoteDescription() == nil {
		addTracks(t, pc, plan)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		t.Fatalf("%v in\n%s", err, offer)
	}
	ans, err := pc.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(ans); err != nil {
		t.Fatal(err)
	}
	<-gathered
	return pc.LocalDescription().SDP
}

func addTracks(t *testing.T, pc *webrtc.PeerConnection, plan *Plan) {
	t.Helper()
	for _, s := range plan.Sections {
		if s.Answer != sendonly || s.Rejected {
			continue
		}
		init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
		if _, err := pc.AddTransceiverFromTrack(newTrack(t, s, plan.streamID), init); err != nil {
			t.Fatal(err)
		}
	}
}

// finished answers the plan for the client.
func finished(t *testing.T, plan *Plan, opt AnswerOptions) string {
	t.Helper()
	text, err := plan.Finish(answer(t, newStack(t).open(t), plan, plan.SDP), opt)
	if err != nil {
		t.Fatalf("finish: %v", err)
	}
	return string(text)
}

func TestAnswersToPublishers(t *testing.T) {
	for _, name := range publishers {
		t.Run(name, func(t *testing.T) {
			plan := mustPublish(t, offers.Get(name))
			text := finished(t, plan, DefaultAnswerOptions())
			checkAnswer(t, offers.Get(name), text)
			if len(linesWith(text, "a=recvonly")) != len(plan.Sections) {
				t.Errorf("N-024:\n%s", text)
			}
		})
	}
}

func TestAnswersToPlayers(t *testing.T) {
	for _, name := range players {
		for policyName, policy := range map[string]PlayPolicy{"live": liveChannel(), "waiting": waitingChannel()} {
			t.Run(name+" "+policyName, func(t *testing.T) {
				plan := mustPlay(t, offers.Get(name), policy)
				text := finished(t, plan, DefaultAnswerOptions())
				checkAnswer(t, offers.Get(name), text)
				checkMsid(t, text, policy.StreamID)
				if len(linesWith(text, "a=sendonly")) != 2 {
					t.Errorf("N-026:\n%s", text)
				}
			})
		}
	}
}

// checkMsid holds T-50: one stream and one CNAME in all sections, and an SSRC
// line for every member of a group.
func checkMsid(t *testing.T, text, stream string) {
	t.Helper()
	msids := linesWith(text, "a=msid:")
	if len(msids) != len(linesWith(text, "m=")) {
		t.Errorf("N-061 %d msid lines:\n%s", len(msids), text)
	}
	for _, l := range msids {
		if !strings.HasPrefix(l, "a=msid:"+stream+" ") {
			t.Errorf("N-061 %q", l)
		}
	}
	cnames := make(map[string]bool)
	for _, l := range linesWith(text, "a=ssrc:") {
		if _, cname, ok := strings.Cut(l, " cname:"); ok {
			cnames[cname] = true
		}
	}
	if len(cnames) != 1 {
		t.Errorf("M-072 CNAMEs %v", cnames)
	}
	for _, g := range linesWith(text, "a=ssrc-group:FID ") {
		for _, ssrc := range strings.Fields(g)[1:] {
			if !strings.Contains(text, "\r\na=ssrc:"+ssrc+" cname:") {
				t.Errorf("M-009 Q-CHR-4 %s has no a=ssrc", ssrc)
			}
		}
	}
	if rtx := strings.Count(text, " rtx/90000"); (rtx > 0) != strings.Contains(text, "a=ssrc-group:FID") {
		t.Errorf("T8 %d RTX codecs, but groups %q", rtx, linesWith(text, "a=ssrc-group"))
	}
}

func TestRolesOfTheAnswer(t *testing.T) {
	cases := map[string]string{"ffmpeg8-video-only": "active", "obs": "active", "ffmpeg9": "active"}
	for name, want := range cases {
		text := finished(t, mustPublish(t, offers.Get(name)), DefaultAnswerOptions())
		if got := linesWith(text, "a=setup:"); len(got) == 0 || slices.ContainsFunc(got, func(l string) bool { return l != "a=setup:"+want }) {
			t.Errorf("T-35 N-055 %s: %q", name, got)
		}
	}
	active := edit(t, two(), "setup:passive", "setup:active")
	if text := finished(t, mustPublish(t, active), DefaultAnswerOptions()); !hasLine(text, "a=setup:passive") {
		t.Errorf("T-36:\n%s", text)
	}
}

func TestAnswerTexts(t *testing.T) {
	t.Run("T-35 FFmpeg 8.0 video only", func(t *testing.T) {
		text := finished(t, mustPublish(t, offers.Get("ffmpeg8-video-only")), DefaultAnswerOptions())
		wantLines(t, text, "a=group:BUNDLE 1", "m=video 9 UDP/TLS/RTP/SAVPF 106", "a=mid:1",
			"a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4220020")
	})
	t.Run("T-42 OBS simulcast", func(t *testing.T) {
		text := finished(t, mustPublish(t, offers.Get("obs-simulcast")), DefaultAnswerOptions())
		wantLines(t, text, "a=simulcast:recv 0;1;2", "a=rid:0 recv", "a=rid:1 recv", "a=rid:2 recv",
			"a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
			"a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1")
		if n := len(linesWith(text, "a=simulcast")) + len(linesWith(text, "a=rid")); n != 4 {
			t.Errorf("N-210 Q-OBS-8 %d lines", n)
		}
	})
	t.Run("T-34 RFC 9725", func(t *testing.T) {
		text := finished(t, mustPublish(t, offers.Get("rfc9725")), DefaultAnswerOptions())
		wantLines(t, text, "a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=rtpmap:96 VP8/90000")
	})
	t.Run("Q-GST mids", func(t *testing.T) {
		text := finished(t, mustPublish(t, offers.Get("gstreamer-publish")), DefaultAnswerOptions())
		wantLines(t, text, "a=group:BUNDLE video0 audio1", "a=mid:video0", "a=mid:audio1", "m=video 9 UDP/TLS/RTP/SAVPF 100 101")
	})
	t.Run("N-051 no group without one in the offer", func(t *testing.T) {
		text := finished(t, mustPublish(t, without(t, offers.Get("obs-video-only"), "a=group")), DefaultAnswerOptions())
		wantLines(t, text, "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1")
		if strings.Contains(text, "a=group") {
			t.Errorf("%s", text)
		}
	})
	t.Run("8829 no mid without one in the offer", func(t *testing.T) {
		text := finished(t, mustPublish(t, without(t, offers.Get("obs-video-only"), "a=mid")), DefaultAnswerOptions())
		if strings.Contains(text, "a=mid") || strings.Contains(text, "a=group") {
			t.Errorf("%s", text)
		}
	})
	t.Run("M-082 extmap direction reversed", func(t *testing.T) {
		text := finished(t, mustPlay(t, offers.Get("firefox-play"), liveChannel()), DefaultAnswerOptions())
		wantLines(t, text, "a=extmap:6/sendonly "+router.ExtPlayoutDelay)
	})
	t.Run("M-104 x-google parameters", func(t *testing.T) {
		offer := edit(t, offers.Get("rfc9725"), "a=rtpmap:97", "a=fmtp:96 max-fr=30; x-google-start-bitrate=9000\r\na=rtpmap:97")
		wantLines(t, finished(t, mustPublish(t, offer), DefaultAnswerOptions()), "a=fmtp:96 max-fr=30")
	})
	t.Run("extmap-allow-mixed only if offered", func(t *testing.T) {
		if text := finished(t, mustPublish(t, offers.Get("obs")), DefaultAnswerOptions()); hasLine(text, "a=extmap-allow-mixed") {
			t.Error("not offered by OBS")
		}
		wantLines(t, finished(t, mustPublish(t, offers.Get("chrome-publish")), DefaultAnswerOptions()), "a=extmap-allow-mixed")
	})
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !hasLine(text, l) {
			t.Errorf("no line %q in\n%s", l, text)
		}
	}
}

func TestInactiveAndRejectedSections(t *testing.T) {
	policy := liveChannel()
	policy.Audio = MediaChoice{Absent: true}
	offer := edit(t, offers.Get("chrome-play"), "BUNDLE 0 1", "BUNDLE 2 0 1 3") +
		"m=text 9 RTP/AVP 100\r\na=mid:2\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:3\r\na=max-message-size:65536\r\n"
	text := finished(t, mustPlay(t, offer, policy), DefaultAnswerOptions())
	checkAnswer(t, offer, text)
	wantLines(t, text, "a=group:BUNDLE 0 1 3", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=text 0 RTP/AVP 100", "a=mid:2",
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:5000")
	if audio := section(t, text, 0); !hasLine(audio, "a=inactive") || strings.Contains(audio, "a=ssrc") ||
		!hasLine(audio, "a=msid:stream audio") || strings.Count(text, "a=candidate") == 0 {
		t.Errorf("M-074 T-51:\n%s", audio)
	}
	disabled := edit(t, offers.Get("chrome-play"), "m=audio 9", "m=audio 0")
	text = finished(t, mustPlay(t, disabled, liveChannel()), DefaultAnswerOptions())
	wantLines(t, text, "a=group:BUNDLE 1", "m=audio 0 UDP/TLS/RTP/SAVPF 111", "a=mid:0")
	if got := section(t, text, 1); !strings.Contains(got, "a=candidate:") {
		t.Errorf("candidates are not in the first accepted section:\n%s", text)
	}
}

func TestDataSections(t *testing.T) {
	offer := edit(t, two(), "BUNDLE 0 1", "BUNDLE 0 1 2") +
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
	text := finished(t, mustPublish(t, offer), DefaultAnswerOptions())
	checkAnswer(t, offer, text)
	data := section(t, text, 2)
	wantLines(t, data, "a=mid:2", "a=sctp-port:5000", "a=setup:active")
	if strings.Contains(data, "rtcp") || !strings.Contains(data, "a=max-message-size:") {
		t.Errorf("N-221:\n%s", data)
	}
}

func TestLiteAndMuxOnlyAreSwitchable(t *testing.T) {
	plan := mustPublish(t, offers.Get("obs"))
	local := answer(t, newStack(t).open(t), plan, plan.SDP)
	cases := []struct {
		opt           AnswerOptions
		lite, muxOnly bool
	}{
		{DefaultAnswerOptions(), false, true},
		{AnswerOptions{}, false, false},
		{AnswerOptions{Lite: true, RTCPMuxOnly: true}, true, true},
	}
	for _, c := range cases {
		b, err := plan.Finish(local, c.opt)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if hasLine(text, "a=ice-lite") != c.lite || hasLine(text, "a=rtcp-mux-only") != c.muxOnly || !hasLine(text, "a=rtcp-mux") {
			t.Errorf("D1 N-058 %+v:\n%s", c.opt, text)
		}
	}
}
