package egress

import (
	"net"
	"net/netip"
	"sync/atomic"
)

// Socket is a UDP descriptor: the workers send on it, several at a time, and the
// connections' own messages pass it both ways.
type Socket struct {
	conn net.PacketConn
	// udp is conn if that is a descriptor of the system.
	udp *net.UDPConn
	// sources tells from which address to send; nil leaves it to the system.
	sources Sources
	// raw is what the calls of the operating system need; see newRaw.
	raw rawSocket
	// batched and segments tell how runs are given to the kernel. Segments is taken
	// back when the first device refuses.
	batched  bool
	segments atomic.Bool
}

// Sources tells from which local address a remote one is to be answered, on a
// host with several. Safe for concurrent use.
type Sources interface {
	// Version changes whenever an answer of Control may have changed.
	Version() uint32
	// Control is a control message (IP_PKTINFO, IPV6_PKTINFO) that sends from the
	// right address; nil leaves it to the system. It must not be changed.
	Control(remote netip.AddrPort) []byte
	// Forget is told that the address can't be sent from (any more).
	Forget(remote netip.AddrPort)
}

// LastStep is how datagrams are given to the system.
type LastStep string

// The last steps. A step the system lacks falls back to the next one.
const (
	// Segmented gives runs of equal packets to the kernel, which cuts them up
	// (UDP_SEGMENT), and many of them in a call.
	Segmented LastStep = "segmented"
	// Batched gives many packets in a call (sendmmsg).
	Batched LastStep = "batched"
	// Single gives one packet in a call.
	Single LastStep = "single"
)

// LastSteps are all of them, the fastest first.
func LastSteps() []LastStep { return []LastStep{Segmented, Batched, Single} }

// NewSocket makes a socket of conn, which stays the caller's to close. step is the
// fastest last step to try; sources may be nil. A conn that is no descriptor of
// the system, as on a virtual network, is Single.
func NewSocket(conn net.PacketConn, sources Sources, step LastStep) *Socket {
	s := &Socket{conn: conn, sources: sources}
	if s.udp, _ = conn.(*net.UDPConn); s.udp != nil {
		s.openRaw(step)
	}
	return s
}

// LastStep tells how the socket sends now.
func (s *Socket) LastStep() LastStep {
	switch {
	case !s.batched:
		return Single
	case s.segments.Load():
		return Segmented
	}
	return Batched
}

// WriteTo sends one datagram, from the right address. Safe for concurrent use.
func (s *Socket) WriteTo(b []byte, to netip.AddrPort) (int, error) {
	_, control := s.source(to)
	n, err := s.writeOne(b, control, to)
	if err != nil && control != nil {
		// The address may have left the machine, or was a broadcast one.
		s.sources.Forget(to)
		return s.writeOne(b, nil, to)
	}
	return n, err
}

// writeThrough sends by the standard library.
func (s *Socket) writeThrough(b, control []byte, to netip.AddrPort) (int, error) {
	if s.udp == nil {
		return s.conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
	n, _, err := s.udp.WriteMsgUDPAddrPort(b, control, to)
	return n, err
}

func (s *Socket) source(remote netip.AddrPort) (version uint32, control []byte) {
	if s.sources == nil {
		return 0, nil
	}
	version = s.sources.Version()
	return version, s.sources.Control(remote)
}
