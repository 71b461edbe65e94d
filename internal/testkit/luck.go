package testkit

import (
	"encoding/binary"
	"hash/fnv"
	"sync"
)

// luck decides which datagrams are lost. It belongs to the packet, not to the
// instant: the tenth frame of a stream is lost in each run of a test or in none,
// whatever random numbers its streams have and in whatever order goroutines come to
// send. Otherwise a test with a fixed seed would still be another one each time.
//
// It is safe for concurrent use.
type luck struct {
	seed  uint64
	mu    *sync.Mutex
	roads map[string]*roadLuck
}

// roadLuck is what was seen from one machine to another.
type roadLuck struct {
	streams map[uint32]*streamLuck // by SSRC
	types   map[byte]int           // streams of each payload type
	reports uint64                 // RTCP so far
}

// streamLuck is what was seen of one SSRC.
type streamLuck struct {
	index int // among those of its payload type, as they appeared
	first uint16
	seen  map[uint16]uint64 // how often a number came
}

func newLuck(seed uint64) luck {
	return luck{seed: seed, mu: new(sync.Mutex), roads: make(map[string]*roadLuck)}
}

// of draws for the next datagram of RTP or RTCP on a road: at least 0, less than 1.
func (l luck) of(road string, b []byte) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.roads[road]
	if r == nil {
		r = &roadLuck{streams: make(map[uint32]*streamLuck), types: make(map[byte]int)}
		l.roads[road] = r
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(road)) // never fails
	for _, v := range append(r.name(b), l.seed) {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, v))
	}
	return float64(mixed(h.Sum64())>>11) / (1 << 53)
}

// mixed spreads what differs in few bits (the finalizer of MurmurHash3).
func mixed(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// name tells a datagram from all others of its road by what is the same in every
// run. RTCP has second bytes from 192 to 223 (RFC 5761 section 4).
func (r *roadLuck) name(b []byte) []uint64 {
	if b[1] >= 192 && b[1] <= 223 {
		r.reports++
		return []uint64{uint64(b[1]), r.reports}
	}
	kind, number, ssrc := b[1]&0x7f, binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[8:])
	s := r.streams[ssrc]
	if s == nil {
		s = &streamLuck{index: r.types[kind], first: number, seen: make(map[uint16]uint64)}
		r.types[kind]++
		r.streams[ssrc] = s
	}
	number -= s.first
	s.seen[number]++
	return []uint64{uint64(kind), uint64(s.index), uint64(number), s.seen[number]} //nolint:gosec // a count
}
