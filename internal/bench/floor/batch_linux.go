package floor

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// header is struct mmsghdr of sendmmsg(2); Go aligns it as C does.
type header struct {
	message unix.Msghdr
	sent    uint32
}

// batch is the memory of one sendmmsg. All of it lives as long as the batch, so
// that pointers in it stay good.
type batch struct {
	sender  *sender
	headers []header
	vectors []unix.Iovec
	names   []unix.RawSockaddrInet4
	segment []byte // one control message UDP_SEGMENT, the same for all
}

func newBatch(s *sender) *batch {
	n, run := s.round(), 1
	if s.Sending == Runs {
		run = s.Run
		n /= run
	}
	b := &batch{
		sender: s, headers: make([]header, n), vectors: make([]unix.Iovec, n), names: make([]unix.RawSockaddrInet4, n),
		segment: segmentControl(packetBytes),
	}
	for i := range n {
		b.address(i, s.arena.buffer[i*run*packetBytes:][:run*packetBytes])
		if run > 1 {
			b.headers[i].message.Control = &b.segment[0]
			b.headers[i].message.SetControllen(len(b.segment))
		}
	}
	return b
}

// address makes message i of these bytes, to a sink that send fills in.
func (b *batch) address(i int, body []byte) {
	b.vectors[i].Base = &body[0]
	b.vectors[i].SetLen(len(body))
	b.names[i].Family = unix.AF_INET
	m := &b.headers[i].message
	m.Name, m.Namelen = (*byte)(unsafe.Pointer(&b.names[i])), uint32(unsafe.Sizeof(b.names[i]))
	m.Iov = &b.vectors[i]
	m.SetIovlen(1)
}

// segmentControl tells the system to cut a message into datagrams of this size
// (UDP_SEGMENT, udp(7)).
func segmentControl(size uint16) []byte {
	b := make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], size)
	return b
}

// send sends all messages, each to the sink whose turn it is.
func (b *batch) send() error {
	s := b.sender
	for i := range b.names {
		s.next = (s.next + 1) % len(s.sinks)
		b.names[i].Addr = s.sinks[s.next].Addr
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&b.names[i].Port))[:], uint16(s.sinks[s.next].Port)) //nolint:gosec // a port
	}
	for sent := 0; sent < len(b.headers); {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&b.headers[sent])), uintptr(len(b.headers)-sent), 0, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return fmt.Errorf("sendmmsg: %w", errno)
		}
		sent += int(n) //nolint:gosec // at most the messages given
	}
	return nil
}
