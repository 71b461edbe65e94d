package egress

import (
	"errors"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waitForRoom is how long a full socket buffer is waited for. The worker has other
// viewers; what does not fit then is gone, and asked for again by those who miss
// it.
const waitForRoom = time.Millisecond

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
		case !s.batched:
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
	b.sent.calls.Observe(float64(c.n))
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

// sendmmsg does not tell the scheduler of the call, which does not wait but takes
// some 300 µs when it sends 64 frames; see rawSocket.
func sendmmsg(fd uintptr, headers *mmsghdr, n int) (sent int, errno syscall.Errno) {
	r, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(headers)), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
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
		b.sent.calls.Observe(1)
		if _, err := path.Socket.WriteTo(b.packet(p.run, i), path.Remote); err != nil {
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
