//go:build !linux

package egress

import (
	"net"
	"net/netip"
)

// sockaddr and rawSocket have nothing to say where packets are sent one by one.
type (
	sockaddr  struct{}
	rawSocket struct{}
)

// NewSocket makes a socket of conn. Here every packet is a call of write.
func NewSocket(_ net.PacketConn, write func(b []byte, to netip.AddrPort) (int, error), _ Sources, _ LastStep) *Socket {
	return &Socket{write: write}
}

// LastStep tells how the socket sends now.
func (s *Socket) LastStep() LastStep { return Single }

func (s *Socket) sockaddr(netip.AddrPort) sockaddr { return sockaddr{} }

// caller has nothing to keep.
type caller struct{}

// send sends everything in b.
func (c *caller) send(b *batch) {
	for i := range b.runs {
		b.sendSingly(&b.runs[i])
	}
}
