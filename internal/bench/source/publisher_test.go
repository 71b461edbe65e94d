package source

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/bench/stamp"
	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/whep"
	"github.com/headgate/headgate/whip"
)

// eye plays a channel and keeps what arrives.
type eye struct {
	mu      sync.Mutex
	packets []rtp.Packet
}

type sink func(b []byte)

func (s sink) Write(b []byte) (int, error) { s(b); return len(b), nil }
func (s sink) Read([]byte) (int, error)    { return 0, io.EOF }
func (s sink) Close() error                { return nil }

func (e *eye) buffer(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
	return sink(func(b []byte) {
		var p rtp.Packet
		if kind != packetio.RTPBufferPacket || p.Unmarshal(slices.Clone(b)) != nil {
			return
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.packets = append(e.packets, p)
	})
}

func (e *eye) seen() []rtp.Packet {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.packets)
}

// watch plays the endpoint until the test ends.
func watch(t *testing.T, endpoint string) *eye {
	t.Helper()
	e := &eye{}
	media := &webrtc.MediaEngine{}
	must(t, registerCodecs(media, Config{}, webrtc.MimeTypeH264))
	settings := webrtc.SettingEngine{BufferFactory: e.buffer}
	settings.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	t.Cleanup(func() { must(t, pc.GracefulClose()) })
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		_, err = pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		must(t, err)
	}
	offer, err := pc.CreateOffer(nil)
	must(t, err)
	gathered := webrtc.GatheringCompletePromise(pc)
	must(t, pc.SetLocalDescription(offer))
	<-gathered
	var session *whep.Session
	eventually(t, "the channel", func() bool {
		session, err = whep.Client{}.Post(t.Context(), endpoint, "", pc.LocalDescription().SDP)
		return err == nil
	})
	must(t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: session.Answer}))
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !check(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// small is a stream that costs little.
func small() Config {
	c := DefaultConfig()
	c.BitsPerSecond, c.GOP, c.MinKeyInterval = 600_000, time.Hour, 0
	return c
}

func publish(t *testing.T, g *testkit.Gateway, cfg Config) *Publisher {
	t.Helper()
	p, err := Publish(t.Context(), cfg, g.WHIP("live"), "")
	must(t, err)
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

func TestWhatArrivesIsStamped(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	began := time.Now()
	p := publish(t, g, small())
	e := watch(t, g.WHEP("live"))
	eventually(t, "picture and sound", func() bool {
		kinds := map[uint8]int{}
		for _, packet := range e.seen() {
			kinds[packet.PayloadType]++
		}
		return kinds[106] > 10 && kinds[111] > 10
	})
	for _, packet := range e.seen() {
		at, frame, ok := stamp.Find(packet.Payload)
		if len(packet.Payload) < leastRestBytes { // parameter sets
			continue
		}
		if !ok || frame == 0 || at.Before(began) || at.After(time.Now()) {
			t.Fatalf("packet of %d bytes, %x: stamp %v %v %v", len(packet.Payload), packet.Payload[:4], at, frame, ok)
		}
	}
	if s := p.Stats(); s.Packets < 20 || s.Frames < 5 || s.Bytes < s.Packets || s.KeyFrames < 1 {
		t.Errorf("stats: %+v", s)
	}
	if since := time.Since(p.LastKey()); since < 0 || since > 15*time.Second {
		t.Errorf("the last key frame was %v ago", since)
	}
}

func TestRequestsForKeyFramesAreObeyed(t *testing.T) {
	for name, deaf := range map[string]bool{"obedient": false, "deaf": true} {
		t.Run(name, func(t *testing.T) {
			l := newLayer(Config{BitsPerSecond: 600_000, FramesPerSecond: 30, GOP: time.Hour, MinKeyInterval: 300 * time.Millisecond, Deaf: deaf},
				shapes(false)[0], newStream(webrtc.RTPCodecTypeVideo, "", "x"), 0)
			now := time.Unix(1_790_000_000, 0)
			frame := func() (key bool) {
				before := l.keys.Load()
				for l.send(now); l.next != 0; {
					l.send(now)
				}
				now = now.Add(34 * time.Millisecond)
				return l.keys.Load() > before
			}
			if !frame() {
				t.Fatal("the first frame is no key frame")
			}
			l.ask()
			var at []int
			for i := range 60 {
				if i == 40 {
					l.ask()
				}
				if frame() {
					at = append(at, i)
				}
			}
			want := []int{8, 40} // 300 ms are nine frames
			if deaf {
				want = nil
			}
			if !slices.Equal(at, want) {
				t.Errorf("key frames at %v, want %v", at, want)
			}
		})
	}
}

func TestADeafPublisherOffersNoRequests(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		var offer string
		cfg := small()
		cfg.Deaf = deaf
		cfg.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			offer = string(b)
			return nil, errors.New("enough")
		})}
		if _, err := Publish(t.Context(), cfg, "http://127.0.0.1/whip/x", ""); err == nil {
			t.Fatal("published to nobody")
		}
		if got := strings.Contains(offer, "nack pli") || strings.Contains(offer, "ccm fir"); got == deaf {
			t.Errorf("deaf %v: the offer speaks of requests: %v", deaf, got)
		}
		if !strings.Contains(offer, "a=rtcp-fb:106 nack \r\n") && !strings.Contains(offer, "a=rtcp-fb:106 nack\r\n") {
			t.Errorf("no NACK offered:\n%s", offer)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestARestartGoesOn(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	p := publish(t, g, small())
	e := watch(t, g.WHEP("live"))
	newest := func() (frame uint32) {
		for _, packet := range e.seen() {
			if _, n, ok := stamp.Find(packet.Payload); ok && packet.PayloadType == 106 {
				frame = max(frame, n)
			}
		}
		return frame
	}
	eventually(t, "the first connection", func() bool { return newest() > 0 })
	before := p.Stats()
	must(t, p.Restart(t.Context()))
	if p.Err() != nil {
		t.Fatalf("stopped: %v", p.Err())
	}
	last := uint32(p.Stats().Frames)
	eventually(t, "frames numbered on", func() bool { return newest() > last })
	if after := p.Stats(); after.Frames <= before.Frames || after.Packets <= before.Packets || after.KeyFrames <= before.KeyFrames {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestAnEndedSessionIsToldApart(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	p, err := Publish(t.Context(), small(), g.WHIP("live"), "")
	must(t, err)
	e := watch(t, g.WHEP("live")) // before its own handshake is done, a server says no goodbye
	eventually(t, "media", func() bool { return len(e.seen()) > 0 })
	g.Close()
	eventually(t, "the end", func() bool { return p.Err() != nil })
	if !errors.Is(p.Err(), errEnded) {
		t.Errorf("it says %v", p.Err())
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("closing what is over: %v", err)
	}
}

func TestRefusalsAreTheServers(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	_, err := Publish(t.Context(), small(), g.URL()+"/nowhere", "")
	if status, ok := errors.AsType[*whip.StatusError](err); !ok || status.Status != http.StatusNotFound {
		t.Errorf("error %v", err)
	}
	if _, err := Publish(t.Context(), Config{}, g.WHIP("live"), ""); err == nil {
		t.Error("a bad configuration was taken")
	}
}

func TestSimulcastSendsThreeLayers(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	cfg := small()
	cfg.Simulcast = true
	p := publish(t, g, cfg)
	eventually(t, "every layer", func() bool {
		for _, l := range p.now.Load().layers {
			if l.packets.Load() < 20 {
				return false
			}
		}
		return true
	})
	e := watch(t, g.WHEP("live"))
	layerOf := func(packet rtp.Packet) (layer int, stamped bool) {
		_, frame, ok := stamp.Find(packet.Payload)
		if !ok || packet.PayloadType != 106 {
			return 0, false
		}
		layer, ok = stamp.Layer(frame)
		if !ok || layer < 0 || layer > 2 {
			t.Fatalf("a packet of %d bytes says layer %d (%v)", len(packet.Payload), layer, ok)
		}
		return layer, true
	}
	eventually(t, "the highest layer", func() bool { // the gateway begins with a lower one
		return slices.ContainsFunc(e.seen(), func(packet rtp.Packet) bool {
			layer, ok := layerOf(packet)
			return ok && layer == 2
		})
	})
}

func TestTheLayersHaveTheRatesOfBrowsers(t *testing.T) {
	if bits := LayerBits(1_700_000); !slices.Equal(bits, []int{150_000, 500_000, 1_700_000}) || !slices.Equal(RIDs(), []string{"q", "h", "f"}) {
		t.Errorf("%v of %v", bits, RIDs())
	}
}

func clip() (mediafile.Reader, error) {
	video, _, err := mediafile.Clip()
	return video, err
}

func TestFilmsAreLayersThatBeginAnewWhenAsked(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	cfg := small()
	cfg.Films = []func() (mediafile.Reader, error){clip, clip, clip}
	p := publish(t, g, cfg)
	e := watch(t, g.WHEP("live"))
	eventually(t, "a layer's stamp", func() bool {
		return slices.ContainsFunc(e.seen(), func(packet rtp.Packet) bool {
			_, frame, ok := stamp.Find(packet.Payload)
			_, layered := stamp.Layer(frame)
			return ok && layered && packet.PayloadType == 106
		})
	})
	film := p.now.Load().films[0]
	before := film.keys.Load()
	film.ask()
	eventually(t, "a new beginning", func() bool { return film.keys.Load() > before })
	if s := p.Stats(); s.KeyFrameRequests == 0 || s.KeyFrames == 0 {
		t.Errorf("%+v", s)
	}
	cfg.Films = cfg.Films[:2]
	if cfg.Validate() == nil {
		t.Error("two films are three layers")
	}
}

func TestFilesAreStampedBesideTheirFrames(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	cfg := small()
	cfg.Video = func() (mediafile.Reader, error) {
		video, _, err := mediafile.Clip()
		return video, err
	}
	p := publish(t, g, cfg)
	e := watch(t, g.WHEP("live"))
	stamped := func(packet rtp.Packet) bool {
		_, frame, ok := stamp.Find(packet.Payload)
		return ok && frame > 0 && packet.Payload[0] == 0x06
	}
	eventually(t, "a stamp", func() bool { return slices.ContainsFunc(e.seen(), stamped) })
	if p.Stats().Frames == 0 {
		t.Error("no frames counted")
	}
	cfg.Video = func() (mediafile.Reader, error) {
		_, audio, err := mediafile.Clip()
		return audio, err
	}
	if _, err := Publish(t.Context(), cfg, g.WHIP("other"), ""); err == nil {
		t.Error("sound was taken for a picture")
	}
}
