package ui

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// stubMedia is the pion side of a stub: one UDP socket that can be made deaf.
type stubMedia struct {
	t     *testing.T
	api   *webrtc.API
	mux   io.Closer
	conn  *deafConn
	codec webrtc.RTPCodecCapability
}

// deafConn loses everything while it is deaf.
type deafConn struct {
	net.PacketConn
	deaf atomic.Bool
}

func (c *deafConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(p)
		if err != nil || !c.deaf.Load() {
			return n, from, err
		}
	}
}

func (c *deafConn) WriteTo(p []byte, to net.Addr) (int, error) {
	if c.deaf.Load() {
		return len(p), nil
	}
	return c.PacketConn.WriteTo(p, to)
}

func newStubMedia(t *testing.T) *stubMedia {
	t.Helper()
	inner, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &stubMedia{t: t, conn: &deafConn{PacketConn: inner}}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	mux := webrtc.NewICEUDPMux(quiet.NewLogger("mux"), m.conn)
	m.mux = mux
	settings := webrtc.SettingEngine{LoggerFactory: quiet}
	settings.SetICEUDPMux(mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	m.codec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack", Parameter: "pli"}}}
	engine := &webrtc.MediaEngine{}
	register := func(codec webrtc.RTPCodecCapability, payload webrtc.PayloadType, kind webrtc.RTPCodecType) {
		if err := engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: codec, PayloadType: payload}, kind); err != nil {
			t.Fatal(err)
		}
	}
	register(m.codec, 96, webrtc.RTPCodecTypeVideo)
	register(opus, 111, webrtc.RTPCodecTypeAudio)
	for _, uri := range []string{sdp.SDESMidURI, sdp.SDESRTPStreamIDURI, sdp.SDESRepairRTPStreamIDURI} {
		if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
	}
	m.api = webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine))
	return m
}

var opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1;stereo=1"}

func (m *stubMedia) close() {
	_ = m.mux.Close()
	_ = m.conn.Close()
}

// stubChannel forwards one publisher to its viewers under constant SSRCs and
// continuous numbers.
type stubChannel struct {
	video, audio stubTrack

	mu        sync.Mutex
	publisher *webrtc.PeerConnection
	ssrc      uint32
}

func newStubChannel(t *testing.T, codec webrtc.RTPCodecCapability) *stubChannel {
	t.Helper()
	video, err := webrtc.NewTrackLocalStaticRTP(codec, "video", "stub")
	if err != nil {
		t.Fatal(err)
	}
	audio, err := webrtc.NewTrackLocalStaticRTP(opus, "audio", "stub")
	if err != nil {
		t.Fatal(err)
	}
	return &stubChannel{video: stubTrack{out: video}, audio: stubTrack{out: audio}}
}

// stubTrack continues one publisher's numbers with the next one's.
type stubTrack struct {
	out *webrtc.TrackLocalStaticRTP

	mu        sync.Mutex
	slots     map[*webrtc.TrackLocalStaticRTP]bool
	sequence  uint16
	timestamp uint32
}

// drain reads a layer that nobody is sent.
func drain(track *webrtc.TrackRemote) {
	for {
		if _, _, err := track.ReadRTP(); err != nil {
			return
		}
	}
}

// forward passes a publisher's packets on until it ends.
func (o *stubTrack) forward(track *webrtc.TrackRemote) {
	var first *rtp.Packet
	var sequence uint16
	var timestamp uint32
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		o.mu.Lock()
		if first == nil {
			first, sequence, timestamp = packet, o.sequence+1, o.timestamp+9000
		}
		o.sequence = sequence + packet.SequenceNumber - first.SequenceNumber
		o.timestamp = timestamp + packet.Timestamp - first.Timestamp
		header := rtp.Header{Version: 2, Marker: packet.Marker, SequenceNumber: o.sequence, Timestamp: o.timestamp}
		slots := slices.Collect(maps.Keys(o.slots))
		o.mu.Unlock()
		_ = o.out.WriteRTP(&rtp.Packet{Header: header, Payload: packet.Payload})
		for _, slot := range slots {
			_ = slot.WriteRTP(&rtp.Packet{Header: header, Payload: packet.Payload})
		}
	}
}

// feed forwards to a slot too, or no longer.
func (o *stubTrack) feed(slot *webrtc.TrackLocalStaticRTP, on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.slots == nil {
		o.slots = map[*webrtc.TrackLocalStaticRTP]bool{}
	}
	if on {
		o.slots[slot] = true
	} else {
		delete(o.slots, slot)
	}
}

func (ch *stubChannel) live() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.publisher != nil
}

// refresh asks the publisher for a key frame.
func (ch *stubChannel) refresh() {
	ch.mu.Lock()
	pc, ssrc := ch.publisher, ch.ssrc
	ch.mu.Unlock()
	if pc != nil && ssrc != 0 {
		_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
	}
}

// stubSession is one PeerConnection with its goroutines.
type stubSession struct {
	pc   *webrtc.PeerConnection
	work sync.WaitGroup
	once sync.Once

	path   string
	onGone func()

	mu         sync.Mutex
	offer      string
	generation int
}

