//go:build !linux

package audience

import (
	"net"
	"net/netip"
)

// socket is a UDP socket of the runtime's poller: elsewhere than on Linux a
// goroutine per viewer reads it. That works, but it is not cheap, and delays are
// exact.
type socket struct {
	conn   *net.UDPConn
	remote netip.AddrPort
	// reading is the sweeper's.
	reading bool
}

// newSocket takes conn over.
func newSocket(conn *net.UDPConn, remote netip.AddrPort, _ Config) (*socket, error) {
	return &socket{conn: conn, remote: remote}, nil
}

// local is the address of the socket; the unspecified one where it was bound to
// all.
func (s *socket) local() netip.AddrPort {
	addr, _ := netip.ParseAddrPort(s.conn.LocalAddr().String())
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

func (s *socket) write(b []byte) error {
	_, err := s.conn.WriteToUDPAddrPort(b, s.remote)
	return err
}

// close ends the reader, which the audience waits for: here it might wait for the
// viewer's lock, which the caller has.
func (s *socket) close() error { return s.conn.Close() }

func (s *socket) overflow() uint64 { return 0 }

func raiseFileLimit() {}
