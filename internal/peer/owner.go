package peer

import (
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
)

// ingestInterval is how often a publisher's ingest is asked what to send.
const ingestInterval = 10 * time.Millisecond

// own is the goroutine of the connection.
func (c *Conn) own() {
	defer close(c.done)
	pace := time.NewTimer(time.Hour)
	defer pace.Stop()
	ticker := time.NewTicker(ingestInterval)
	ticker.Stop()
	defer ticker.Stop()
	for {
		select {
		case e := <-c.events:
			c.handle(e)
			switch {
			case e.Kind == DTLSConnected && c.ingest != nil:
				ticker.Reset(ingestInterval)
			case e.Kind == RemoteClosed:
				ticker.Stop()
			}
		case now := <-ticker.C:
			c.tick(now)
		case <-c.wake:
			c.feed(pace)
		case <-pace.C:
			c.feed(pace)
		case <-c.stop:
			return
		}
	}
}

// handle does what an event asks of us and tells the session.
func (c *Conn) handle(e Event) {
	switch e.Kind {
	case ICEChecking, ICEDisconnected, ICEFailed:
		c.iceUp = false
	case DTLSStarted:
		// The stack tells of ICE and DTLS in different goroutines; this one can
		// come first.
		c.handle(Event{At: e.At, Kind: ICEConnected})
	case ICEConnected:
		if c.iceUp {
			return
		}
		c.iceUp = true
		c.remote.connected()
	case DTLSConnected:
		c.secure = true
		// The stack tells of DTLS before it has set SRTP up, and silently drops what
		// is sent in between. It holds the transport's lock meanwhile, so asking for
		// the state waits until media can flow.
		_ = c.pc.SCTP().Transport().State()
		if c.line != nil {
			e.Detail = c.openLine()
		}
	case RemoteClosed:
		if !c.secure {
			_ = c.dtlsFailure() // its facts
		}
	case DTLSFailed:
		e.Detail = c.dtlsFailure()
	default: // only passed on
	}
	if c.notify != nil && !c.closing.Load() {
		c.notify(e)
	}
}

// feed hands candidates to the agent at the pace remoteCandidates sets.
func (c *Conn) feed(pace *time.Timer) {
	batch, wait := c.remote.next(time.Now())
	for _, candidate := range batch {
		// The line is our own and of a known type; what is left is a closed agent.
		_ = c.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate.line()})
	}
	if wait > 0 {
		pace.Reset(wait)
	}
}

// watch connects the stack's callbacks. They run with locks of the stack held
// and only leave notes.
func (c *Conn) watch() {
	dtls := c.pc.SCTP().Transport()
	transport := dtls.ICETransport()
	transport.OnConnectionStateChange(func(s webrtc.ICETransportState) {
		if kind, ok := iceEvents[s]; ok {
			c.emit(kind, "")
		}
	})
	transport.OnSelectedCandidatePairChange(func(p *webrtc.ICECandidatePair) {
		local, remote, proto := c.paths.choose(p)
		c.moveLine(remote, proto)
		c.emit(PairSelected, fmt.Sprintf("%s %s - %s", proto, local, remote))
	})
	dtls.OnStateChange(func(s webrtc.DTLSTransportState) {
		if kind, ok := dtlsEvents[s]; ok {
			c.emit(kind, "")
		}
	})
	c.pc.OnDataChannel(c.data.opened)
	c.pc.OnICEGatheringStateChange(func(webrtc.ICEGatheringState) { token(c.gathering) })
}

var iceEvents = map[webrtc.ICETransportState]EventKind{
	webrtc.ICETransportStateChecking:     ICEChecking,
	webrtc.ICETransportStateConnected:    ICEConnected,
	webrtc.ICETransportStateCompleted:    ICEConnected,
	webrtc.ICETransportStateDisconnected: ICEDisconnected,
	webrtc.ICETransportStateFailed:       ICEFailed,
}

// dtlsEvents: the transport is closed by a close_notify, a fatal alert or by us,
// and then nothing is told any more.
var dtlsEvents = map[webrtc.DTLSTransportState]EventKind{
	webrtc.DTLSTransportStateConnecting: DTLSStarted,
	webrtc.DTLSTransportStateConnected:  DTLSConnected,
	webrtc.DTLSTransportStateFailed:     DTLSFailed,
	webrtc.DTLSTransportStateClosed:     RemoteClosed,
}

// dtlsFailure says what can be known of a failed handshake.
func (c *Conn) dtlsFailure() string {
	if shown := c.pc.SCTP().Transport().GetRemoteCertificate(); len(shown) > 0 {
		c.certificate.Store(true)
		if fits(shown, c.plan.SDP) {
			return "the client refused our certificate, or the profiles"
		}
		c.mismatch.Store(true)
		return "the certificate is not the one of the fingerprint in the offer" // N-066
	}
	return fmt.Sprintf("the handshake was refused or took more than %v", handshakeTimeout)
}
