package peer

import (
	"net/netip"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
)

// learnKeys is for a viewer for whom we shall be the DTLS server: with its keys we
// send, and read what it reports.
func (c *Conn) learnKeys(settings *webrtc.SettingEngine) {
	c.keys, c.feedback = new(keyHooks), newFeedback(c)
	c.feedback.read(settings)
	settings.SetDTLSKeyLogWriter(c.keys)
	settings.SetDTLSServerHelloMessageHook(c.keys.hello)
}

// forgoKeys leaves both to the stack, before DTLS.
func (c *Conn) forgoKeys() {
	c.keys = nil
	c.feedback.ours.Store(false)
}

// openLine lets a viewer's media flow, once the handshake is over, and returns
// what is to be said of it. Keys we learnt make the line seal for itself, and its RTCP
// be read here. Without them, because the client is the DTLS server, the stack does
// both: this is decided here, before the first packet, and for good.
func (c *Conn) openLine() (detail string) {
	if c.keys != nil {
		profile, err := c.useKeys()
		if err == nil {
			return profile
		}
		c.log.Error("sending through the stack", "err", err)
		c.feedback.ours.Store(false)
	}
	c.line.UseStack(egress.Stack{RTP: c.writeRTP, RTCP: c.writeReport})
	return "sent through the stack"
}

// useKeys seals what is sent, and opens what comes, with the keys we learnt. On error
// nothing is changed.
func (c *Conn) useKeys() (profile string, err error) {
	keys, err := c.keys.derive()
	if err != nil {
		return "", err
	}
	opener, err := egress.NewOpener(keys.client)
	if err != nil {
		return "", err
	}
	if _, err := c.line.Seal(keys.server); err != nil {
		return "", err
	}
	c.feedback.begin(opener)
	return keys.server.String(), nil
}

// writeReport sends one datagram of RTCP through the stack.
func (c *Conn) writeReport(packet []byte) error {
	packets, err := rtcp.Unmarshal(packet)
	if err != nil {
		return err
	}
	return c.pc.WriteRTCP(packets)
}

// writeRTP sends one whole RTP packet through the stack, which seals it. While
// an ICE restart has no pair it is silently lost.
func (c *Conn) writeRTP(packet []byte) error {
	if len(c.slots) == 0 {
		return errNothingToSend
	}
	return c.slots[0].write(packet)
}

// moveLine makes the selected pair the line's way. What is sealed already may
// take either.
func (c *Conn) moveLine(remote netip.AddrPort, proto string) {
	if c.line == nil {
		return
	}
	if c.feedback != nil {
		c.feedback.move(remote, proto)
	}
	if proto == "tcp" {
		if path := c.host.tcp.path(c.localUfrag.Load(), remote); path != nil {
			c.line.Move(*path)
		}
		return
	}
	if c.host.relayed(remote) {
		c.line.Move(c.host.relayPath(remote))
		return
	}
	if s := c.host.outlet(remote.Addr()); s != nil {
		c.line.Move(egress.Path{Socket: s, Remote: remote})
	}
}

// outlet finds the descriptor that serves an address.
func (h *Host) outlet(to netip.Addr) *egress.Socket {
	if h.sockets == nil {
		return h.virtual
	}
	for _, s := range h.sockets.sockets {
		if s.serves(to) {
			return s.Socket
		}
	}
	return nil
}
