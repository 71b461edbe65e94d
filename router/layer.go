package router

import (
	"sync/atomic"
	"time"
)

// Layer is one encoding of one publisher's track: a simulcast RID, or the only
// one. Its packets have one continuous numbering and one timeline; a new
// publisher, a new SSRC or a restarted numbering makes a new layer.
//
// All exported methods are safe for concurrent use and none takes a lock.
type Layer struct {
	track *Track
	rid   string
	codec Codec
	order int       // as declared
	born  time.Time // base of the durations below

	history *history
	rate    layerRate   // writer only
	wire    wireRate    // but for its rates, writer only
	levels  *LevelMeter // of sound; nil for video

	size     atomic.Uint64             // width<<32 | height, pixels
	sizes    [spatialIDs]atomic.Uint64 // of the spatial layers
	bits     atomic.Int64              // per second, at lastSeen
	lastSeen atomic.Int64              // arrival of the newest media packet, ns since born
	watchers atomic.Int64              // sections that show or await it
	charged  atomic.Int64              // what its group counts for in the cache, bytes
	wanted   atomic.Bool               // a key frame was asked for
	deaf     atomic.Bool
	// described is how many spatial layers the structure of its dependency descriptors
	// has, 0 without descriptors.
	described atomic.Int32
}

// newLayer makes a layer that keeps as many packets as s says for its kind.
func newLayer(track *Track, rid string, codec Codec, born time.Time, s *IngestSettings) *Layer {
	l := &Layer{track: track, rid: rid, codec: codec, born: born}
	if track.kind == Audio {
		l.history, l.levels = newHistory(s.AudioHistory, groupBounds{}), new(LevelMeter)
	} else {
		l.history = newHistory(s.VideoHistory, groupBounds{s.GroupAge, s.GroupBytes, s.GroupPackets})
	}
	return l
}

// Track is the track the layer belongs to.
func (l *Layer) Track() *Track { return l.track }

// RID is the restriction identifier of the encoding (RFC 8851), empty when the
// publisher does not do simulcast.
func (l *Layer) RID() string { return l.rid }

// Codec is what the layer's packets carry. It never changes.
func (l *Layer) Codec() Codec { return l.codec }

// Packet returns the packet at a position, nil when it never came, has not been
// delivered yet or is no longer kept.
func (l *Layer) Packet(seq int64) *Packet { return l.history.packet(seq) }

// Group returns the packets since the newest key frame in order of Seq, the
// first of them with Frame.KeyStart; nil when there was none or the group has
// outgrown the bounds of IngestSettings. It has what was delivered, to the
// last burst. The slice is a snapshot and must not be changed. Audio has no
// groups.
func (l *Layer) Group() []*Packet { return l.history.currentGroup() }

// RequestKeyFrame asks the publisher for a key frame. Requests are merged,
// limited and repeated with back-off (M-020 to M-023); the first leaves with the
// next Ingest.Tick. It does nothing for audio and for deaf publishers without
// feedback.
func (l *Layer) RequestKeyFrame(time.Time) { l.wanted.Store(true) }

// Deaf tells that asking for a key frame is of no use: the publisher negotiated
// neither PLI nor FIR, or left the last request unanswered for 500 ms.
func (l *Layer) Deaf() bool { return l.deaf.Load() }

// Bitrate is the media bit rate in bits per second over about the last second, 0
// when nothing came for a second (M-050).
func (l *Layer) Bitrate(now time.Time) int {
	if !l.activeAt(now) {
		return 0
	}
	return int(l.bits.Load())
}

// Size is the size of the picture in pixels as the packets tell it, 0 and 0 when
// they have not told it yet.
func (l *Layer) Size() (width, height int) {
	v := l.size.Load()
	return int(v >> 32), int(v & 0xffffffff)
}

// SizeUpTo is the size of the picture of the spatial layers up to sid, 0 and 0 where
// the packets do not tell it.
func (l *Layer) SizeUpTo(sid int) (width, height int) {
	if sid >= l.Spatial() {
		return l.Size()
	}
	v := l.sizes[max(sid, 0)].Load()
	return int(v >> 32), int(v & 0xffffffff)
}

func (l *Layer) activeAt(now time.Time) bool {
	return now.Sub(l.born)-time.Duration(l.lastSeen.Load()) <= activeFor
}

// newest is when the newest media packet came.
func (l *Layer) newest() time.Time { return l.born.Add(time.Duration(l.lastSeen.Load())) }

// keep puts a packet into the history. Only the Ingest calls it, before it
// delivers the packet.
func (l *Layer) keep(p *Packet) { l.history.add(p) }

// measure notes a packet's arrival, and tells whether the size of the picture
// changed.
func (l *Layer) measure(p *Packet) (resized bool) {
	at := p.Arrival.Sub(l.born)
	if bits, ok := l.rate.add(at, len(p.Payload)); ok {
		l.bits.Store(bits)
	}
	l.wire.add(at, p)
	l.lastSeen.Store(int64(at))
	l.noteDescribed(p)
	if p.Frame.Width == 0 {
		return false
	}
	l.noteSizes(p)
	size := uint64(p.Frame.Width)<<32 | uint64(p.Frame.Height)
	return l.size.Swap(size) != size
}

// noteSizes notes the sizes of the spatial layers, where a packet tells them.
func (l *Layer) noteSizes(p *Packet) {
	switch {
	case l.codec.Name == VP9:
		for sid, size := range vp9Sizes(p.Payload) {
			l.sizes[sid].Store(size)
		}
	case p.Dependencies != nil:
		for sid, size := range p.Dependencies.sizes() {
			l.sizes[sid].Store(size)
		}
	}
}

// The window of layerRate.
const (
	rateSlots = 10
	rateSlot  = 100 * time.Millisecond
)

// layerRate measures a bit rate over the last second.
type layerRate struct {
	bytes [rateSlots]int
	sum   int
	slot  int64 // in use
	begun int64
	used  bool
}

// add counts bytes that came at a time; ok is true when a slot has been
// completed and bits is the new rate.
func (r *layerRate) add(at time.Duration, bytes int) (bits int64, ok bool) {
	slot := int64(at / rateSlot)
	if !r.used {
		r.used, r.slot, r.begun = true, slot, slot
	}
	if slot > r.slot {
		bits, ok = r.measure(), true
	}
	if slot-r.slot >= rateSlots {
		*r = layerRate{used: true, slot: slot, begun: slot}
	}
	for r.slot < slot {
		r.slot++
		at := &r.bytes[r.slot%rateSlots]
		r.sum -= *at
		*at = 0
	}
	r.bytes[r.slot%rateSlots] += bytes
	r.sum += bytes
	return bits, ok
}

func (r *layerRate) measure() int64 {
	span := min(r.slot-r.begun+1, rateSlots)
	return int64(r.sum) * 8 * int64(time.Second/rateSlot) / span
}
