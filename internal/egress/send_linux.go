package egress

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waitForRoom is how long a full socket buffer is waited for. The worker has other
// viewers; what does not fit then is gone, and asked for again by those who miss
// it.
const waitForRoom = time.Millisecond

// rawSocket is what sendmmsg needs of a descriptor; conn is nil without it.
type rawSocket struct {
	conn syscall.RawConn
	// v6 tells that addresses are given as IPv6, IPv4 mapped into it.
	v6 bool
}

// NewSocket makes a socket of conn. write sends one datagram on it, from the right
// address; it is the last step for everything a batch can't be used for. step is
// the fastest last step to try. A conn that is no descriptor of the system, as on
// a virtual network, is Single.
func NewSocket(conn net.PacketConn, write func(b []byte, to netip.AddrPort) (int, error), sources Sources, step LastStep) *Socket {
	s := &Socket{write: write, sources: sources}
	udp, ok := conn.(*net.UDPConn)
	if !ok || step == Single {
		return s
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return s
	}
	var domain int
	var segments bool
	err = raw.Control(func(fd uintptr) {
		domain, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		_, refused := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		segments = refused == nil
	})
	if err != nil || domain != unix.AF_INET && domain != unix.AF_INET6 {
		return s
	}
	s.raw = rawSocket{conn: raw, v6: domain == unix.AF_INET6}
	s.segments.Store(segments && step != Batched)
	return s
}

// LastStep tells how the socket sends now.
func (s *Socket) LastStep() LastStep {
	switch {
	case s.raw.conn == nil:
		return Single
	case s.segments.Load():
		return Segmented
	}
	return Batched
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

// putPort writes a port in network order, which the field is in.
func putPort(field *uint16, port uint16) {
	b := (*[2]byte)(unsafe.Pointer(field))
	b[0], b[1] = byte(port>>8), byte(port)
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

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	n      uint32
}

// controlBytes is room for the segment size and a source address.
const controlBytes = 96

// caller holds what one system call is made of. It belongs to one worker.
type caller struct {
	headers  [perCall]mmsghdr
	vectors  [perCall]unix.Iovec
	controls [perCall][controlBytes]byte
	// pieces are what the headers stand for.
	pieces [perCall]piece
	n      int

	// for call, which is made once because a closure would be made every time
	from, sent int
	errno      syscall.Errno
	full       bool // the socket had no room
	call, wait func(fd uintptr)
	// transmit is sendmmsg(2); replaced by tests.
	transmit func(fd uintptr, headers *mmsghdr, n int) (sent int, errno syscall.Errno)
}

// piece is what one header sends: packets of a run from from on.
type piece struct {
	run         *run
	from, count int
}

// send sends everything in b.
func (c *caller) send(b *batch) {
	if c.call == nil {
		c.call, c.wait = c.sendmmsg, waitWritable
		if c.transmit == nil {
			c.transmit = sendmmsg
		}
	}
	for i := range b.runs {
		r := &b.runs[i]
		s := r.target.path.Socket
		switch {
		case s.raw.conn == nil:
			b.sendSingly(r)
		case r.count > 1 && s.segments.Load():
			c.file(b, s, piece{r, 0, r.count})
		default:
			for k := range r.count {
				c.file(b, s, piece{r, k, 1})
			}
		}
	}
	c.flush(b)
}

// file adds one header, and makes the call when there are enough or p belongs to
// another socket.
func (c *caller) file(b *batch, s *Socket, p piece) {
	if c.n == perCall || c.n > 0 && c.pieces[0].run.target.path.Socket != s {
		c.flush(b)
	}
	i, t := c.n, p.run.target
	from := p.run.from + p.from*p.run.segment
	to := min(from+p.count*p.run.segment, p.run.to)
	v, h := &c.vectors[i], &c.headers[i].header
	v.Base = &b.arena[from]
	v.SetLen(to - from)
	h.Name, h.Namelen = &t.name.bytes[0], t.name.len
	h.Iov = v
	h.SetIovlen(1)
	control := c.controls[i][:copy(c.controls[i][:], t.control)]
	if p.count > 1 {
		control = appendSegment(control, p.run.segment)
	}
	h.Control = nil
	if len(control) > 0 {
		h.Control = &c.controls[i][0]
	}
	h.SetControllen(len(control))
	c.pieces[i] = p
	c.n++
}

// appendSegment appends the control message that makes the kernel cut at size.
func appendSegment(b []byte, size int) []byte {
	at := len(b)
	b = b[:at+unix.CmsgSpace(2)]
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[at]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&b[at+unix.CmsgLen(0)])) = uint16(size)
	return b
}

// flush sends what was filed. An error belongs to one header; the others go on.
func (c *caller) flush(b *batch) {
	defer c.forget()
	if c.n == 0 {
		return
	}
	s := c.pieces[0].run.target.path.Socket
	c.full = false
	for c.from = 0; c.from < c.n; {
		c.sent, c.errno = 0, 0
		// Control and not Write, which would let only one worker at a time send.
		if err := s.raw.conn.Control(c.call); err != nil {
			c.lose(c.from, c.n)
			return
		}
		c.from += c.sent
		if c.from < c.n && c.errno != 0 && !c.recover(b, s) {
			return
		}
	}
}

// sendmmsg makes the call for what is left.
func (c *caller) sendmmsg(fd uintptr) {
	for {
		c.sent, c.errno = c.transmit(fd, &c.headers[c.from], c.n-c.from)
		if c.errno != unix.EINTR {
			return
		}
	}
}

func sendmmsg(fd uintptr, headers *mmsghdr, n int) (sent int, errno syscall.Errno) {
	r, _, errno := syscall.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(headers)), uintptr(n), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// recover deals with the header the call stopped at. It is false if nothing more
// can be sent now.
func (c *caller) recover(b *batch, s *Socket) bool {
	p := c.pieces[c.from]
	switch {
	case c.errno == unix.EAGAIN || c.errno == unix.ENOBUFS:
		if c.full || s.raw.conn.Control(c.wait) != nil {
			c.drop(c.from, c.n)
			return false
		}
		c.full = true // the next time it is
		return true
	case p.count > 1:
		c.unsegmented(b, s, p)
	default:
		b.sendPiece(p) // the source address may have left the machine
	}
	c.from++
	return true
}

// unsegmented sends a run packet by packet, because the device (EIO) or the path
// (EINVAL, EMSGSIZE: a packet is longer than its MTU) can't take it whole.
func (c *caller) unsegmented(b *batch, s *Socket, p piece) {
	if errors.Is(c.errno, unix.EIO) {
		s.segments.Store(false)
	} else {
		p.run.target.unfit = p.run.segment
	}
	b.sendPiece(p)
}

// sendPiece sends packets of a run one by one.
func (b *batch) sendPiece(p piece) {
	path := p.run.target.path
	for i := p.from; i < p.from+p.count; i++ {
		if _, err := path.Socket.write(b.packet(p.run, i), path.Remote); err != nil {
			p.run.line.failed.Add(1)
		}
	}
}

func (c *caller) lose(from, to int) {
	for _, p := range c.pieces[from:to] {
		p.run.line.failed.Add(uint64(p.count))
	}
}

func (c *caller) drop(from, to int) {
	c.lose(from, to)
	for _, p := range c.pieces[from:to] {
		p.run.line.dropped.Add(uint64(p.count))
	}
}

// forget lets go of what the headers point to.
func (c *caller) forget() {
	clear(c.pieces[:c.n])
	c.n = 0
}

func waitWritable(fd uintptr) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	_, _ = unix.Poll(fds, int(waitForRoom/time.Millisecond))
}
