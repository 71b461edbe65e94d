package pull

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/depacket"
)

const (
	// repairWait is how long a packet may take to come after all: it is asked for
	// every 100 ms.
	repairWait = 500 * time.Millisecond
	// keyFrameEvery is how often a key frame is asked for while one is needed.
	keyFrameEvery = 500 * time.Millisecond
	// pictureWait is how long sound waits for the first picture.
	pictureWait = 3 * time.Second
)

// kind is the video or the audio of a pull. One goroutine reads at a time.
type kind struct {
	runner   *runner
	outlet   Outlet
	media    webrtc.RTPCodecType
	timeline depacket.Timeline
	reading  atomic.Bool
	expected bool // the answer has it
	asked    time.Time

	packets, lost, repaired, bytes, frames, keys, dropped, first atomic.Int64
}

func newKind(r *runner, o Outlet) *kind {
	k := &kind{runner: r, outlet: o, media: webrtc.RTPCodecTypeAudio}
	if o == r.opt.Video {
		k.media = webrtc.RTPCodecTypeVideo
	}
	return k
}

// read takes a track until its connection ends, which is nil, or writing fails.
func (k *kind) read(pc *webrtc.PeerConnection, t *webrtc.TrackRemote) error {
	codec := t.Codec()
	if err := k.outlet.begin(codec); err != nil {
		return err
	}
	k.timeline.Rate = codec.ClockRate
	k.timeline.Restart()
	assembler, err := depacket.NewAssembler(codec.MimeType)
	if err != nil {
		return err
	}
	s := &session{kind: k, queue: depacket.NewQueue(repairWait), assembler: assembler, packetsBefore: k.packets.Load(),
		lostBefore: k.lost.Load(), repairedBefore: k.repaired.Load(), droppedBefore: k.dropped.Load()}
	for {
		deadline, _ := s.queue.Due()
		if err := t.SetReadDeadline(deadline); err != nil {
			return nil //nolint:nilerr // the connection has ended
		}
		p, _, err := t.ReadRTP()
		now := time.Now()
		if err == nil {
			s.queue.Push(now, p)
			k.bytes.Add(int64(len(p.Payload)))
		} else if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			return nil //nolint:nilerr // the connection has ended
		}
		if err := s.flush(now); err != nil {
			return err
		}
		if assembler.NeedsKey() && now.Sub(k.asked) >= keyFrameEvery {
			k.asked = now
			_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.SSRC())}}) // asked again soon
		}
	}
}

// session is what begins anew with each connection.
type session struct {
	*kind
	queue     *depacket.Queue
	assembler *depacket.Assembler

	packetsBefore, lostBefore, repairedBefore, droppedBefore int64
}

// flush hands on what is in order.
func (s *session) flush(now time.Time) error {
	defer s.count()
	for {
		p, lost := s.queue.Pop(now)
		if p == nil {
			return nil
		}
		if err := s.outlet.packet(now, p, lost); err != nil {
			return err
		}
		for _, f := range s.assembler.Push(p, lost > 0) {
			if err := s.frame(now, f); err != nil {
				return err
			}
		}
	}
}

func (s *session) frame(now time.Time, f depacket.Frame) error {
	video := s.media == webrtc.RTPCodecTypeVideo
	origin, open := s.runner.gate.pass(now, video)
	if !open {
		return nil
	}
	s.frames.Add(1)
	if video {
		if s.first.CompareAndSwap(0, int64(now.Sub(s.runner.posted))) || f.Key {
			s.keys.Add(1)
		}
	}
	s.timeline.Origin = origin
	if err := s.outlet.frame(s.timeline.At(f.Timestamp, now), f); err != nil {
		return err
	}
	if d := s.runner.opt.Duration; d > 0 && now.Sub(origin) >= d {
		return errDone
	}
	return nil
}

func (s *session) count() {
	s.packets.Store(s.packetsBefore + int64(s.queue.Received))    //nolint:gosec // far below 2^63
	s.lost.Store(s.lostBefore + int64(s.queue.Lost))              //nolint:gosec // far below 2^63
	s.repaired.Store(s.repairedBefore + int64(s.queue.Repaired))  //nolint:gosec // far below 2^63
	s.dropped.Store(s.droppedBefore + int64(s.assembler.Dropped)) //nolint:gosec // far below 2^63
}

// gate keeps sound back until the first picture, so that both begin together. It is
// safe for concurrent use.
type gate struct {
	mu     sync.Mutex
	origin time.Time // when it opened
	video  bool      // a picture is waited for
	since  time.Time // when the first sound came
}

func (g *gate) expect(video bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.video = video
}

// pass returns when the first frame passed, and whether this one may.
func (g *gate) pass(now time.Time, video bool) (origin time.Time, open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.origin.IsZero() {
		return g.origin, true
	}
	if g.since.IsZero() {
		g.since = now
	}
	if video || !g.video || now.Sub(g.since) >= pictureWait {
		g.origin = now
	}
	return g.origin, !g.origin.IsZero()
}

func (g *gate) lasted() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.origin.IsZero() {
		return 0
	}
	return time.Since(g.origin)
}
