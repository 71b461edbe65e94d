package egress

import (
	"net/netip"
	"sync/atomic"
)

// Socket is a UDP descriptor the workers send on, several at a time.
type Socket struct {
	// write sends one datagram.
	write func(b []byte, to netip.AddrPort) (int, error)
	// sources tells from which address to send; nil leaves it to the system.
	sources Sources
	// raw is what the last step of the operating system needs; see newRaw.
	raw rawSocket
	// segments tells that runs may be given to the kernel to cut up. It is taken
	// back when the first device refuses.
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

func (s *Socket) source(remote netip.AddrPort) (version uint32, control []byte) {
	if s.sources == nil {
		return 0, nil
	}
	version = s.sources.Version()
	return version, s.sources.Control(remote)
}
