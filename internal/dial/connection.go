package dial

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/wish"
)

// Options say where to connect to and as whom.
type Options struct {
	// URL is the endpoint, Token the bearer token or empty.
	URL, Token string
	// UserAgent is told to the server.
	UserAgent string
	// Timeout bounds the time from the POST until media can flow; 0 means 20 s.
	Timeout time.Duration
}

const (
	defaultTimeout = 20 * time.Second
	goodbyeTimeout = 5 * time.Second
	// A connection that is silent this long is tried again; servers answer checks
	// every two seconds or so.
	silentAfter, failedAfter, keepalive = 5 * time.Second, 10 * time.Second, 2 * time.Second
)

// The ways a connection ends by itself.
var (
	ErrNoPath  = errors.New("no address pair works: the server's media port cannot be reached from here, or no longer")
	ErrTimeout = errors.New("the server did not connect in time")
	ErrClosed  = errors.New("the server closed the connection")
)

// Connection is a connection to a server and the session it belongs to. What is
// sent is added to PC, and what is wanted said by Receive, before Open.
//
// Ownership: whoever made it calls Close, which waits for the stack's goroutines.
type Connection struct {
	// PC is another one after Open if the server made a counter-offer.
	PC *webrtc.PeerConnection
	// ConnectedAfter is the time from the POST until media could flow.
	ConnectedAfter time.Duration

	opt     Options
	api     *webrtc.API
	onTrack func(*webrtc.TrackRemote) // nil for who only sends
	session *wish.Session
	answer  string        // the server's description as it was agreed to
	changed chan struct{} // capacity 1: that something changed is enough
}

// New makes a connection that offers these codecs and nothing else.
func New(opt Options, codecs []Codec) (*Connection, error) {
	if opt.Timeout == 0 {
		opt.Timeout = defaultTimeout
	}
	media, err := engine(codecs)
	if err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, registry); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(onThisMachine(opt.URL))
	settings.SetDTLSInsecureSkipHelloVerify(true)
	settings.SetICETimeouts(silentAfter, failedAfter, keepalive)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
	c := &Connection{opt: opt, api: api, changed: make(chan struct{}, 1)}
	return c, c.connect()
}

// connect makes the stack's connection.
func (c *Connection) connect() (err error) {
	if c.PC, err = c.api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return err
	}
	c.PC.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		select {
		case c.changed <- struct{}{}:
		default: // somebody will look anyhow
		}
	})
	if c.onTrack != nil {
		c.PC.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { c.onTrack(t) })
	}
	return nil
}

// Receive asks for a section of each kind. onTrack is called for what comes; it must
// not block. Who receives takes counter-offers too.
func (c *Connection) Receive(kinds []webrtc.RTPCodecType, onTrack func(*webrtc.TrackRemote)) error {
	c.onTrack = onTrack
	c.PC.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { onTrack(t) })
	for _, kind := range kinds {
		if _, err := c.PC.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return err
		}
	}
	return nil
}

// onThisMachine tells whether the endpoint is on this machine, where loopback
// candidates are of use.
func onThisMachine(endpoint string) bool {
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

// Open gathers, POSTs the offer, applies the answer and waits until media can
// flow. Close is to be called in any case.
func (c *Connection) Open(ctx context.Context) error {
	offer, err := c.PC.CreateOffer(nil)
	if err != nil {
		return err
	}
	if err := c.describe(ctx, offer); err != nil {
		return err
	}
	posted := time.Now()
	deadline, cancel := context.WithTimeoutCause(ctx, c.opt.Timeout, ErrTimeout)
	defer cancel()
	client := wish.Client{UserAgent: c.opt.UserAgent, CounterOffers: c.onTrack != nil}
	if c.session, err = client.Post(deadline, c.opt.URL, c.opt.Token, c.PC.LocalDescription().SDP); err != nil {
		return err
	}
	if err := c.agree(deadline); err != nil {
		return err
	}
	if err := c.wait(deadline, webrtc.PeerConnectionStateConnected); err != nil {
		return err
	}
	c.ConnectedAfter = time.Since(posted)
	return nil
}

// describe applies a description of ours and waits for its candidates.
func (c *Connection) describe(ctx context.Context, d webrtc.SessionDescription) error {
	gathered := webrtc.GatheringCompletePromise(c.PC)
	if err := c.PC.SetLocalDescription(d); err != nil {
		return err
	}
	select {
	case <-gathered:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// agree applies what the server said to the offer.
func (c *Connection) agree(ctx context.Context) error {
	if c.session.CounterOffer != "" {
		return c.answerOffer(ctx)
	}
	c.answer = c.session.Answer
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: c.answer}
	if err := c.PC.SetRemoteDescription(answer); err != nil {
		return Final(fmt.Errorf("the answer cannot be used: %w", err))
	}
	return nil
}

// Answer is the session description of the server, once Open returned. Of a
// counter-offer, sections that were not taken have port 0.
func (c *Connection) Answer() string { return c.answer }

// Wait blocks until the connection ends, and says why, or until ctx does.
func (c *Connection) Wait(ctx context.Context) error {
	err := c.wait(ctx, webrtc.PeerConnectionStateUnknown)
	if errors.Is(err, ErrClosed) {
		return c.closed(ctx)
	}
	return err
}

// closed asks the server why it closed the connection; not all say it.
func (c *Connection) closed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()
	status, ok := errors.AsType[*wish.StatusError](c.session.Look(ctx))
	if !ok || status.Detail == "" {
		return ErrClosed
	}
	return fmt.Errorf("%w: %s (%s)", ErrClosed, status.Detail, status.Code)
}

func (c *Connection) wait(ctx context.Context, want webrtc.PeerConnectionState) error {
	for {
		switch s := c.PC.ConnectionState(); s { // callbacks may come in the wrong order: ask
		case want:
			return nil
		case webrtc.PeerConnectionStateFailed:
			return ErrNoPath
		case webrtc.PeerConnectionStateClosed:
			return ErrClosed
		default:
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close deletes the session, even when ctx is over, and closes the connection.
func (c *Connection) Close(ctx context.Context) (err error) {
	if c.session != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTimeout)
		defer cancel()
		if err = c.session.Delete(ctx); err != nil {
			err = fmt.Errorf("end the session: %w", err)
		}
	}
	_ = c.PC.GracefulClose() // nothing is left to be told
	return err
}
