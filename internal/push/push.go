package push

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/whip"
)

// Options say what is published where.
type Options struct {
	// URL is the WHIP endpoint, Token the bearer token or empty.
	URL, Token string
	// Video and Audio are what is sent; one may be nil.
	Video, Audio mediafile.Reader
	// Loop starts again at the end; otherwise the end of the longer one ends
	// the push.
	Loop bool
	// UserAgent is told to the server.
	UserAgent string
	// ConnectTimeout bounds the time from the POST until media flows; 0 means
	// 20 s.
	ConnectTimeout time.Duration
	// Connected, when set, is called once media can flow, with the time it took
	// since the POST.
	Connected func(after time.Duration)
}

// Summary is what a push did.
type Summary struct {
	ConnectedAfter time.Duration
	Lasted         time.Duration
	VideoFrames    int
	AudioPackets   int
	Bytes          int64
}

const defaultConnectTimeout = 20 * time.Second

// The ways a connection ends by itself.
var (
	errNoPath  = errors.New("no address pair worked: the server's media port cannot be reached from here")
	errTimeout = errors.New("the server did not connect in time")
	errClosed  = errors.New("the server closed the connection")
)

// Run publishes until ctx ends, the media ends, or the connection fails. The
// session is deleted in every case. A cancelled ctx is no error.
func Run(ctx context.Context, opt Options) (summary Summary, err error) {
	if opt.ConnectTimeout == 0 {
		opt.ConnectTimeout = defaultConnectTimeout
	}
	p, err := newPublisher(opt)
	if err != nil {
		return summary, err
	}
	defer p.close()
	posted := time.Now()
	session, err := p.negotiate(ctx, opt)
	if err != nil {
		return summary, err
	}
	defer func() { err = errors.Join(err, deleteSession(ctx, session)) }()
	if err := p.awaitConnection(ctx, opt.ConnectTimeout); err != nil {
		return summary, err
	}
	summary.ConnectedAfter = time.Since(posted)
	if opt.Connected != nil {
		opt.Connected(summary.ConnectedAfter)
	}
	started := time.Now()
	err = p.play(ctx, opt, &summary)
	summary.Lasted = time.Since(started)
	if ctx.Err() != nil {
		err = nil
	}
	return summary, err
}

// deleteSession says goodbye even when ctx is over already.
func deleteSession(ctx context.Context, session *whip.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := session.Delete(ctx); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// publisher is the connection of one push.
//
// Ownership: the goroutines reading RTCP end with the connection, which close
// waits for.
type publisher struct {
	pc           *webrtc.PeerConnection
	video, audio *webrtc.TrackLocalStaticSample
	states       chan webrtc.PeerConnectionState // capacity for every state there is
	readers      chan struct{}                   // one token per goroutine that ended
	reading      int
}

func newPublisher(opt Options) (*publisher, error) {
	if opt.Video == nil && opt.Audio == nil {
		return nil, errors.New("nothing to publish: give a video or an audio file")
	}
	api, err := newAPI(reachesLoopback(opt.URL))
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	p := &publisher{pc: pc, states: make(chan webrtc.PeerConnectionState, 64), readers: make(chan struct{}, 2)}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		select {
		case p.states <- s:
		default: // more changes than anybody could care about
		}
	})
	if err := errors.Join(p.add(opt.Video, &p.video, "video"), p.add(opt.Audio, &p.audio, "audio")); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func newAPI(loopback bool) (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	registry, err := interceptors(media)
	if err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(loopback)
	settings.SetDTLSInsecureSkipHelloVerify(true)
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings)), nil
}

// reachesLoopback tells whether the endpoint is on this machine, where loopback
// candidates are of use.
func reachesLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return host == "localhost"
}

// add makes a sendonly section for a file; no file, no section.
func (p *publisher) add(file mediafile.Reader, track **webrtc.TrackLocalStaticSample, id string) error {
	if file == nil {
		return nil
	}
	capability := webrtc.RTPCodecCapability{MimeType: file.MimeType()}
	t, err := webrtc.NewTrackLocalStaticSample(capability, id, "headgate-push")
	if err != nil {
		return err
	}
	transceiver, err := p.pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return err
	}
	if err := transceiver.SetCodecPreferences(preferences(file.MimeType())); err != nil {
		return err
	}
	*track = t
	p.drain(transceiver.Sender())
	return nil
}

// drain reads the RTCP of a sender, so that the interceptors see it.
func (p *publisher) drain(sender *webrtc.RTPSender) {
	p.reading++
	go func() {
		defer func() { p.readers <- struct{}{} }()
		for b := make([]byte, 1500); ; {
			if _, _, err := sender.Read(b); err != nil {
				return
			}
		}
	}()
}

func (p *publisher) close() {
	_ = p.pc.GracefulClose() // nothing is left to be told
	for range p.reading {
		<-p.readers
	}
}

// negotiate gathers, POSTs the offer and applies the answer.
func (p *publisher) negotiate(ctx context.Context, opt Options) (*whip.Session, error) {
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return nil, err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	client := whip.Client{UserAgent: opt.UserAgent}
	session, err := client.Post(ctx, opt.URL, opt.Token, p.pc.LocalDescription().SDP)
	if err != nil {
		return nil, err
	}
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: session.Answer}
	if err := p.pc.SetRemoteDescription(answer); err != nil {
		return nil, errors.Join(fmt.Errorf("the answer cannot be used: %w", err), deleteSession(ctx, session))
	}
	return session, nil
}

func (p *publisher) awaitConnection(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case s := <-p.states:
			if s == webrtc.PeerConnectionStateConnected {
				return nil
			}
			if err := broken(s); err != nil {
				return err
			}
		case <-timer.C:
			return errTimeout
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func broken(s webrtc.PeerConnectionState) error {
	switch s {
	case webrtc.PeerConnectionStateFailed:
		return errNoPath
	case webrtc.PeerConnectionStateClosed:
		return errClosed
	default:
		return nil
	}
}
