package doctor

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	// packetTime is the time between packets, as of usual Opus.
	packetTime = 20 * time.Millisecond
	// Every largeEvery-th packet has largeBytes, as those of a picture: paths that
	// carry small packets only are found out. An Opus frame may have 1275 bytes
	// (RFC 6716 section 3.2.1).
	largeEvery, largeBytes = 5, 1100
	// opusTOC says: CELT, 20 ms, stereo, one frame (RFC 6716 section 3.1).
	opusTOC    = 31<<3 | 4
	stampMagic = "headgate"
	stampBytes = 1 + len(stampMagic) + 4 + 8
)

// stamp is the payload of a packet: something that looks like Opus to everybody on
// the way. sent is the time since the process's own zero.
func stamp(number uint32, sent time.Duration) []byte {
	b := make([]byte, 0, largeBytes)
	b = append(append(b, opusTOC), stampMagic...)
	b = binary.BigEndian.AppendUint32(b, number)
	b = binary.BigEndian.AppendUint64(b, uint64(sent))
	if number%largeEvery == 0 {
		return b[:largeBytes]
	}
	return b
}

// readStamp is false for what stamp did not make.
func readStamp(b []byte) (number uint32, sent time.Duration, ok bool) {
	if len(b) < stampBytes || b[0] != opusTOC || string(b[1:1+len(stampMagic)]) != stampMagic {
		return 0, 0, false
	}
	b = b[1+len(stampMagic):]
	return binary.BigEndian.Uint32(b), time.Duration(binary.BigEndian.Uint64(b[4:])), true
}

// zero is the time stamps count from; both sides of a loop are this process.
var zero = time.Now() //nolint:gochecknoglobals // never changes

// sender sends stamped packets. Ownership: one goroutine, which wait waits for.
type sender struct {
	track *webrtc.TrackLocalStaticRTP
	work  sync.WaitGroup
}

func (s *sender) start(ctx context.Context) {
	s.work.Go(func() {
		tick := time.NewTicker(packetTime)
		defer tick.Stop()
		for n := uint32(0); ; n++ {
			header := rtp.Header{Version: 2, Marker: n == 0, SequenceNumber: uint16(n), Timestamp: n * 960}
			_ = s.track.WriteRTP(&rtp.Packet{Header: header, Payload: stamp(n, time.Since(zero))}) // what is lost is counted at the other end
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

func (s *sender) wait() { s.work.Wait() }

// receiver counts stamped packets. Safe for concurrent use.
type receiver struct {
	first chan struct{} // closed at the first packet
	once  sync.Once
	work  sync.WaitGroup

	mu     sync.Mutex
	seen   map[uint32]bool
	delays []time.Duration
}

// read belongs to one track and ends with it.
func (r *receiver) read(track *webrtc.TrackRemote) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if number, sent, ok := readStamp(packet.Payload); ok {
			r.note(number, time.Since(zero)-sent)
		}
	}
}

func (r *receiver) note(number uint32, delay time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.seen[number] {
		r.seen[number] = true
		r.delays = append(r.delays, delay)
	}
	r.once.Do(func() { close(r.first) })
}

// watch waits for the first packet and measures from there; it stops the sender
// before its end, so that nothing is on the way then. It is false if nothing came.
func (r *receiver) watch(ctx context.Context, patience, length time.Duration, stopSending func()) bool {
	select {
	case <-r.first:
	case <-time.After(patience):
		return false
	case <-ctx.Done():
		return false
	}
	pause(ctx, length)
	stopSending()
	pause(ctx, lastPackets)
	return true
}

// numbers are the median delay and the share that is missing between the first
// and the last packet that came.
func (r *receiver) numbers() (delay time.Duration, loss float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, last := ^uint32(0), uint32(0)
	for n := range r.seen {
		first, last = min(first, n), max(last, n)
	}
	sorted := slices.Sorted(slices.Values(r.delays))
	return sorted[len(sorted)/2], 1 - float64(len(r.seen))/float64(last-first+1)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
