package egress

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawSocket makes calls on a descriptor without telling the Go scheduler.
//
// The runtime's monitor thread sleeps while nothing runs. A system call that the
// scheduler knows of wakes it, and then it looks every 20 µs whether a call takes
// long: at 200 viewers that alone was a sixth of the processor time. These calls
// never wait (the descriptor is non-blocking), so there is nothing to look after;
// waiting for a datagram is the netpoller's, as ever.
type rawSocket struct {
	conn syscall.RawConn
	// v6 tells that addresses are given as IPv6, IPv4 mapped into it.
	v6      bool
	receive *message // of the one reader
	sends   spare
}

// openRaw looks at what the descriptor can do. Without an answer everything goes
// through the standard library.
func (s *Socket) openRaw(step LastStep) {
	conn, err := s.udp.SyscallConn()
	if err != nil {
		return
	}
	var domain int
	var segments bool
	err = conn.Control(func(fd uintptr) {
		domain, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		_, refused := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		segments = refused == nil
	})
	if err != nil || domain != unix.AF_INET && domain != unix.AF_INET6 {
		return
	}
	s.raw.conn, s.raw.v6, s.raw.receive = conn, domain == unix.AF_INET6, newMessage()
	s.batched = step != Single
	s.segments.Store(s.batched && segments && step != Batched)
}

// message is one recvmsg or sendmsg call.
type message struct {
	header unix.Msghdr
	vector unix.Iovec
	name   sockaddr
	n      int
	errno  syscall.Errno
	// read and write are made once; a closure would be made for every call.
	read  func(fd uintptr) (done bool)
	write func(fd uintptr)
}

// spare keeps messages for the next call, as many as were ever used at a time.
type spare struct {
	mu   sync.Mutex
	free []*message
}

func (p *spare) take() *message {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return newMessage()
	}
	m := p.free[n-1]
	p.free = p.free[:n-1]
	return m
}

func (p *spare) put(m *message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, m)
}

func newMessage() *message {
	m := new(message)
	m.read, m.write = m.recvmsg, m.sendmsg
	return m
}

func (m *message) recvmsg(fd uintptr) (done bool) {
	m.call(unix.SYS_RECVMSG, fd)
	return m.errno != unix.EAGAIN
}

func (m *message) sendmsg(fd uintptr) { m.call(unix.SYS_SENDMSG, fd) }

func (m *message) call(trap, fd uintptr) {
	for {
		r, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(&m.header)), unix.MSG_DONTWAIT)
		if m.n, m.errno = int(r), errno; errno != unix.EINTR {
			return
		}
	}
}

// prepare fills the header. b must not be empty for reading.
func (m *message) prepare(b, control []byte) {
	m.vector = unix.Iovec{Base: unsafe.SliceData(b)}
	m.vector.SetLen(len(b))
	m.header = unix.Msghdr{Name: &m.name.bytes[0], Namelen: m.name.len, Iov: &m.vector}
	m.header.SetIovlen(1)
	if len(control) > 0 {
		m.header.Control = &control[0]
		m.header.SetControllen(len(control))
	}
}

// forget lets go of the caller's bytes.
func (m *message) forget() { m.header.Control, m.vector.Base = nil, nil }

// Read reads one datagram and its control messages. One goroutine at a time may.
func (s *Socket) Read(b, control []byte) (n, controlLen int, from netip.AddrPort, err error) {
	m := s.raw.receive
	if m == nil {
		n, controlLen, _, from, err = s.udp.ReadMsgUDPAddrPort(b, control)
		return n, controlLen, from, err
	}
	m.name.len = uint32(len(m.name.bytes))
	m.prepare(b, control)
	defer m.forget()
	if err := s.raw.conn.Read(m.read); err != nil {
		return 0, 0, netip.AddrPort{}, err
	}
	if m.errno != 0 {
		return 0, 0, netip.AddrPort{}, &net.OpError{Op: "read", Net: "udp", Err: m.errno}
	}
	return m.n, int(m.header.Controllen), m.name.addrPort(), nil
}

// writeOne sends one datagram. A full socket is left to the standard library,
// which waits for it.
func (s *Socket) writeOne(b, control []byte, to netip.AddrPort) (int, error) {
	if s.raw.conn == nil {
		return s.writeThrough(b, control, to)
	}
	m := s.raw.sends.take()
	m.name = s.sockaddr(to)
	m.prepare(b, control)
	err := s.raw.conn.Control(m.write)
	n, errno := m.n, m.errno
	m.forget()
	s.raw.sends.put(m)
	switch {
	case err != nil:
		return 0, err
	case errno == unix.EAGAIN:
		return s.writeThrough(b, control, to)
	case errno != 0:
		return 0, &net.OpError{Op: "write", Net: "udp", Err: errno}
	}
	return n, nil
}

// sockaddr is an address as the kernel wants it.
type sockaddr struct {
	bytes [unix.SizeofSockaddrInet6]byte
	len   uint32
}

func (s *Socket) sockaddr(a netip.AddrPort) (name sockaddr) {
	if s.raw.v6 {
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(&name.bytes))
		in.Family, in.Addr, in.Scope_id = unix.AF_INET6, a.Addr().As16(), zoneIndex(a.Addr().Zone())
		putPort(&in.Port, a.Port())
		name.len = unix.SizeofSockaddrInet6
		return name
	}
	if !a.Addr().Unmap().Is4() {
		return name // no address of this socket's family: the kernel refuses it
	}
	in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&name.bytes))
	in.Family, in.Addr = unix.AF_INET, a.Addr().Unmap().As4()
	putPort(&in.Port, a.Port())
	name.len = unix.SizeofSockaddrInet4
	return name
}

// addrPort is what the kernel wrote, IPv4 not mapped.
func (name *sockaddr) addrPort() netip.AddrPort {
	in := (*unix.RawSockaddrInet6)(unsafe.Pointer(&name.bytes))
	if in.Family == unix.AF_INET6 {
		a := netip.AddrFrom16(in.Addr).Unmap()
		if in.Scope_id != 0 && a.Is6() {
			a = a.WithZone(zoneName(in.Scope_id))
		}
		return netip.AddrPortFrom(a, port(&in.Port))
	}
	in4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&name.bytes))
	return netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), port(&in4.Port))
}

// putPort writes a port in network order, which the field is in.
func putPort(field *uint16, port uint16) {
	b := (*[2]byte)(unsafe.Pointer(field))
	b[0], b[1] = byte(port>>8), byte(port)
}

func port(field *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(field))
	return uint16(b[0])<<8 | uint16(b[1])
}

// zoneName and zoneIndex convert the scope of a link-local address. The number
// itself will do as a name.
func zoneName(index uint32) string {
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(index), 10)
}

func zoneIndex(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}
