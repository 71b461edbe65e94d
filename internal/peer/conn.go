package peer

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

// Conn is the ICE, DTLS and SRTP side of one session.
//
// Ownership: it has one goroutine, which alone calls Notify; the stack's
// goroutines are the PeerConnection's. Close ends and waits for all of them.
// Every method is safe for concurrent use.
type Conn struct {
	host   *Host
	plan   *negotiate.Plan
	pc     *webrtc.PeerConnection
	notify func(Event)

	answer   []byte
	ingest   *router.Ingest // publisher only
	slots    []*slot        // viewer only, those that are sent on
	sections []router.SectionConfig
	streamID string
	line     *egress.Line // viewer only
	log      *slog.Logger // viewer only
	keys     *keyHooks    // viewer only; nil if we are not the DTLS server
	feedback *feedback    // viewer only; nil if we never were to be the DTLS server
	agreed   string       // the client's answer to our offer, between Agree and Connect

	intake intake
	data   dataChannels
	remote remoteCandidates
	paths  paths
	media  atomic.Int64 // when authenticated RTP or RTCP last came, in Unix nanoseconds
	// keyFrameTold, iceUp and secure (DTLS was up) belong to the owner goroutine.
	keyFrameTold, iceUp, secure bool

	// signalling orders restarts and candidates; ufrag and pwd are the client's.
	signalling sync.Mutex
	ufrag, pwd string
	localUfrag atomic.Pointer[string]
	// advertised are the addresses in the answer; certificate tells that the client
	// showed one before DTLS failed, mismatch that it was not the one announced.
	advertised            []netip.AddrPort
	certificate, mismatch atomic.Bool

	events chan Event    // see emit for the overflow
	wake   chan struct{} // one token: there are candidates to hand on
	// gathering has a token when the gathering state changed; for describe.
	gathering chan struct{}
	stop      chan struct{} // closed by Close when the stack is down
	done      chan struct{} // closed by the owner goroutine

	closing   atomic.Bool
	closeOnce sync.Once
	closeErr  error
}

// newConn makes a connection without anything to close.
func (h *Host) newConn(plan *negotiate.Plan, loopback bool, notify func(Event)) *Conn {
	c := &Conn{
		host: h, plan: plan, notify: notify,
		remote:    remoteCandidates{loopback: loopback},
		paths:     paths{silence: h.cfg.Keepalive * 3 / 2},
		events:    make(chan Event, eventQueue),
		wake:      make(chan struct{}, 1),
		gathering: make(chan struct{}, 1),
		stop:      make(chan struct{}),
		done:      make(chan struct{}),
	}
	c.intake.c = c
	c.data.emit = c.emit
	c.paths.restart()
	return c
}

// connect makes the PeerConnection and starts the owner goroutine. On error
// nothing is left.
func (c *Conn) connect(settings webrtc.SettingEngine) error {
	settings.BufferFactory = c.intake.buffer
	settings.SetICEBindingRequestHandler(c.paths.checked)
	settings.SetRemoteIPFilter(c.paths.accept)
	api, err := newAPI(settings, c.plan)
	if err == nil {
		c.pc, err = api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{c.host.certificate}})
	}
	if err != nil {
		return fmt.Errorf("make the connection: %w", err)
	}
	c.watch()
	go c.own()
	if err := c.host.adopt(c); err != nil {
		_ = c.Close()
		return err
	}
	return nil
}

// Answer is the description for the client: an answer, or what Host.Offer offers.
func (c *Conn) Answer() []byte { return c.answer }

// Sections are what a viewer is sent, one for each section that is answered
// sendonly, in the order of the answer.
func (c *Conn) Sections() []router.SectionConfig { return c.sections }

// StreamID is the CNAME of a viewer's answer and of its reports, and the msid stream
// of a plain one.
func (c *Conn) StreamID() string { return c.streamID }

// Ingest is the publisher's way into the router; nil for viewers.
func (c *Conn) Ingest() *router.Ingest { return c.ingest }

// RemoteUfrag is the client's ICE user name fragment in force.
func (c *Conn) RemoteUfrag() string {
	c.signalling.Lock()
	defer c.signalling.Unlock()
	return c.ufrag
}

// RemotePwd is the client's ICE password in force.
func (c *Conn) RemotePwd() string {
	c.signalling.Lock()
	defer c.signalling.Unlock()
	return c.pwd
}

// Line is how a viewer's media leaves; nil for publishers.
func (c *Conn) Line() *egress.Line { return c.line }

func (c *Conn) seen(now time.Time) { c.media.Store(now.UnixNano()) }

// LastSeen is when the last authenticated packet came: RTP, RTCP, a check or the
// answer to one of ours (N-156). Zero if there was none.
func (c *Conn) LastSeen() time.Time {
	last := c.paths.lastSeen()
	if n := c.media.Load(); n > 0 {
		if media := time.Unix(0, n); media.After(last) {
			return media
		}
	}
	return last
}

// Pair is the selected pair; both addresses are invalid while there is none. On
// a host that listens on all addresses local is the one the client sent its
// checks to, where the system tells it.
func (c *Conn) Pair() (local, remote netip.AddrPort, proto string) {
	local, remote, proto = c.paths.pair()
	if sockets := c.host.sockets; sockets != nil && proto == "udp" {
		if a := sockets.localFor(remote); a.IsValid() {
			local = netip.AddrPortFrom(a, c.host.addr.Port())
		}
	}
	return local, remote, proto
}

// AddCandidates takes values of a=candidate lines, with or without "candidate:",
// and returns how many are of use. What can't be used is dropped silently
// (N-107); repetitions are of use. end tells that no more will come in this ICE
// generation.
func (c *Conn) AddCandidates(lines []string, end bool) (taken, dropped int) {
	c.signalling.Lock()
	defer c.signalling.Unlock()
	return c.addCandidates(lines, end)
}

// addCandidates needs signalling locked.
func (c *Conn) addCandidates(lines []string, end bool) (taken, dropped int) {
	taken, reasons := c.remote.add(lines, end)
	for _, n := range reasons {
		dropped += n
	}
	if dropped > 0 {
		c.emit(CandidateDropped, describeDropped(reasons))
	}
	if taken > 0 {
		token(c.wake)
	}
	return taken, dropped
}

// token wakes the reader of a channel of capacity 1.
func token(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func describeDropped(reasons map[string]int) string {
	var parts []string
	for _, r := range dropReasons {
		if n := reasons[r]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, r))
		}
	}
	return strings.Join(parts, ", ")
}

// Close ends the connection: the client gets close_notify (N-154), and every
// goroutine of the connection has ended when it returns. It may be called more
// than once, but not from Notify.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() {
		c.closing.Store(true)
		if c.feedback != nil {
			c.feedback.close()
		}
		c.closeErr = c.pc.GracefulClose()
		c.data.close()
		close(c.stop)
		<-c.done
		if c.ingest != nil {
			c.ingest.Close()
		}
		c.host.forget(c)
	})
	return c.closeErr
}
