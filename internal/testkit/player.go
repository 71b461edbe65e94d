package testkit

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/whep"
)

// PlayerOptions say how a Player behaves.
type PlayerOptions struct {
	Endpoint, Token string
	NoRTX           bool
	// VP8 can be played too, not only H.264.
	VP8 bool
	// Slots is how many sections of each kind are offered; 0 means one.
	Slots int
	// Only is "audio" or "video" for a player that wants nothing else.
	Only string
	// TransportCC offers feedback about every packet, and sends it.
	TransportCC bool
	// OneReporter sends one report a second about each stream, as browsers do. Else
	// the stack sends another, which knows nothing of losses.
	OneReporter bool
	// Orientation is the id of the video orientation extension; 0 does not offer
	// it.
	Orientation uint8
	// Data are the labels of data channels to open.
	Data []string
	// Patience is how long the picture may stand still before the player asks
	// for a key frame; 0 means 200 ms, as libwebrtc.
	Patience time.Duration
	// Relays are TURN servers; with any of them media takes no other way.
	Relays []webrtc.ICEServer
	// Settings changes the stack, EditOffer and EditAnswer the text on its way.
	// Counter says how the player answers a counter-offer; nil does not know them.
	Counter *CounterStyle

	Settings              func(*webrtc.SettingEngine)
	EditOffer, EditAnswer func(string) string
	Net                   transport.Net
	// HTTP does the requests; nil means http.DefaultClient.
	HTTP *http.Client
}

// kinds are those of the sections.
func (o PlayerOptions) kinds() (kinds []webrtc.RTPCodecType) {
	for range max(o.Slots, 1) {
		if o.Only != "" {
			kinds = append(kinds, webrtc.NewRTPCodecType(o.Only))
			continue
		}
		kinds = append(kinds, webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio)
	}
	return kinds
}

// Player plays a synthetic stream by WHEP. It is safe for concurrent use.
//
// Ownership: its goroutines end with Close, which waits for them.
type Player struct {
	t        testing.TB
	pc       *webrtc.PeerConnection
	session  *whep.Session
	Eye      *Eye
	receiver *receiver
	data     map[string]*Data
	stop     context.CancelFunc
	work     sync.WaitGroup
	once     sync.Once
}

// Play makes a player and waits until it is connected. It is closed when the
// test ends. Where nobody publishes yet it tries again for a while, as players
// do.
func Play(t testing.TB, opt PlayerOptions) *Player {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		p, err := TryPlay(t, opt)
		if status, ok := errors.AsType[*wish.StatusError](err); ok && status.Status == http.StatusConflict && time.Now().Before(deadline) {
			<-time.After(50 * time.Millisecond)
			continue
		}
		must(t, err)
		return p
	}
}

// TryPlay is Play for servers that may refuse.
func TryPlay(t testing.TB, opt PlayerOptions) (*Player, error) {
	t.Helper()
	if opt.Patience == 0 {
		opt.Patience = 200 * time.Millisecond
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Player{t: t, stop: stop}
	p.receiver = newReceiver(p, opt.Slots)
	p.Eye = p.receiver.slots[0].Eye
	p.pc = p.newPeer(opt)
	t.Cleanup(p.Close)
	connected := whenConnected(p.pc)
	for _, kind := range opt.kinds() {
		_, err := p.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		must(t, err)
	}
	p.data = openData(t, p.pc, opt.Data)
	session, err := whep.Client{HTTP: opt.HTTP, CounterOffers: opt.Counter != nil}.Post(ctx, opt.Endpoint, opt.Token, Quirks{EditOffer: opt.EditOffer}.offer(offer(t, p.pc)))
	if err != nil {
		p.Close()
		return nil, err
	}
	p.session = session
	if session.CounterOffer != "" {
		return p, p.answer(ctx, opt)
	}
	p.receiver.open(session.Answer)
	p.work.Go(func() { p.receiver.run(ctx, opt.Patience) })
	must(t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: Quirks{EditAnswer: opt.EditAnswer}.answer(session.Answer)}))
	select {
	case <-connected:
	case <-time.After(20 * time.Second):
		t.Fatal("the player is not connected after 20 s")
	}
	return p, nil
}

func (p *Player) newPeer(opt PlayerOptions) *webrtc.PeerConnection {
	return newPeer(p.t, peerOptions{
		net: opt.Net, noRTX: opt.NoRTX, vp8: opt.VP8, transportCC: opt.TransportCC, bare: opt.OneReporter, accent: Accent{Orientation: opt.Orientation}, buffers: p.receiver.buffer,
		relays: opt.Relays, quirks: Quirks{Settings: opt.Settings},
	})
}

// Session is the WHEP session.
func (p *Player) Session() *whep.Session { return p.session }

// Data is the data channel with this label.
func (p *Player) Data(label string) *Data { return p.data[label] }

// Connection is the pion connection, for tests of its state.
func (p *Player) Connection() *webrtc.PeerConnection { return p.pc }

// Sounds counts audio packets, those of all slots.
func (p *Player) Sounds() (n int) {
	for _, s := range p.receiver.slots {
		n += s.Sounds()
	}
	return n
}

// VideoHeaders returns the headers of the video packets so far, as they came
// over the wire, without retransmissions.
func (p *Player) VideoHeaders() []rtp.Header {
	p.receiver.mu.Lock()
	defer p.receiver.mu.Unlock()
	return slices.Clone(p.receiver.video)
}

// NewestVideo returns the last of VideoHeaders; before the first packet, nothing.
func (p *Player) NewestVideo() rtp.Header {
	p.receiver.mu.Lock()
	defer p.receiver.mu.Unlock()
	if len(p.receiver.video) == 0 {
		return rtp.Header{}
	}
	return p.receiver.video[len(p.receiver.video)-1]
}

// Wait returns once seen says so, or fails the test after limit.
func (p *Player) Wait(limit time.Duration, what string, seen func(Seen) bool) Seen {
	p.t.Helper()
	deadline := time.After(limit)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		s := p.Eye.Seen()
		if seen(s) {
			return s
		}
		select {
		case <-p.Eye.changed:
		case <-poll.C:
		case <-deadline:
			p.t.Fatalf("after %v still no %s; seen: %+v, %d sounds", limit, what, s, p.Sounds())
		}
	}
}

// Close closes the connection without a word over HTTP. It may be called more
// than once.
func (p *Player) Close() {
	p.once.Do(func() {
		p.stop()
		_ = p.pc.GracefulClose() // nothing is left to be told
		p.work.Wait()
	})
}
