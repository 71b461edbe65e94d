package push

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pion/rtp"

	"github.com/headgate/headgate/internal/depacket"
	"github.com/headgate/headgate/internal/dial"
)

const (
	// reorderWait is how long a packet may be overtaken on its way to the port.
	reorderWait = 30 * time.Millisecond
	// senderGone is the silence after which another sender is listened to.
	senderGone = 500 * time.Millisecond
	// receiveBuffer holds a key frame that comes in one burst, in bytes.
	receiveBuffer = 2 << 20
	// maxDatagram is the largest there is.
	maxDatagram = 65535
)

// RTPOptions say what comes in at a port.
type RTPOptions struct {
	// Address is where to listen, host and port.
	Address string
	Codec   dial.Codec
	// PayloadType is the only one taken; negative means any.
	PayloadType int
	// Parameters are the parameter sets of H.264 or H.265 that the session
	// description gave (sprop), put before key frames that come without.
	Parameters [][]byte
}

// port takes plain RTP. Frames are put together and cut up anew: programs fill
// datagrams to the brim, which leaves no room for what WebRTC adds.
type port struct {
	conn      net.PacketConn
	track     *track
	opt       RTPOptions
	queue     *depacket.Queue
	assembler *depacket.Assembler
	timeline  depacket.Timeline

	ssrc  uint32
	heard time.Time // when ssrc was last heard; zero before the first packet
}

// RTP listens at a port. The first sender is taken, and another one when that has
// been silent for half a second. Close it if it is not run.
func RTP(opt RTPOptions) (Feed, error) {
	t, err := newTrack(opt.Codec)
	if err != nil {
		return nil, err
	}
	t.parameters = opt.Parameters
	assembler, err := depacket.NewAssembler(opt.Codec.MimeType)
	if err != nil {
		return nil, err
	}
	assembler.Any = true // viewers see what there is
	conn, err := net.ListenPacket("udp", opt.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for RTP: %w", err)
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(receiveBuffer) // the system may give less
	}
	return &port{conn: conn, track: t, opt: opt, queue: depacket.NewQueue(reorderWait), assembler: assembler}, nil
}

func (p *port) endless() bool      { return false }
func (p *port) live() bool         { return true }
func (p *port) outgoing() []*track { return []*track{p.track} }

func (p *port) Close() error { return p.conn.Close() }

func (p *port) run(ctx context.Context, start time.Time) error {
	defer func() { _ = p.conn.Close() }() // only read from
	stop := context.AfterFunc(ctx, func() { _ = p.conn.Close() })
	defer stop()
	p.timeline = depacket.Timeline{Rate: p.opt.Codec.ClockRate(), Origin: start}
	buffer := make([]byte, maxDatagram)
	for {
		deadline, _ := p.queue.Due()
		if err := p.conn.SetReadDeadline(deadline); err != nil && ctx.Err() == nil {
			return err
		}
		n, _, err := p.conn.ReadFrom(buffer)
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			p.take(now, buffer[:n])
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("receive RTP: %w", err)
		}
		if err := p.flush(now); err != nil {
			return err
		}
	}
}

// take queues one datagram if it is RTP of the one sender.
func (p *port) take(now time.Time, datagram []byte) {
	packet := &rtp.Packet{}
	if len(datagram) < 12 || isRTCP(datagram) || packet.Unmarshal(append([]byte(nil), datagram...)) != nil {
		return
	}
	if p.opt.PayloadType >= 0 && int(packet.PayloadType) != p.opt.PayloadType {
		return
	}
	if packet.SSRC != p.ssrc || p.heard.IsZero() {
		if !p.heard.IsZero() && now.Sub(p.heard) < senderGone {
			return
		}
		if !p.heard.IsZero() {
			p.queue = depacket.NewQueue(reorderWait)
			p.timeline.Restart()
		}
		p.ssrc = packet.SSRC
	}
	p.heard = now
	p.queue.Push(now, packet)
}

// isRTCP tells RTCP from RTP on one port (RFC 5761 section 4).
func isRTCP(b []byte) bool { return b[1] >= 192 && b[1] <= 223 }

// flush sends what is complete.
func (p *port) flush(now time.Time) error {
	for {
		packet, lost := p.queue.Pop(now)
		if packet == nil {
			return nil
		}
		for _, frame := range p.assembler.Push(packet, lost > 0) {
			if err := p.track.send(p.timeline.At(frame.Timestamp, now), frame.Data, frame.Gap); err != nil {
				return err
			}
		}
	}
}
