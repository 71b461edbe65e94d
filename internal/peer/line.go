package peer

import (
	"net"
	"net/netip"

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
		c.host.log.Error("sending through the stack", "error", err)
	}
	c.line.UseStack(c.writeStack)
	return "sent through the stack"
}

// writeStack sends one whole RTP packet through the stack, which seals it. While
// an ICE restart has no pair it is silently lost.
func (c *Conn) writeStack(packet []byte) error {
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
		if write := c.host.tcp.writer(c.localUfrag.Load(), remote); write != nil {
			c.line.Move(egress.Path{Stream: write})
		}
		return
	}
	if s := c.host.outlet(remote.Addr()); s != nil {
		c.line.Move(egress.Path{Socket: s, Remote: remote})
	}
}

// openOutlets prepares the descriptors for the workers.
func (h *Host) openOutlets() {
	if h.sockets == nil {
		conn := h.cfg.UDPConn
		h.outlets = []*egress.Socket{egress.NewSocket(conn, func(b []byte, to netip.AddrPort) (int, error) {
			return conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
		}, nil, h.cfg.LastStep)}
		return
	}
	for _, s := range h.sockets.sockets {
		var sources egress.Sources
		if s.paths != nil {
			sources = s.paths
		}
		h.outlets = append(h.outlets, egress.NewSocket(s.conn, s.write, sources, h.cfg.LastStep))
	}
}

// outlet finds the descriptor that serves an address.
func (h *Host) outlet(to netip.Addr) *egress.Socket {
	if h.sockets == nil {
		return h.outlets[0]
	}
	for i, s := range h.sockets.sockets {
		if s.serves(to) {
			return h.outlets[i]
		}
	}
	return nil
}
