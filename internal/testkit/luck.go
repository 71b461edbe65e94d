package testkit

import (
	"encoding/binary"
	"net/netip"
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
	roads map[route]*roadLuck
}

// route is from one machine to another.
type route struct{ from, to netip.Addr }

// roadLuck is what was seen on a route.
type roadLuck struct {
	hash    hash                   // of the route's name
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
	return luck{seed: seed, mu: new(sync.Mutex), roads: make(map[route]*roadLuck)}
}

// of draws for the next datagram of RTP or RTCP on a road: at least 0, less than 1.
func (l luck) of(road route, b []byte) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.roads[road]
	if r == nil {
		name := newHash().text(road.from.String() + ">" + road.to.String())
		r = &roadLuck{hash: name, streams: make(map[uint32]*streamLuck), types: make(map[byte]int)}
		l.roads[road] = r
	}
	return float64(mixed(uint64(r.name(b).number(l.seed)))>>11) / (1 << 53)
}

// hash is FNV-1a of 64 bits. That of the standard library hashes memory, of which the
// race detector watches each byte; this happens for every datagram.
type hash uint64

func newHash() hash { return 14695981039346656037 }

func (h hash) octet(b byte) hash { return (h ^ hash(b)) * 1099511628211 }

func (h hash) text(s string) hash {
	for i := range len(s) {
		h = h.octet(s[i])
	}
	return h
}

// number hashes the eight bytes of v in network order.
func (h hash) number(v uint64) hash {
	for shift := 56; shift >= 0; shift -= 8 {
		h = h.octet(byte(v >> shift))
	}
	return h
}

// mixed spreads what differs in few bits (the finalizer of MurmurHash3).
func mixed(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// name tells a datagram from all others of its road by what is the same in every
// run, by a hash of it. RTCP has second bytes from 192 to 223 (RFC 5761 section 4).
func (r *roadLuck) name(b []byte) hash {
	if b[1] >= 192 && b[1] <= 223 {
		r.reports++
		return r.hash.number(uint64(b[1])).number(r.reports)
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
	return r.hash.number(uint64(kind)).number(uint64(s.index)).number(uint64(number)).number(s.seen[number]) //nolint:gosec // a count
}
