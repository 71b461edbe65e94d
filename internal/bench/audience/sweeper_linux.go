package audience

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// together is how many sockets are asked at once whether they have something.
	// Asking that way costs a third of an attempt to read.
	together = 256
	// batch is how many datagrams one recvmmsg takes, runs how many with GRO, where
	// one may be a run of many.
	batch = 64
	runs  = 8
	// maxRun is the longest run.
	maxRun = 1 << 16
	// maxBatches bounds what one viewer may take of a sweep.
	maxBatches = 8
)

// mmsghdr is the system's struct mmsghdr.
type mmsghdr struct {
	unix.Msghdr
	n uint32
}

// sweeper reads sockets. It belongs to one goroutine.
type sweeper struct {
	scratch scratch
	viewers []*Viewer
	changes uint64 // of the audience, when viewers was taken
	polled  []unix.PollFd

	gro      bool
	messages []mmsghdr
	vectors  []unix.Iovec
	buffers  [][]byte
	controls [][]byte
}

func newSweeper(cfg Config) *sweeper {
	n, size := batch, maxDatagram
	if cfg.GRO {
		n, size = runs, maxRun
	}
	s := &sweeper{
		gro: cfg.GRO, messages: make([]mmsghdr, n), vectors: make([]unix.Iovec, n),
		buffers: make([][]byte, n), controls: make([][]byte, n),
	}
	all := make([]byte, n*size)
	for i := range s.messages {
		s.buffers[i] = all[i*size : (i+1)*size]
		s.vectors[i].Base = &s.buffers[i][0]
		s.vectors[i].SetLen(size)
		s.messages[i].Iov = &s.vectors[i]
		s.messages[i].SetIovlen(1)
		if cfg.GRO {
			s.controls[i] = make([]byte, unix.CmsgSpace(4))
			s.messages[i].Control = &s.controls[i][0]
		}
	}
	return s
}

// watch notes the descriptors of the viewers. Of the deaf it takes none: the system
// passes over what is negative.
func (s *sweeper) watch() {
	s.polled = s.polled[:0]
	for _, v := range s.viewers {
		fd := int32(-1)
		v.mu.Lock()
		if v.socket != nil && !v.audience.cfg.DeafToMedia {
			fd = int32(v.socket.fd)
		}
		v.mu.Unlock()
		s.polled = append(s.polled, unix.PollFd{Fd: fd, Events: unix.POLLIN})
	}
}

// empty takes all datagrams out of the viewers' sockets. A descriptor that was
// closed meanwhile, or is somebody else's now, is only asked, never read.
func (s *sweeper) empty() {
	for from := 0; from < len(s.polled); from += together {
		chunk := s.polled[from:min(from+together, len(s.polled))]
		if n, err := unix.Poll(chunk, 0); err != nil || n == 0 {
			continue
		}
		for i := range chunk {
			if chunk[i].Revents != 0 {
				s.emptyOne(s.viewers[from+i])
			}
		}
	}
}

func (s *sweeper) emptyOne(v *Viewer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.socket == nil {
		return
	}
	for range maxBatches {
		n := s.receive(v.socket.fd)
		if n <= 0 {
			return
		}
		now := v.audience.cfg.Now()
		for i := range n {
			b := s.buffers[i][:s.messages[i].n]
			for size := s.segment(i, len(b)); len(b) > 0; {
				size = min(size, len(b))
				v.datagram(now, b[:size], &s.scratch)
				b = b[size:]
			}
		}
		if n < len(s.messages) {
			return
		}
	}
}

// receive never blocks, so the scheduler need not be told about the call. Errors
// (a port that is closed, say) are as good as nothing received.
func (s *sweeper) receive(fd int) int {
	if s.gro {
		for i := range s.messages {
			s.messages[i].SetControllen(len(s.controls[i]))
		}
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&s.messages[0])),
		uintptr(len(s.messages)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// segment is the size of the datagrams in message i, which is n bytes long.
func (s *sweeper) segment(i, n int) int {
	if !s.gro || int(s.messages[i].Controllen) < unix.CmsgLen(4) {
		return n
	}
	header := (*unix.Cmsghdr)(unsafe.Pointer(&s.controls[i][0]))
	if header.Level != unix.IPPROTO_UDP || header.Type != unix.UDP_GRO {
		return n
	}
	if size := int(binary.NativeEndian.Uint32(s.controls[i][unix.CmsgLen(0):])); size > 0 {
		return size
	}
	return n
}
