package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/whip"
)

// side is one end of a loop: a connection that knows one kind of path.
//
// Ownership: the goroutines of its receiver end with the connection, which close
// waits for.
type side struct {
	kind     kind
	pc       *webrtc.PeerConnection
	states   chan webrtc.PeerConnectionState
	receiver *receiver
	session  *whip.Session
	tried    []string
}

func newSide(k kind, e endpoints) (*side, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel, quiet.Writer = logging.LogLevelDisabled, io.Discard
	settings := webrtc.SettingEngine{LoggerFactory: quiet}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(isLoopback(e.origin.Hostname()))
	policy := webrtc.ICETransportPolicyAll
	switch k {
	case byUDP:
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	case byTCP:
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
	case byTURN:
		policy = webrtc.ICETransportPolicyRelay
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{ICETransportPolicy: policy})
	if err != nil {
		return nil, err
	}
	s := &side{kind: k, pc: pc, states: make(chan webrtc.PeerConnectionState, 64)}
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		select {
		case s.states <- state:
		default: // more than anybody could care about
		}
	})
	return s, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

var opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}

// sends makes the side a publisher of sound.
func (s *side) sends() (*sender, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(opus, "audio", "check")
	if err != nil {
		return nil, err
	}
	_, err = s.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	return &sender{track: track}, err
}

// receives makes the side a player of it.
func (s *side) receives() (*receiver, error) {
	r := &receiver{first: make(chan struct{}), seen: make(map[uint32]bool)}
	s.receiver = r
	s.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { r.work.Go(func() { r.read(track) }) })
	_, err := s.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	return r, err
}

// connect makes the session and returns the time from the POST until media could
// pass. The offer goes without candidates: a server finds us by our checks, and the
// relay is known only afterwards.
func (s *side) connect(ctx context.Context, wire whip.Client, endpoint, token string) (time.Duration, error) {
	offer, err := s.pc.CreateOffer(nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if s.session, err = post(ctx, wire, endpoint, token, offer.SDP); err != nil {
		return 0, err
	}
	if err := s.relayBy(s.session); err != nil {
		return 0, err
	}
	said := narrowed(s.session.Answer+s.session.CounterOffer, s.kind) // it is one of them
	if s.tried = candidatesIn(said); len(s.tried) == 0 {
		return 0, errNotOffered
	}
	if s.session.CounterOffer != "" {
		err = s.answers(ctx, said)
	} else {
		err = s.applies(offer, said)
	}
	if err != nil {
		return 0, err
	}
	return s.awaitConnection(ctx, began)
}

// applies begins with the server's answer.
func (s *side) applies(offer webrtc.SessionDescription, answer string) error {
	if err := s.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("the answer cannot be used: %w", err)
	}
	return nil
}

// answers begins with the server's own offer (the playback draft, section 4.2.2). Ours
// has not been applied, so the connection can take that.
func (s *side) answers(ctx context.Context, counterOffer string) error {
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: counterOffer}); err != nil {
		return fmt.Errorf("the counter-offer cannot be used: %w", err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("the counter-offer cannot be answered: %w", err)
	}
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return err
	}
	return s.session.AnswerOffer(ctx, answer.SDP)
}

// post tries again where a server has no player before the publisher is on air.
func post(ctx context.Context, wire whip.Client, endpoint, token, offer string) (*whip.Session, error) {
	for try := 1; ; try++ {
		session, err := wire.Post(ctx, endpoint, token, offer)
		refusal, is := errors.AsType[*whip.StatusError](err)
		if !is || try == postTries || refusal.Status != http.StatusConflict && refusal.Status != http.StatusNotFound {
			return session, err
		}
		pause(ctx, postRetry)
	}
}

// relayBy takes the TURN servers of the session, where they are wanted.
func (s *side) relayBy(session *whip.Session) error {
	if s.kind != byTURN {
		return nil
	}
	var servers []webrtc.ICEServer
	for _, server := range session.ICEServers {
		if strings.HasPrefix(server.URL, "turn") {
			servers = append(servers, webrtc.ICEServer{URLs: []string{server.URL}, Username: server.Username, Credential: server.Credential})
		}
	}
	if len(servers) == 0 {
		return errNoTURN
	}
	return s.pc.SetConfiguration(webrtc.Configuration{ICEServers: servers, ICETransportPolicy: webrtc.ICETransportPolicyRelay})
}

func (s *side) awaitConnection(ctx context.Context, began time.Time) (time.Duration, error) {
	timeout := time.NewTimer(connectTimeout)
	defer timeout.Stop()
	for {
		select {
		case <-s.states:
			switch s.pc.ConnectionState() {
			case webrtc.PeerConnectionStateConnected:
				return time.Since(began), nil
			case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
				return 0, errBlocked
			default: // on the way
			}
		case <-timeout.C:
			return 0, errBlocked
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// path is the pair in use.
func (s *side) path() string {
	for _, t := range s.pc.GetTransceivers() {
		dtls := t.Receiver().Transport()
		if t.Sender() != nil {
			dtls = t.Sender().Transport()
		}
		if pair, err := dtls.ICETransport().GetSelectedCandidatePair(); err == nil && pair != nil {
			return fmt.Sprintf("%s %s port %d", pair.Remote.Protocol, pair.Remote.Address, pair.Remote.Port)
		}
	}
	return "an unknown path"
}

func (s *side) close(ctx context.Context) {
	if s.session != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		_ = s.session.Delete(ctx) // the server notices by itself
		cancel()
	}
	_ = s.pc.GracefulClose()
	if s.receiver != nil {
		s.receiver.work.Wait()
	}
}

// narrowed leaves the candidates of one kind in an answer; a relay sends on by UDP.
func narrowed(sdp string, k kind) string {
	want := "udp"
	if k == byTCP {
		want = "tcp"
	}
	var kept []string
	for line := range strings.Lines(sdp) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "a=candidate:") && (len(fields) < 6 || !strings.EqualFold(fields[2], want)) {
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "")
}

func candidatesIn(sdp string) (list []string) {
	for line := range strings.Lines(sdp) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "a=candidate:") && len(fields) >= 6 && fields[1] == "1" {
			list = append(list, fmt.Sprintf("%s %s port %s", strings.ToLower(fields[2]), fields[4], fields[5]))
		}
	}
	return list
}
