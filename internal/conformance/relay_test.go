package conformance_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// relay is a server that forwards packets and thinks of little else, for the cases
// about key frames and repair: those cannot be made wrong between HTTP and the
// gateway.
type relay struct {
	faults

	mu       sync.Mutex
	channels map[string]*relayed
	closing  []func()
}

// faults are what a relay does wrong.
type faults struct {
	// asksAlways asks for key frames ten times a second, asksForEach whenever a
	// viewer does.
	asksAlways, asksForEach bool
	// startsAnywhere forwards what comes, from the middle of a group too.
	startsAnywhere bool
	// noNACKs never says what it lost; resendsNothing serves no viewer's NACK, and
	// passesNACKs hands it on.
	noNACKs, resendsNothing, passesNACKs bool
	// compound puts a report before each NACK.
	compound bool
	// passesProbes hands on retransmissions of nothing.
	passesProbes bool
	// trusting takes any certificate.
	trusting bool
}

// relayed is a channel.
type relayed struct {
	publisher *webrtc.PeerConnection
	tracks    []*relayedTrack
	live      bool
}

type relayedTrack struct {
	mu    sync.Mutex
	kind  webrtc.RTPCodecType
	ssrc  uint32
	out   map[*webrtc.TrackLocalStaticRTP]bool // whether a key frame began
	codec webrtc.RTPCodecCapability
	// last is what was forwarded last, shift how many packets were put in.
	last  rtp.Header
	shift uint16
}

// serve runs a relay until the test is over.
func (f faults) serve(t *testing.T) http.Handler {
	t.Helper()
	m := &relay{faults: f, channels: make(map[string]*relayed)}
	t.Cleanup(func() {
		m.mu.Lock()
		closing := m.closing
		m.mu.Unlock()
		for _, f := range closing {
			f()
		}
	})
	return m
}

// ServeHTTP knows POST on endpoints and DELETE on sessions.
func (m *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	side, channel, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method != http.MethodPost {
		return // nothing that matters here
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.channels[channel]
	if c == nil || side == "whip" {
		c = &relayed{}
		m.channels[channel] = c
	}
	if side == "whep" && !c.live {
		w.WriteHeader(http.StatusConflict)
		return
	}
	answer, err := m.answer(c, side == "whip", string(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Location", "/session/x")
	w.Header().Set("Content-Type", "application/sdp")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

func (m *relay) answer(c *relayed, publishes bool, offer string) (string, error) {
	pc, err := m.connection(c, publishes)
	if err != nil {
		return "", err
	}
	m.closing = append(m.closing, func() { _ = pc.GracefulClose() })
	if publishes {
		c.publisher = pc
		pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { m.take(c, track) })
	} else if err := m.feed(c, pc); err != nil {
		return "", err
	}
	if err := describe(pc, offer); err != nil {
		return "", err
	}
	return pc.LocalDescription().SDP, nil
}

func (m *relay) connection(c *relayed, publishes bool) (*webrtc.PeerConnection, error) {
	var media webrtc.MediaEngine
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	var registry interceptor.Registry
	if m.compound {
		registry.Add(compounds{}) // before those who write through it
	}
	if m.passesProbes && publishes {
		registry.Add(probes{pass: func() { m.pass(c) }})
	}
	if generator, err := nack.NewGeneratorInterceptor(nack.GeneratorInterval(20 * time.Millisecond)); err != nil {
		return nil, err
	} else if publishes && !m.noNACKs {
		registry.Add(generator)
	}
	if responder, err := nack.NewResponderInterceptor(); err != nil {
		return nil, err
	} else if !publishes && !m.resendsNothing {
		registry.Add(responder)
	}
	var settings webrtc.SettingEngine
	settings.DisableCertificateFingerprintVerification(m.trusting)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(&media), webrtc.WithInterceptorRegistry(&registry),
		webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
}

// take forwards a track of the publisher until it ends.
func (m *relay) take(c *relayed, track *webrtc.TrackRemote) {
	t := &relayedTrack{kind: track.Kind(), ssrc: uint32(track.SSRC()), out: make(map[*webrtc.TrackLocalStaticRTP]bool), codec: track.Codec().RTPCodecCapability}
	m.mu.Lock()
	c.tracks = append(c.tracks, t)
	c.live = len(c.tracks) == 2
	m.mu.Unlock()
	stop := make(chan struct{})
	defer close(stop)
	if m.asksAlways && t.kind == webrtc.RTPCodecTypeVideo {
		go m.pester(c, t, stop)
	}
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		t.mu.Lock()
		packet.SequenceNumber += t.shift
		t.last = packet.Header
		for out, begun := range t.out {
			if begun = begun || m.startsAnywhere || t.kind == webrtc.RTPCodecTypeAudio || beginsGroup(packet.Payload); begun {
				_ = out.WriteRTP(packet) // or the viewer is gone
			}
			t.out[out] = begun
		}
		t.mu.Unlock()
	}
}

// beginsGroup recognises parameter sets.
func beginsGroup(b []byte) bool { return len(b) > 0 && (b[0]&0x1f == 24 || b[0]&0x1f == 7) }

func (m *relay) pester(c *relayed, t *relayedTrack, stop <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			c.ask(t)
		}
	}
}

