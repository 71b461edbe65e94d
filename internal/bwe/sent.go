package bwe

// The history of sent packets starts small and grows while the way is long or fast:
// at 8 bytes each, most viewers keep 4 KiB, none more than 16 KiB.
const (
	leastHistory = 512
	mostHistory  = 2048
)

// sentPacket is what is remembered of a packet until feedback tells what became of
// it.
type sentPacket struct {
	at   uint32 // microseconds, wraps after 71 minutes
	size uint16 // bytes on the wire, with what was sent untracked right before
	fate fate
}

type fate uint8

const (
	unheard fate = iota
	lost
	received
)

// history keeps the packets sent last, by transport-wide number.
type history struct {
	ring []sentPacket
	next uint16 // number of the next packet
	held int    // packets in the ring
	// told is the number after the last one that feedback covered.
	told uint16
}

// add notes the packet with the next number.
func (h *history) add(at int64, size int) {
	if h.held == len(h.ring) && (h.ring == nil || int(h.next-h.told) >= len(h.ring)) {
		h.grow()
	}
	h.ring[int(h.next)&(len(h.ring)-1)] = sentPacket{at: uint32(at), size: uint16(min(size, 1<<16-1))}
	h.next++
	h.held = min(h.held+1, len(h.ring))
}

// grow makes room, if there may be more: what nobody reported yet would be
// overwritten.
func (h *history) grow() {
	size := max(leastHistory, 2*len(h.ring))
	if size > mostHistory {
		return
	}
	ring := make([]sentPacket, size)
	for i := 1; i <= h.held; i++ {
		n := int(h.next - uint16(i))
		ring[n&(size-1)] = h.ring[n&(len(h.ring)-1)]
	}
	h.ring = ring
}

// find returns the packet with that number, nil if it was not sent or is forgotten.
func (h *history) find(n uint16) *sentPacket {
	if age := int(h.next - n); age == 0 || age > h.held {
		return nil
	}
	return &h.ring[int(n)&(len(h.ring)-1)]
}

// since returns how long before now, both in microseconds, p was sent.
func (p *sentPacket) since(now int64) int64 { return int64(uint32(now) - p.at) }

// before tells whether number a comes before b.
func before(a, b uint16) bool { return int16(a-b) < 0 }
