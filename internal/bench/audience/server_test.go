package audience_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/stamp"
)

// otherServer is a WHEP server that is not the gateway: pion's own answers, VP8,
// its own packetiser.
type otherServer struct {
	t        *testing.T
	settings func(*webrtc.SettingEngine)
	mu       sync.Mutex
	peers    []*webrtc.PeerConnection
	work     sync.WaitGroup
	deleted  int
	http     *httptest.Server
}

func newOtherServer(t *testing.T, settings func(*webrtc.SettingEngine)) *otherServer {
	t.Helper()
	s := &otherServer{t: t, settings: settings}
	s.http = httptest.NewServer(s)
	t.Cleanup(func() {
		s.http.Close()
		for _, pc := range s.peers {
			_ = pc.GracefulClose()
		}
		s.work.Wait()
	})
	return s
}

func (s *otherServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		s.mu.Lock()
		s.deleted++
		s.mu.Unlock()
		return
	}
	offer, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
		return
	}
	answer, err := s.answer(string(offer))
	if err != nil {
		s.t.Error(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", "/session/1")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

// answer makes a connection that sends, and its answer.
func (s *otherServer) answer(offer string) (string, error) {
	pc, err := s.connection()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.peers = append(s.peers, pc)
	s.mu.Unlock()
	if err := s.feed(pc); err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}

func (s *otherServer) connection() (*webrtc.PeerConnection, error) {
	var settings webrtc.SettingEngine
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	s.settings(&settings)
	codecs, repair := new(webrtc.MediaEngine), new(interceptor.Registry)
	if err := errors.Join(codecs.RegisterDefaultCodecs(), webrtc.RegisterDefaultInterceptors(codecs, repair)); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(repair))
	return api.NewPeerConnection(webrtc.Configuration{})
}

// feed adds a track and sends once pc is connected, until it is closed.
func (s *otherServer) feed(pc *webrtc.PeerConnection) error {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "other")
	if err != nil {
		return err
	}
	sender, err := pc.AddTrack(track)
	if err != nil {
		return err
	}
	s.work.Go(func() { // the stack repairs what somebody reads
		for err := error(nil); err == nil; {
			_, _, err = sender.ReadRTCP()
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	connected := make(chan struct{})
	var once sync.Once
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			once.Do(func() { close(connected) })
		case webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateFailed:
			stop()
		default:
		}
	})
	s.work.Go(func() { send(ctx, connected, track) })
	return nil
}

// send makes frames of some packets; the stamp is behind the ten bytes of VP8's
// own header.
func send(ctx context.Context, connected <-chan struct{}, track *webrtc.TrackLocalStaticSample) {
	select {
	case <-connected:
	case <-ctx.Done():
		return
	}
	frames := time.NewTicker(20 * time.Millisecond)
	defer frames.Stop()
	for n := uint32(0); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-frames.C:
		}
		b := make([]byte, 4000)
		if n%10 != 0 {
			b[0] = 1 // not a key frame
		}
		stamp.Put(b[10:], time.Now(), n)
		_ = track.WriteSample(media.Sample{Data: b, Duration: 20 * time.Millisecond}) // or the next one
	}
}

func TestOtherServers(t *testing.T) {
	for name, tc := range map[string]struct {
		settings func(*webrtc.SettingEngine)
		loss     float64
	}{
		"passive": {func(e *webrtc.SettingEngine) { _ = e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer) }, 0},
		"active":  {func(e *webrtc.SettingEngine) { _ = e.SetAnsweringDTLSRole(webrtc.DTLSRoleClient) }, 0},
		"lite":    {func(e *webrtc.SettingEngine) { e.SetLite(true) }, 0},
		"lossy":   {func(*webrtc.SettingEngine) {}, 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			server := newOtherServer(t, tc.settings)
			a := start(t, audience.Config{SampleEvery: 1, Loss: tc.loss})
			v := join(t, a, server.http.URL+"/whep", 1)[0]
			wait(t, 20*time.Second, "50 frames", func() bool { return a.Snapshot().Frames > 50 })
			s := a.Snapshot()
			if s.Undecipherable != 0 || s.Delay.Count() == 0 || s.Delay.Quantile(0.5) > time.Second || s.KeyFramesMissing != 0 ||
				tc.loss == 0 && s.Lost != 0 || tc.loss > 0 && s.Retransmitted == 0 || s.Ended+s.Silent != 0 {
				t.Errorf("%+v", s)
			}
			if timings := v.Timings(); timings.FirstKeyFrame == 0 || timings.LiveEdge == 0 || timings.DTLSConnected <= timings.ICEConnected {
				t.Errorf("%+v", timings)
			}
			server.mu.Lock()
			pc := server.peers[0]
			server.mu.Unlock()
			if err := v.Leave(within(t, 5*time.Second)); err != nil {
				t.Error(err)
			}
			wait(t, 5*time.Second, "the server hears the close_notify", func() bool { return pc.ConnectionState() == webrtc.PeerConnectionStateClosed })
			server.mu.Lock()
			defer server.mu.Unlock()
			if server.deleted != 1 {
				t.Errorf("%d DELETEs", server.deleted)
			}
		})
	}
}

func TestAServerThatEndsIsNoticed(t *testing.T) {
	server := newOtherServer(t, func(*webrtc.SettingEngine) {})
	a := start(t, audience.Config{})
	join(t, a, server.http.URL, 1)
	wait(t, 10*time.Second, "frames", func() bool { return a.Snapshot().Frames > 5 })
	if err := server.peers[0].GracefulClose(); err != nil {
		t.Fatal(err)
	}
	wait(t, 5*time.Second, "ended", func() bool { return a.Snapshot().Ended == 1 })
}
