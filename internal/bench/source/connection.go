package source

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/whip"
)

// connectLimit bounds the time from the 201 until media can flow.
const connectLimit = 15 * time.Second

// The ways a connection ends by itself.
var (
	errNoPath = errors.New("the server's media port cannot be reached from here")
	errSlow   = errors.New("the server did not connect within 15 s")
	errEnded  = errors.New("the server ended the session")
)

// connection is one WHIP session of a publisher.
//
// Ownership: the goroutines reading RTCP end with the stack's connection; close
// waits for them.
type connection struct {
	pc      *webrtc.PeerConnection
	session *whip.Session
	up      chan struct{} // closed when media can flow
	down    chan struct{} // closed when the connection is over
	failed  bool          // written before down is closed
	readers sync.WaitGroup
}

// connect offers streams, of the video codec named, to endpoint and returns when media can flow. asked is
// told of requests for key frames with the stream they are about.
func connect(ctx context.Context, cfg Config, endpoint, token, video string, streams []*stream, asked func(*stream)) (*connection, error) {
	api, err := newAPI(cfg, endpoint, video)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	c := &connection{pc: pc, up: make(chan struct{}), down: make(chan struct{})}
	c.watch()
	err = c.addStreams(streams, asked)
	if err == nil {
		err = c.negotiate(ctx, cfg, endpoint, token, streams)
	}
	if err == nil {
		err = c.await(ctx)
	}
	if err != nil {
		_ = c.close(ctx) // the first error says more
		return nil, err
	}
	return c, nil
}

func newAPI(cfg Config, endpoint, video string) (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := registerCodecs(media, cfg, video); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	reports, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	registry.Add(responder)
	registry.Add(reports)
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(reachesLoopback(endpoint))
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetDTLSInsecureSkipHelloVerify(true)
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings)), nil
}

// registerCodecs offers one video codec with retransmissions, and Opus.
func registerCodecs(media *webrtc.MediaEngine, cfg Config, video string) error {
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}}
	if !cfg.Deaf {
		feedback = append(feedback, webrtc.RTCPFeedback{Type: "nack", Parameter: "pli"}, webrtc.RTCPFeedback{Type: "ccm", Parameter: "fir"})
	}
	parameters := ""
	if video == webrtc.MimeTypeH264 {
		parameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42c01f"
	}
	errs := []error{
		media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 106, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: video, ClockRate: 90000, RTCPFeedback: feedback, SDPFmtpLine: parameters,
		}}, webrtc.RTPCodecTypeVideo),
		media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 107, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=106",
		}}, webrtc.RTPCodecTypeVideo),
		media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		}}, webrtc.RTPCodecTypeAudio),
	}
	if cfg.Level != nil {
		errs = append(errs, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio))
	}
	if cfg.layered() {
		for _, uri := range []string{midURI, ridURI} {
			errs = append(errs, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
		}
	}
	return errors.Join(errs...)
}

// reachesLoopback tells whether the endpoint is on this machine, where loopback
// candidates are of use.
func reachesLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return addr.IsLoopback()
	}
	return u.Hostname() == "localhost"
}

// watch turns the state into two channels. The stack may report states out of
// order, each in a goroutine of its own, so the last one is asked for.
func (c *connection) watch() {
	var mu sync.Mutex
	var isUp, isDown bool
	c.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		mu.Lock()
		defer mu.Unlock()
		switch state := c.pc.ConnectionState(); {
		case state == webrtc.PeerConnectionStateConnected && !isUp:
			isUp = true
			close(c.up)
		case (state == webrtc.PeerConnectionStateFailed || state == webrtc.PeerConnectionStateClosed) && !isDown:
			isDown, c.failed = true, state == webrtc.PeerConnectionStateFailed
			close(c.down)
		}
	})
}

// addStreams makes one section for each kind; layers share theirs.
func (c *connection) addStreams(streams []*stream, asked func(*stream)) error {
	senders := make(map[webrtc.RTPCodecType]*webrtc.RTPSender)
	for _, s := range streams {
		if sender := senders[s.kind]; sender != nil {
			if err := sender.AddEncoding(s); err != nil {
				return err
			}
			c.read(sender, s, asked)
			continue
		}
		tr, err := c.pc.AddTransceiverFromTrack(s, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return err
		}
		senders[s.kind] = tr.Sender()
		c.read(tr.Sender(), s, asked)
	}
	return nil
}

// read reads the RTCP about one stream, so that retransmissions are answered.
func (c *connection) read(sender *webrtc.RTPSender, s *stream, asked func(*stream)) {
	c.readers.Go(func() {
		for {
			var packets []rtcp.Packet
			var err error
			if s.rid == "" {
				packets, _, err = sender.ReadRTCP()
			} else {
				packets, _, err = sender.ReadSimulcastRTCP(s.rid)
			}
			if err != nil {
				return
			}
			for _, p := range packets {
				switch p.(type) {
				case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
					asked(s)
				}
			}
		}
	})
}

// negotiate gathers, POSTs the offer and applies the answer.
func (c *connection) negotiate(ctx context.Context, cfg Config, endpoint, token string, streams []*stream) error {
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err = c.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, tr := range c.pc.GetTransceivers() {
		for _, s := range streams {
			if tr.Kind() == s.kind {
				s.mid = tr.Mid()
			}
		}
	}
	client := whip.Client{HTTP: cfg.HTTP, UserAgent: cfg.UserAgent}
	if c.session, err = client.Post(ctx, endpoint, token, c.pc.LocalDescription().SDP); err != nil {
		return err
	}
	if err = c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: c.session.Answer}); err != nil {
		return fmt.Errorf("the answer cannot be used: %w", err)
	}
	return nil
}

func (c *connection) await(ctx context.Context) error {
	timer := time.NewTimer(connectLimit)
	defer timer.Stop()
	select {
	case <-c.up:
		return nil
	case <-c.down:
		return c.reason()
	case <-timer.C:
		return errSlow
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reason says why the connection is over, once down is closed.
func (c *connection) reason() error {
	if c.failed {
		return errNoPath
	}
	return errEnded
}

// close deletes the session, if there is one, and ends the connection. The error
// is that of the DELETE.
func (c *connection) close(ctx context.Context) error {
	var err error
	if c.session != nil {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = c.session.Delete(limited)
	}
	_ = c.pc.GracefulClose() // nothing is left to be told
	c.readers.Wait()
	return err
}
