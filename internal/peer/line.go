package peer

import (
	"net/netip"

	"github.com/pion/rtcp"

	"github.com/headgate/headgate/internal/egress"
)

// openLine lets a viewer's media flow, once the handshake is over, and returns
// what is to be said of it. Keys we learnt make the line seal for itself.
// Without them, because the client is the DTLS server, the stack's writer
// does: this is decided here, before the first packet, and for good.
func (c *Conn) openLine() (detail string) {
	if c.keys != nil {
		keys, err := c.keys.sending()
		if err == nil {
			_, err = c.line.Seal(keys)
		}
		if err == nil {
			return keys.String()
		}
		c.log.Error("sending through the stack", "err", err)
	}
	c.line.UseStack(egress.Stack{RTP: c.writeRTP, RTCP: c.writeReport})
	return "sent through the stack"
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
