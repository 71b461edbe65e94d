package peer

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v4/packetio"
)

// sink stands where the stack would buffer decrypted packets of one SSRC. It
// hands them on in the goroutine that decrypted them, and tells the stack there
// is nothing to read.
type sink struct{ take func(b []byte) }

// Write implements io.Writer. b is not kept.
func (s *sink) Write(b []byte) (int, error) {
	s.take(b)
	return len(b), nil
}

// Read implements io.Reader.
func (s *sink) Read([]byte) (int, error) { return 0, io.EOF }

// Close implements io.Closer.
func (s *sink) Close() error { return nil }

// intake receives all packets of a connection that the stack decrypted. RTP and RTCP
// each come from one goroutine.
type intake struct {
	c *Conn
	// rtp and rtcp may be nil. Where there is a feedback, rtcp is called by that.
	rtp, rtcp func(now time.Time, b []byte)
	heard     bool   // a first RTP packet came; RTP goroutine only
	lastRTCP  []byte // RTCP goroutine only
	streams   atomic.Int32
}

// maxStreams is how many streams, one for each SSRC that packets come from or name in
// feedback, a connection may have. The stack keeps them for ever, and one datagram can
// name hundreds. A publisher has a dozen or two.
const maxStreams = 256

// buffer is the stack's hook for new SSRCs.
func (i *intake) buffer(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
	if i.streams.Add(1) == maxStreams+1 {
		i.c.emit(TooManyStreams, "")
	}
	if kind == packetio.RTCPBufferPacket {
		return &sink{take: i.takeRTCP}
	}
	return &sink{take: i.takeRTP}
}

func (i *intake) takeRTP(b []byte) {
	now := time.Now()
	i.c.seen(now)
	if i.rtp == nil {
		return
	}
	if !i.heard {
		i.heard = true
		i.c.emit(FirstPacket, "")
	}
	i.rtp(now, b)
}

// takeRTCP drops what a feedback reads, and repetitions: the stack takes compounds apart and delivers a
// packet once for every SSRC it names, the same bytes each time. Holding on to
// them keeps their memory from being another packet's.
func (i *intake) takeRTCP(b []byte) {
	if f := i.c.feedback; f != nil && f.ours.Load() {
		return
	}
	now := time.Now()
	i.c.seen(now)
	if i.rtcp == nil || len(b) == 0 || sameBytes(i.lastRTCP, b) {
		return
	}
	i.lastRTCP = b
	i.rtcp(now, b)
}

// sameBytes tells whether both are the same memory.
func sameBytes(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }
