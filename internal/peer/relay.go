package peer

import (
	"context"
	"net"
	"net/netip"

	"github.com/headgate/headgate/internal/egress"
)

// Relay is a TURN server in this process whose allocations have made-up
// addresses: no socket has them, and what is sent to one never reaches the
// network. Its methods are safe for concurrent use and must not block.
type Relay interface {
	// Owns tells whether an address is from the relay's made-up ones, whether or
	// not there is an allocation.
	Owns(netip.AddrPort) bool
	// Send hands a datagram to the allocation at an address that it owns. It keeps
	// nothing of it; an error means that the datagram is gone.
	Send(datagram []byte, to netip.AddrPort) error
}

// Deliver takes a datagram from the relay, as if a socket had received it from
// that address. It waits while the ICE mux is behind, and is false once the host
// is closed, or if it has no relay.
func (h *Host) Deliver(datagram []byte, from netip.AddrPort) bool {
	return h.sockets != nil && h.sockets.relay != nil && h.sockets.deliver(datagram, from)
}

// Uses tells whether a live connection's selected pair ends at remote.
func (h *Host) Uses(remote netip.AddrPort) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		if _, selected, proto := c.paths.pair(); selected == remote && proto == "udp" {
			return true
		}
	}
	return false
}

// relayed tells whether an address belongs to the relay.
func (h *Host) relayed(a netip.AddrPort) bool {
	return h.sockets != nil && h.sockets.relay != nil && h.sockets.relay.Owns(a)
}

// relayPath is the way of a viewer's sealed packets to an allocation.
func (h *Host) relayPath(remote netip.AddrPort) egress.Path {
	relay := h.sockets.relay
	return egress.Path{Stream: func(packet []byte) error { return relay.Send(packet, remote) }}
}

// deliver puts a datagram among those the sockets received.
func (c *udpConn) deliver(b []byte, from netip.AddrPort) bool {
	if len(b) > receiveBytes {
		return true // what the mux could not read either
	}
	select {
	case <-c.closed:
		return false
	default:
	}
	n, pass := c.feedback.inspect(b, from)
	if !pass {
		return true
	}
	d := c.pool.Get().(*datagram)
	d.n, d.from = copy(d.buf[:], b[:n]), from
	select {
	case c.arrived <- d:
		return true
	case <-c.closed:
		return false
	}
}

// ListenPacket opens the UDP port of address, "host:port" as in Config.Media, for
// another server on this machine. As with media, one connection serves both
// families, gives addresses unmapped, and answers from the local address that
// a client's last STUN message came to.
func ListenPacket(ctx context.Context, address string) (net.PacketConn, error) {
	s, err := openSockets(ctx, Config{Media: address, IPv6: true, LastStep: egress.Single})
	if err != nil {
		return nil, err
	}
	return newUDPConn(s.udp, nil), nil
}
