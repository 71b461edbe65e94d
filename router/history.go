package router

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// firstGroupRoom is how many packets a new group has room for before it grows.
	firstGroupRoom = 64
	// lateGroupRoom is how many late packets a group takes before they are put in
	// their places.
	lateGroupRoom = 64
)

// groupBounds are the bounds of the group since the last key frame (M-031).
type groupBounds struct {
	age     time.Duration
	bytes   int
	packets int
}

// history keeps the newest packets of a layer for retransmission and the group
// since its last key frame for those who join. One goroutine writes, any number
// read without locks, and any may drop the group: then there is none until the
// next key frame.
type history struct {
	ring  []atomic.Pointer[Packet] // a power of two
	group atomic.Pointer[packetGroup]

	bounds  groupBounds // packets 0: no groups are kept
	highest int64       // writer only
	started bool        // writer only
}

// packetGroup is two arrays that only grow, one in order and a small one for
// packets that came late: what readers have seen of them never changes, so that
// a snapshot is a slice, or a merge if there are late ones.
type packetGroup struct {
	packets []*Packet
	count   atomic.Int64
	late    [lateGroupRoom]*Packet
	nlate   atomic.Int64
	bytes   int // writer only
}

// snapshot returns the group in order of Seq.
func (g *packetGroup) snapshot() []*Packet {
	nlate, n := g.nlate.Load(), g.count.Load()
	inOrder := g.packets[:n:n]
	if nlate == 0 {
		return inOrder
	}
	late := slices.Clone(g.late[:nlate])
	slices.SortFunc(late, func(a, b *Packet) int { return cmp.Compare(a.Seq, b.Seq) })
	merged := make([]*Packet, 0, len(inOrder)+len(late))
	for _, p := range inOrder {
		for len(late) > 0 && late[0].Seq < p.Seq {
			merged = append(merged, late[0])
			late = late[1:]
		}
		merged = append(merged, p)
	}
	return append(merged, late...)
}

// packet finds a packet of the group, without making a snapshot.
func (g *packetGroup) packet(seq int64) *Packet {
	late := g.late[:g.nlate.Load()]
	inOrder := g.packets[:g.count.Load()]
	if i, ok := slices.BinarySearchFunc(inOrder, seq, func(p *Packet, seq int64) int { return cmp.Compare(p.Seq, seq) }); ok {
		return inOrder[i]
	}
	for _, p := range late {
		if p.Seq == seq {
			return p
		}
	}
	return nil
}

// newHistory makes a history of at least size packets.
func newHistory(size int, bounds groupBounds) *history {
	n := 1
	for n < size {
		n <<= 1
	}
	return &history{ring: make([]atomic.Pointer[Packet], n), bounds: bounds}
}

func (h *history) packet(seq int64) *Packet {
	p := h.ring[seq&int64(len(h.ring)-1)].Load()
	if p == nil || p.Seq != seq {
		return nil
	}
	return p
}

// kept finds a packet among the newest, or in the group: what was replayed can be
// asked for too.
func (h *history) kept(seq int64) *Packet {
	if p := h.packet(seq); p != nil {
		return p
	}
	if g := h.group.Load(); g != nil {
		return g.packet(seq)
	}
	return nil
}

func (h *history) currentGroup() []*Packet {
	if g := h.group.Load(); g != nil {
		return g.snapshot()
	}
	return nil
}

// add keeps a packet. Packets come in order, or late into a hole.
func (h *history) add(p *Packet) {
	late := h.started && p.Seq < h.highest
	if !h.keep(p) {
		return
	}
	if !late {
		h.highest, h.started = p.Seq, true
	}
	switch {
	case h.bounds.packets == 0:
	case late:
		h.insert(p)
	case p.Frame.KeyStart:
		h.begin(p)
	default:
		h.extend(p)
	}
}

// keep puts the packet into the ring, unless its place was taken by a newer one.
func (h *history) keep(p *Packet) bool {
	at := &h.ring[p.Seq&int64(len(h.ring)-1)]
	if old := at.Load(); old != nil && old.Seq >= p.Seq {
		return false
	}
	at.Store(p)
	return true
}

func (h *history) begin(p *Packet) {
	array := make([]*Packet, firstGroupRoom)
	array[0] = p
	h.install(array, 1, p.keptBytes())
}

// install makes the first n packets of array the group. The array is the
// group's from then on.
func (h *history) install(array []*Packet, n, bytes int) {
	g := &packetGroup{packets: array, bytes: bytes}
	g.count.Store(int64(n))
	h.group.Store(g)
	h.bound(g, array[n-1].Arrival)
}

// replace puts packets in the place of g, in a new array twice as long. It is false
// when g was dropped meanwhile.
func (h *history) replace(g *packetGroup, packets []*Packet, bytes int) bool {
	array := make([]*Packet, 2*len(packets))
	next := &packetGroup{packets: array, bytes: bytes}
	next.count.Store(int64(copy(array, packets)))
	if !h.group.CompareAndSwap(g, next) {
		return false
	}
	h.bound(next, packets[len(packets)-1].Arrival)
	return true
}

// dropGroup lets the group go. Any goroutine may call it.
func (h *history) dropGroup() { h.group.Store(nil) }

// groupSize is what the group takes in bytes. Only the writer calls it.
func (h *history) groupSize() int64 {
	g := h.group.Load()
	if g == nil {
		return 0
	}
	return int64(g.bytes) + packetCost*(g.count.Load()+g.nlate.Load())
}

// extend appends the newest packet to the group, if there is one.
func (h *history) extend(p *Packet) {
	g := h.group.Load()
	if g == nil {
		return
	}
	n := int(g.count.Load())
	if n == len(g.packets) {
		h.replace(g, append(g.snapshot(), p), g.bytes+p.keptBytes())
		return
	}
	g.packets[n] = p
	g.bytes += p.keptBytes()
	g.count.Store(int64(n + 1))
	h.bound(g, p.Arrival)
}

// bound lets the group go when it has become too old, too big or too long.
func (h *history) bound(g *packetGroup, now time.Time) {
	if int(g.count.Load()+g.nlate.Load()) > h.bounds.packets || g.bytes > h.bounds.bytes ||
		now.Sub(g.packets[0].Arrival) > h.bounds.age {
		h.group.Store(nil)
	}
}

// insert puts a late packet into the group.
func (h *history) insert(p *Packet) {
	g := h.group.Load()
	if p.Frame.KeyStart && (g == nil || p.Seq > g.packets[0].Seq || p.Timestamp == g.packets[0].Timestamp) {
		h.collect(p)
		return
	}
	if g == nil || p.Seq < g.packets[0].Seq {
		return
	}
	n := g.nlate.Load()
	if n == lateGroupRoom {
		if h.replace(g, g.snapshot(), g.bytes) {
			h.insert(p)
		}
		return
	}
	g.late[n] = p
	g.bytes += p.keptBytes()
	g.nlate.Store(n + 1)
	h.bound(g, p.Arrival)
}

// collect builds the group of a key frame whose first packet came late, from
// what the ring has.
func (h *history) collect(first *Packet) {
	array := make([]*Packet, int(h.highest-first.Seq)+1+firstGroupRoom)
	n, bytes := 0, 0
	for seq := first.Seq; seq <= h.highest; seq++ {
		if p := h.packet(seq); p != nil {
			array[n] = p
			n++
			bytes += p.keptBytes()
		}
	}
	h.install(array, n, bytes)
}
