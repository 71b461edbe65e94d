package testkit

import (
	"encoding/binary"
	"time"
)

// Picture describes the synthetic H.264 stream a Publisher sends: frames of
// equal size whose packets say which frame they belong to.
type Picture struct {
	// FramesPerSecond, PacketsPerFrame and KeyEvery (frames between key frames)
	// shape the stream.
	FramesPerSecond, PacketsPerFrame, KeyEvery int
	// PacketBytes is the size of a payload, at least 16.
	PacketBytes int
	// KeyPackets is the size of a key frame in packets; 0 means as other frames.
	KeyPackets int
}

// packets is the number of packets of a frame.
func (p Picture) packets(key bool) int {
	if key && p.KeyPackets > 0 {
		return p.KeyPackets
	}
	return p.PacketsPerFrame
}

// HD is about 2.5 Mbit/s at 30 frames a second with a key frame every 2 s.
func HD() Picture {
	return Picture{FramesPerSecond: 30, PacketsPerFrame: 9, KeyEvery: 60, PacketBytes: 1100}
}

// Small is a light stream for tests that count sessions rather than bits.
func Small() Picture {
	return Picture{FramesPerSecond: 25, PacketsPerFrame: 2, KeyEvery: 25, PacketBytes: 200}
}

// Period is the time between two frames.
func (p Picture) Period() time.Duration { return time.Second / time.Duration(p.FramesPerSecond) }

const (
	nalIDR   = 0x65
	nalSlice = 0x41
	markAt   = 2 // behind the NAL header and one byte of slice header
	markLen  = 9
)

// payload makes one packet: a NAL unit of its own, so that every packet stands
// alone, with the mark of its frame inside.
func (p Picture) payload(frame uint32, index int, key bool) []byte {
	return p.marked(0, frame, index, key)
}

// marked is payload for a layer of simulcast.
func (p Picture) marked(layer int, frame uint32, index int, key bool) []byte {
	b := make([]byte, max(p.PacketBytes, markAt+markLen+1))
	b[0], b[1] = nalSlice, 0x9a
	if key {
		b[0], b[1] = nalIDR, 0x88
	}
	if index > 0 {
		b[1] &= 0x7f // not the first slice of its picture
	}
	p.putMark(b[markAt:], layer, frame, index, key)
	return b
}

// putMark writes the mark and fills the rest.
func (p Picture) putMark(b []byte, layer int, frame uint32, index int, key bool) {
	binary.BigEndian.PutUint32(b, frame)
	binary.BigEndian.PutUint16(b[4:], uint16(index))
	binary.BigEndian.PutUint16(b[6:], uint16(p.packets(key)))
	b[8] = byte(layer) << 1
	if key {
		b[8] |= 1
	}
	for at := markLen; at < len(b); {
		at += copy(b[at:], filling[byte(frame)+byte(at):])
	}
}

// filling is what packets are filled with: odd bytes, so that there is never a start
// code. It is copied, because the race detector looks at each byte that is written
// by itself.
var filling = func() (b [4096]byte) { //nolint:gochecknoglobals // never changes
	for i := range b {
		b[i] = byte(i) | 1
	}
	return b
}()

// parameters is a sequence parameter set as encoders repeat it before every key
// frame: constrained baseline, 640x360.
func parameters() []byte {
	return []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48}
}

// mark is what a packet says about its frame.
type mark struct {
	layer        int // of simulcast
	frame        uint32
	index, count int
	key          bool
}

func readMark(payload []byte) (mark, bool) {
	if len(payload) < 1 {
		return mark{}, false
	}
	at := markAt
	switch payload[0] {
	case nalIDR, nalSlice:
	case vp8Start, vp8Continue:
		at = vp8MarkAt
	case vp8Start | vp8Extended, vp8Continue | vp8Extended:
		at = vp8MarkAt + vp8Extension
	default:
		return mark{}, false
	}
	if len(payload) < at+markLen {
		return mark{}, false
	}
	payload = payload[at:]
	return mark{
		frame: binary.BigEndian.Uint32(payload),
		index: int(binary.BigEndian.Uint16(payload[4:])),
		count: int(binary.BigEndian.Uint16(payload[6:])),
		key:   payload[8]&1 == 1,
		layer: int(payload[8] >> 1),
	}, true
}