func (c *relayed) ask(t *relayedTrack) {
	_ = c.publisher.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: t.ssrc}}) // or it is gone
}

// feed gives a viewer every track.
func (m *relay) feed(c *relayed, pc *webrtc.PeerConnection) error {
	for _, t := range c.tracks {
		out, err := webrtc.NewTrackLocalStaticRTP(t.codec, t.kind.String(), "relay")
		if err != nil {
			return err
		}
		sender, err := pc.AddTrack(out)
		if err != nil {
			return err
		}
		t.mu.Lock()
		t.out[out] = false
		t.mu.Unlock()
		go m.listen(c, t, sender) // ends with the connection
	}
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		for _, t := range c.tracks {
			if state == webrtc.PeerConnectionStateConnected && t.kind == webrtc.RTPCodecTypeVideo && !m.startsAnywhere {
				c.ask(t)
			}
		}
	})
	return nil
}

// listen does with a viewer's feedback what this relay does.
func (m *relay) listen(c *relayed, t *relayedTrack, sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet := packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				if m.asksForEach {
					c.ask(t)
				}
			case *rtcp.TransportLayerNack:
				if m.passesNACKs {
					packet.MediaSSRC = t.ssrc
					_ = c.publisher.WriteRTCP([]rtcp.Packet{packet}) // or it is gone
				}
			}
		}
	}
}

// compounds is an interceptor that puts an empty report before what is sent.
type compounds struct{ interceptor.NoOp }

// NewInterceptor implements interceptor.Factory.
func (c compounds) NewInterceptor(string) (interceptor.Interceptor, error) { return &c, nil }

// BindRTCPWriter implements interceptor.Interceptor.
func (compounds) BindRTCPWriter(writer interceptor.RTCPWriter) interceptor.RTCPWriter {
	return interceptor.RTCPWriterFunc(func(packets []rtcp.Packet, about interceptor.Attributes) (int, error) {
		return writer.Write(append([]rtcp.Packet{&rtcp.ReceiverReport{}}, packets...), about)
	})
}

// pass puts a packet of nothing into the picture.
func (m *relay) pass(c *relayed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range c.tracks {
		if t.kind == webrtc.RTPCodecTypeVideo {
			t.pass()
		}
	}
}

func (t *relayedTrack) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shift++
	t.last.SequenceNumber++
	for out := range t.out {
		_ = out.WriteRTP(&rtp.Packet{Header: t.last}) // or the viewer is gone
	}
}

// probes is an interceptor that passes on what the stack throws away.
type probes struct {
	interceptor.NoOp
	pass func()
}

// NewInterceptor implements interceptor.Factory.
func (p probes) NewInterceptor(string) (interceptor.Interceptor, error) { return &p, nil }

// BindRemoteStream implements interceptor.Interceptor.
func (p *probes) BindRemoteStream(_ *interceptor.StreamInfo, reader interceptor.RTPReader) interceptor.RTPReader {
	return interceptor.RTPReaderFunc(func(b []byte, about interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, about, err := reader.Read(b, about)
		packet := &rtp.Packet{}
		if err == nil && packet.Unmarshal(b[:n]) == nil && len(packet.Payload) == 0 {
			p.pass()
		}
		return n, about, err
	})
}
