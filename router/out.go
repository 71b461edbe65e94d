package router

import "slices"

// prefixChunk is how many bytes of prefixes one chunk of the arena holds. A
// prefix is some 12 to 60 bytes, so that one chunk serves a few hundred packets.
const prefixChunk = 16 << 10

// An Out that has grown beyond these, by many viewers joining at once, gives the
// memory back: 4 MiB of prefixes, 8 MiB of packets.
const (
	keptChunks  = 256
	keptPackets = 1 << 17
)

// maxPrefix bounds one prefix: header, extensions, original number, descriptor.
const maxPrefix = rtpHeader + maxExtensionBlock + 2 + 255 + 1

// Out collects what a call of a Shard planned. The worker seals and sends Packets
// and RTCP and then calls Reset. It is reused: in steady state planning a packet
// allocates nothing. An Out belongs to one goroutine.
type Out struct {
	// Packets are in the order in which they must be sent, all of one viewer's
	// share of a burst one after another.
	Packets []Outgoing
	// RTCP has one element per datagram. It is valid until Reset.
	RTCP []OutgoingRTCP

	// Drain, if set, is called between two viewers when drainAt packets wait: it
	// sends them and calls Reset. So what was planned is still in the processor's
	// cache when it is sealed, however many viewers there are.
	Drain func()

	chunks [][]byte
	chunk  int // index of the chunk in use
	used   int // bytes used in it
}

// Outgoing is one RTP packet for one viewer: Prefix followed by Shared.
type Outgoing struct {
	Viewer *Viewer
	// SSRC is the section's, or that of its retransmissions.
	SSRC uint32
	// Header is how many bytes of Prefix are the RTP header with its extensions,
	// which is authenticated but not encrypted.
	Header uint16
	// Index is the packet's number within its SSRC without wrapping (RFC 3711
	// section 3.3.1); its low 16 bits are the sequence number. No two packets of an
	// SSRC have the same. It need not be the highest so far: what was repaired late
	// goes out under its own earlier number.
	Index int64
	// Prefix is the RTP header with its extensions and, where needed, the original
	// number of a retransmission and the rewritten payload descriptor. It lies in
	// Out's arena and is valid until Reset.
	Prefix []byte
	// Shared is the rest of the packet, shared with every viewer and the history:
	// it must not be written to.
	Shared []byte
}

// OutgoingRTCP is one RTCP datagram for one viewer.
type OutgoingRTCP struct {
	Viewer *Viewer
	// SSRC is the sender's of the first packet.
	SSRC uint32
	// Packet lies in Out's arena and is valid until Reset.
	Packet []byte
}

// Reset forgets everything planned and makes the memory reusable: no Prefix and
// no RTCP of before may be used any more.
func (o *Out) Reset() {
	clear(o.Packets)
	clear(o.RTCP)
	o.Packets, o.RTCP = o.Packets[:0], o.RTCP[:0]
	if cap(o.Packets) > keptPackets {
		o.Packets = nil
	}
	if len(o.chunks) > keptChunks {
		o.chunks = slices.Delete(o.chunks, keptChunks, len(o.chunks))
	}
	o.chunk, o.used = 0, 0
}

// drainAt is in packets: with their prefixes some 50 KiB, which with the arena of
// a worker fit into the cache of a core.
const drainAt = 512

// relieve lets the worker send what was planned so far. No caller may use what it
// planned before.
func (o *Out) relieve() {
	if o.Drain != nil && len(o.Packets) >= drainAt {
		o.Drain()
	}
}

// room returns n free bytes of the arena, n at most maxPrefix. What the caller
// does not need it gives back with shrink.
func (o *Out) room(n int) []byte {
	if o.chunk < len(o.chunks) && o.used+n > prefixChunk {
		o.chunk++
		o.used = 0
	}
	if o.chunk == len(o.chunks) {
		o.chunks = append(o.chunks, make([]byte, prefixChunk))
	}
	b := o.chunks[o.chunk][o.used : o.used+n : o.used+n]
	o.used += n
	return b
}

// shrink gives back the last n bytes of the latest room.
func (o *Out) shrink(n int) { o.used -= n }