func (m *stubMedia) session(offer string) (*stubSession, error) {
	pc, err := m.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	s := &stubSession{pc: pc, offer: offer}
	return s, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
}

func (s *stubSession) close() {
	s.once.Do(func() {
		_ = s.pc.GracefulClose()
		s.work.Wait()
	})
}

func (s *stubSession) etag() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf(`"g%d"`, s.generation)
}

var simulcastLine = regexp.MustCompile(`a=simulcast:send ([^;\s]+)`)

// lowest is the layer that is passed on, empty without simulcast: browsers name the
// lowest first, and pause any other one while they have little processor or network.
func (s *stubSession) lowest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := simulcastLine.FindStringSubmatch(s.offer); found != nil {
		return found[1]
	}
	return ""
}

func (s *stubSession) publishes(ch *stubChannel) {
	ch.mu.Lock()
	ch.publisher = s.pc
	ch.mu.Unlock()
	s.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		out := &ch.audio
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			if track.RID() != s.lowest() {
				s.work.Go(func() { drain(track) })
				return
			}
			out = &ch.video
			ch.mu.Lock()
			ch.ssrc = uint32(track.SSRC())
			ch.mu.Unlock()
		}
		s.work.Go(func() { out.forward(track) })
	})
	s.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state != webrtc.PeerConnectionStateClosed && state != webrtc.PeerConnectionStateFailed {
			return
		}
		ch.mu.Lock()
		if ch.publisher == s.pc {
			ch.publisher = nil
		}
		ch.mu.Unlock()
	})
}

func (s *stubSession) plays(ch *stubChannel) error {
	for _, track := range []*webrtc.TrackLocalStaticRTP{ch.audio.out, ch.video.out} {
		sender, err := s.pc.AddTrack(track)
		if err != nil {
			return err
		}
		s.work.Go(func() {
			for {
				packets, _, err := sender.ReadRTCP()
				if err != nil {
					return
				}
				for _, p := range packets {
					if _, ok := p.(*rtcp.PictureLossIndication); ok {
						ch.refresh()
					}
				}
			}
		})
	}
	return nil
}

func (s *stubSession) answer() (string, error) {
	gathered := webrtc.GatheringCompletePromise(s.pc)
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return s.pc.LocalDescription().SDP, nil
}

var (
	ufrag = regexp.MustCompile(`(?m)^a=ice-ufrag:(.*?)\r?$`)
	pwd   = regexp.MustCompile(`(?m)^a=ice-pwd:(.*?)\r?$`)
)

// patch is trickle or restart, told apart by the credentials.
func (s *stubSession) patch(c echo.Context) error {
	var body bytes.Buffer
	if _, err := body.ReadFrom(c.Request().Body); err != nil {
		return err
	}
	fragment := body.String()
	s.mu.Lock()
	same := ufrag.FindStringSubmatch(fragment)[1] == ufrag.FindStringSubmatch(s.offer)[1]
	s.mu.Unlock()
	if !same {
		return s.restart(c, fragment)
	}
	switch match := c.Request().Header.Get("If-Match"); {
	case match == "":
		return problem(c, http.StatusPreconditionRequired, "no-if-match", "PATCH needs If-Match.")
	case match != s.etag():
		return problem(c, http.StatusPreconditionFailed, "stale", "The ICE session is another one by now.")
	}
	for line := range strings.SplitSeq(fragment, "\r\n") {
		if candidate, ok := strings.CutPrefix(line, "a=candidate:"); ok && !strings.Contains(candidate, ".local") {
			if err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: "candidate:" + candidate}); err != nil {
				return problem(c, http.StatusBadRequest, "bad-candidate", err.Error())
			}
		}
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *stubSession) restart(c echo.Context, fragment string) error {
	if c.Request().Header.Get("If-Match") != "*" {
		return problem(c, http.StatusPreconditionFailed, "stale", "A restart wants If-Match: *.")
	}
	s.mu.Lock()
	s.offer = pwd.ReplaceAllString(ufrag.ReplaceAllString(s.offer, ufrag.FindString(fragment)), pwd.FindString(fragment))
	s.offer = strings.ReplaceAll(strings.ReplaceAll(s.offer, "\r", ""), "\n", "\r\n")
	offer := s.offer
	s.generation++
	s.mu.Unlock()
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return err
	}
	answer, err := s.answer()
	if err != nil {
		return err
	}
	var out []string
	for line := range strings.SplitSeq(answer, "\r\n") {
		if strings.HasPrefix(line, "a=ice-ufrag:") || strings.HasPrefix(line, "a=ice-pwd:") || strings.HasPrefix(line, "a=candidate:") {
			out = append(out, line)
		}
		if strings.HasPrefix(line, "m=") && len(out) > 0 {
			break
		}
	}
	c.Response().Header().Set("ETag", s.etag())
	return c.Blob(http.StatusOK, "application/trickle-ice-sdpfrag", []byte(strings.Join(out, "\r\n")+"\r\n"))
}
