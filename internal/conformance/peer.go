package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// script says how a scripted client behaves. The zero value is a well-behaved
// one with audio and video.
type script struct {
	noAudio, noVideo bool
	// edit changes the offer before it is POSTed; the client itself goes on with
	// the one it made.
	edit func(offer string) string
	// candidates keeps the client's candidates in the offer; without it there are
	// none, as with OBS.
	candidates bool
	// tcp connects by ICE-TCP only, as behind a firewall that drops UDP.
	tcp bool
	// profiles are the SRTP profiles the client knows; nil means all.
	profiles []dtls.SRTPProtectionProfile
	// wait passes between the 201 and the first check.
	wait time.Duration
	// layers sends the picture in three sizes (RFC 8853).
	layers bool
	// highProfile stamps the parameter sets of High profile onto the stream.
	highProfile bool
	// engine registers codecs and header extensions in place of the usual ones.
	engine func(*webrtc.MediaEngine) error
	// studio is published in place of the clip; no reports are sent but its own.
	studio *studio
	// transportCC lets a viewer offer transport-cc and send the feedback.
	transportCC bool
	// ledger takes what a viewer gets.
	ledger *ledger
	// deaf sends key frames when it likes, and not when asked.
	deaf bool
}

// peer is a scripted WebRTC client with a session at the target.
//
// Ownership: its goroutines end with close, which waits for them.
type peer struct {
	run     *run
	script  script
	pc      *webrtc.PeerConnection
	mux     *ice.UDPMuxDefault
	tap     *tap
	session *session
	offer   string
	// states hears of every change; capacity for more than there can be.
	states chan webrtc.PeerConnectionState

	film  *film  // of publishers
	watch *watch // of viewers
	stop  context.CancelFunc
	work  sync.WaitGroup
	once  sync.Once
}

const connectTimeout = 10 * time.Second

// connect makes a client, POSTs its offer and waits until DTLS is up.
func (r *run) connect(ctx context.Context, s side, how script) (*peer, error) {
	if !s.publish {
		if err := r.live(ctx); err != nil {
			return nil, err
		}
	}
	p, err := r.start(ctx, s, how)
	if err != nil {
		return nil, err
	}
	return p, p.connected(ctx, connectTimeout)
}

// start is connect without the waiting; the channel is taken as it is.
func (r *run) start(ctx context.Context, s side, how script) (*peer, error) {
	p, err := r.prepare(s, how)
	if err != nil {
		return nil, err
	}
	if err := p.describe(ctx); err != nil {
		return nil, err
	}
	posted := p.offer
	if how.edit != nil {
		posted = how.edit(posted)
	}
	if p.session, err = r.post(ctx, s, posted); err != nil {
		return nil, err
	}
	if how.wait > 0 {
		if err := pause(ctx, how.wait); err != nil {
			return nil, err
		}
	}
	return p, p.accept(p.session.answer)
}

// prepare makes the connection with its tracks.
func (r *run) prepare(s side, how script) (*peer, error) {
	ctx, stop := context.WithCancel(context.Background())
	p := &peer{run: r, script: how, stop: stop, states: make(chan webrtc.PeerConnectionState, 64)}
	r.later(p.close)
	settings, err := p.settings()
	if err != nil {
		return nil, err
	}
	if p.pc, err = newConnection(settings, how); err != nil {
		return nil, err
	}
	p.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		select {
		case p.states <- p.pc.ConnectionState():
		default: // nobody looks any more
		}
	})
	if s.publish {
		return p, p.publish(ctx)
	}
	return p, p.play()
}

// settings prepares the stack: one socket of ours under everything.
func (p *peer) settings() (webrtc.SettingEngine, error) {
	var s webrtc.SettingEngine
	s.LoggerFactory = quiet()
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(true)
	s.SetDTLSRetransmissionInterval(100 * time.Millisecond)
	s.SetFireOnTrackBeforeFirstRTP(true)
	if len(p.script.profiles) > 0 {
		s.SetSRTPProtectionProfiles(p.script.profiles...)
	}
	ip, err := p.run.target.localIP()
	if err != nil {
		return s, err
	}
	family, tcp := webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4
	if ip.Is6() {
		family, tcp = webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP6
	}
	if p.script.tcp {
		s.SetNetworkTypes([]webrtc.NetworkType{tcp})
		return s, nil
	}
	s.SetNetworkTypes([]webrtc.NetworkType{family})
	if p.tap, err = newTap(ip); err != nil {
		return s, err
	}
	p.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: p.tap, Logger: quiet().NewLogger("ice")})
	port := p.tap.LocalAddr().(*net.UDPAddr).Port
	s.SetICEUDPMux(&oneAddress{p.mux, &net.UDPAddr{IP: ip.AsSlice(), Port: port}})
	return s, nil
}

// oneAddress gathers a single candidate whatever the socket is bound to.
type oneAddress struct {
	*ice.UDPMuxDefault
	addr net.Addr
}

// GetListenAddresses implements ice.UDPMux.
func (m *oneAddress) GetListenAddresses() []net.Addr { return []net.Addr{m.addr} }

// quiet keeps the stack's chatter off the terminal.
func quiet() *logging.DefaultLoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.Writer, f.DefaultLogLevel = io.Discard, logging.LogLevelDisabled
	return f
}

