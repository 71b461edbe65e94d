package audience

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is a connected UDP descriptor outside of the runtime's poller: nobody is
// woken when a datagram arrives.
type socket struct {
	fd   int
	addr netip.AddrPort
}

// newSocket takes conn over, and closes it if it fails.
func newSocket(conn *net.UDPConn, remote netip.AddrPort, cfg Config) (*socket, error) {
	defer func() { _ = conn.Close() }() // the socket has a descriptor of its own
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(own uintptr) { fd, dupErr = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, dupErr
	}
	s := &socket{fd: fd}
	if err := s.connect(conn, remote, cfg); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *socket) connect(conn *net.UDPConn, remote netip.AddrPort, cfg Config) error {
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) // needs a privilege
	if cfg.GRO {
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1); err != nil {
			return errors.Join(errors.New("UDP_GRO"), err)
		}
	}
	if err := unix.Connect(s.fd, sockaddr(conn, remote)); err != nil {
		return err
	}
	local, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	switch a := local.(type) {
	case *unix.SockaddrInet4:
		s.addr = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		s.addr = netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return nil
}

// sockaddr writes remote in the family of the socket.
func sockaddr(conn *net.UDPConn, remote netip.AddrPort) unix.Sockaddr {
	local, _ := netip.ParseAddrPort(conn.LocalAddr().String())
	if local.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(remote.Port()), Addr: remote.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(remote.Port()), Addr: remote.Addr().As16()}
}

func (s *socket) local() netip.AddrPort { return s.addr }

func (s *socket) write(b []byte) error {
	_, err := unix.Write(s.fd, b)
	return err
}

func (s *socket) close() error { return unix.Close(s.fd) }

// overflow is how many datagrams the system has dropped for want of room
// (SO_MEMINFO, SK_MEMINFO_DROPS).
func (s *socket) overflow() uint64 {
	const drops, words = 8, 9
	var info [4 * words]byte
	size := uint32(len(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size < uint32(len(info)) {
		return 0
	}
	return uint64(binary.NativeEndian.Uint32(info[4*drops:]))
}

// raiseFileLimit lets the process have as many descriptors as it may.
func raiseFileLimit() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur < limit.Max {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) // then joins fail, and say why
	}
}
