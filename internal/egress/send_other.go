//go:build !linux

package egress

import "net/netip"

// sockaddr and rawSocket have nothing to say where packets are sent one by one.
type (
	sockaddr  struct{}
	rawSocket struct{}
)

func (s *Socket) openRaw(LastStep) {}

func (s *Socket) sockaddr(netip.AddrPort) sockaddr { return sockaddr{} }

func (s *Socket) writeOne(b, control []byte, to netip.AddrPort) (int, error) {
	return s.writeThrough(b, control, to)
}

// Read reads one datagram and its control messages. One goroutine at a time may.
func (s *Socket) Read(b, control []byte) (n, controlLen int, from netip.AddrPort, err error) {
	n, controlLen, _, from, err = s.udp.ReadMsgUDPAddrPort(b, control)
	return n, controlLen, from, err
}

// caller has nothing to keep.
type caller struct{}

// send sends everything in b.
func (c *caller) send(b *batch) {
	for i := range b.runs {
		b.sendSingly(&b.runs[i])
	}
}