func newConnection(settings webrtc.SettingEngine, how script) (*webrtc.PeerConnection, error) {
	var media webrtc.MediaEngine
	register := registerCodecs
	if how.engine != nil {
		register = how.engine
	}
	if err := register(&media); err != nil {
		return nil, err
	}
	if how.layers {
		if err := registerStreamNames(&media); err != nil {
			return nil, err
		}
	}
	var registry interceptor.Registry
	reports := webrtc.ConfigureRTCPReports
	if how.studio != nil {
		reports = func(*interceptor.Registry) error { return nil }
	}
	if err := errors.Join(webrtc.ConfigureNack(&media, &registry), reports(&registry)); err != nil {
		return nil, err
	}
	if how.transportCC {
		if err := webrtc.ConfigureTWCCSender(&media, &registry); err != nil {
			return nil, err
		}
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&media),
		webrtc.WithInterceptorRegistry(&registry)).NewPeerConnection(webrtc.Configuration{})
}

// registerCodecs knows what every server of either protocol knows.
func registerCodecs(media *webrtc.MediaEngine) error {
	return errors.Join(registerPlain(media), registerVideo(media, kitRTX, webrtc.MimeTypeRTX, fmt.Sprintf("apt=%d", kitVideo), nil))
}

// registerPlain is registerCodecs without retransmissions in a stream of their own.
func registerPlain(media *webrtc.MediaEngine) error {
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	return errors.Join(
		registerVideo(media, kitVideo, webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", feedback),
		media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		}}, webrtc.RTPCodecTypeAudio),
	)
}

func registerVideo(media *webrtc.MediaEngine, pt webrtc.PayloadType, mime, fmtp string, feedback []webrtc.RTCPFeedback) error {
	return media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: pt, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: mime, ClockRate: 90000, SDPFmtpLine: fmtp, RTCPFeedback: feedback,
	}}, webrtc.RTPCodecTypeVideo)
}

// describe makes the offer the client will POST.
func (p *peer) describe(ctx context.Context) error {
	offer, err := p.localOffer(ctx, nil)
	if err != nil {
		return err
	}
	p.offer = offer
	return nil
}

func (p *peer) localOffer(ctx context.Context, options *webrtc.OfferOptions) (string, error) {
	offer, err := p.pc.CreateOffer(options)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	text := p.pc.LocalDescription().SDP
	if !p.script.candidates {
		text = removeLines(text, "a=candidate:", "a=end-of-candidates")
	}
	return text, nil
}

func (p *peer) accept(answer string) error {
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
	if err != nil {
		return fmt.Errorf("the client cannot use the answer: %w", err)
	}
	return nil
}

// connected waits until ICE and DTLS are up.
func (p *peer) connected(ctx context.Context, limit time.Duration) error {
	if err := p.reaches(ctx, limit, webrtc.PeerConnectionStateConnected); err != nil {
		return fmt.Errorf("%s: the client does not connect: %w", p.session.side.name, err)
	}
	return nil
}

// reaches waits for a state.
func (p *peer) reaches(ctx context.Context, limit time.Duration, want webrtc.PeerConnectionState) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for p.pc.ConnectionState() != want {
		select {
		case <-p.states:
		case <-ctx.Done():
			return fmt.Errorf("it is %s after %v, not %s", p.pc.ConnectionState(), limit, want)
		}
	}
	return nil
}

// ice returns the credentials in force for the POSTed offer.
func (p *peer) ice() credentials { return iceOf(p.offer, p.session.answer) }

// hangUp closes the connection without a word over HTTP: ICE ends, and DTLS says
// close_notify.
func (p *peer) hangUp() {
	p.stop()
	_ = p.pc.GracefulClose() // nothing is left to be told
	p.work.Wait()
}

// vanish is what a power cut looks like: from now on nothing passes.
func (p *peer) vanish() { p.tap.losing(func(bool, []byte) bool { return true }) }

func (p *peer) close() {
	p.once.Do(func() {
		p.stop()
		if p.pc != nil {
			p.hangUp()
		}
		if p.mux != nil {
			_ = p.mux.Close() // and with it the tap
		}
	})
}

// restart begins a new ICE generation (RFC 9725 section 4.3.3) and applies the
// server's answer to it.
func (p *peer) restart(ctx context.Context) (*response, error) {
	fragment, err := p.restartFragment(ctx)
	if err != nil {
		return nil, err
	}
	res, err := p.session.patch(ctx, "*", fragment)
	if err != nil {
		return nil, err
	}
	return res, p.restarted(res)
}

// restartFragment makes the body of a restart with the client's candidates.
func (p *peer) restartFragment(ctx context.Context) (string, error) {
	offer, err := p.localOffer(ctx, &webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return "", err
	}
	p.offer = offer
	return fragmentOf(offer), nil
}

// restarted applies the answer to a restart.
func (p *peer) restarted(res *response) error {
	switch {
	case res.status == 422 || res.status == 405 || res.status == 501:
		return skipf("the server does not do ICE restarts (%d)", res.status)
	case res.status != 200:
		return fmt.Errorf("the ICE restart was answered %s, want 200", res.summary())
	}
	f := parseDescription(string(res.body))
	answer := withICE(p.session.answer, f.transport("ice-ufrag"), f.transport("ice-pwd"), f.candidates())
	p.session.answer, p.session.etag = answer, res.header.Get("ETag")
	return p.accept(answer)
}

// withICE puts other credentials and candidates into an answer.
func withICE(answer, ufrag, pwd string, candidates []string) string {
	told := false
	return editLines(answer, func(line string) []string {
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			return []string{"a=ice-ufrag:" + ufrag}
		case strings.HasPrefix(line, "a=ice-pwd:"):
			return []string{"a=ice-pwd:" + pwd}
		case !strings.HasPrefix(line, "a=candidate:"):
			return []string{line}
		case told:
			return nil
		}
		told = true
		var lines []string
		for _, c := range candidates {
			lines = append(lines, "a=candidate:"+c)
		}
		return lines
	})
}
