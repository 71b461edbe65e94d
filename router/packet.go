package router

import "time"

// Packet is one media packet as a layer keeps it: unwrapped from RTX, padding
// removed. It is immutable once written and shared by every viewer.
type Packet struct {
	// Seq is the position in the layer. It grows by one per packet, keeps a gap
	// where a packet was lost upstream, and has none where the publisher sent
	// only padding.
	Seq int64
	// Timestamp is the publisher's RTP timestamp.
	Timestamp uint32
	// Capture is when the media was captured, on the gateway's clock; Arrival
	// is when the packet came.
	Capture, Arrival time.Time
	Marker           bool
	// Payload is the codec's payload. It is empty for padding that came too late
	// to be numbered away: viewers are sent it as padding, so that they see no
	// hole.
	Payload []byte
	// Frame is what inspecting the payload found.
	Frame Frame
	// Dependencies are those of its frame, nil where the publisher does not tell.
	Dependencies *Dependencies
	// Extensions are the header extensions that pass through to viewers, by the
	// router's own index (see passed); nil when there are none.
	Extensions []PassedExtension
	// Parameters are the parameter sets that the key frame starting here comes
	// without, because its publisher sends them once only: one packet for each, in
	// the order a decoder wants them, with its Timestamp and the Seqs before its
	// own. They are in no history, burst or group; whoever starts here is sent
	// them first.
	Parameters []*Packet
}

// PassedExtension is the value of a header extension that viewers who
// negotiated it receive unchanged (audio level, orientation, ...).
type PassedExtension struct {
	URI   string
	Value []byte
}

// Frame is what one payload tells of the frame it belongs to.
type Frame struct {
	// Start and End mark the first and the last packet of a picture.
	Start, End bool
	// KeyStart marks the first packet of a key frame: parameter sets included, a
	// viewer may start here. Audio packets all have Start, End and KeyStart.
	KeyStart bool
	// Key is set on every packet that is known to belong to a key frame.
	Key bool
	// Width and Height are in pixels, 0 where this packet does not say.
	Width, Height uint16
	// Descriptor locates what must be rewritten in VP8 and VP9 payloads.
	Descriptor Descriptor
}

// Descriptor is the payload descriptor of VP8 (RFC 7741 section 4.2) and VP9
// (RFC 9628), parsed once for all viewers.
type Descriptor struct {
	// Len is the length of the descriptor in bytes, 0 if there is nothing to
	// rewrite and the payload goes out as it is.
	Len uint8
	// PictureIDBits is 0, 7 or 15; PictureIDAt its offset in the payload.
	PictureIDBits uint8
	PictureIDAt   uint8
	PictureID     uint16
	// TL0At is the offset of TL0PICIDX, 0 if absent.
	TL0At    uint8
	TL0      uint8
	KeyIdxAt uint8 // offset of the octet with KEYIDX, 0 if absent (VP8)
	KeyIdx   uint8
	// TID and SID are the temporal and spatial layer ids.
	TID, SID uint8
	// LayerStart and LayerEnd mark the first and the last packet of a spatial layer's
	// picture (E bit of VP9; the dependency descriptor of AV1).
	LayerStart, LayerEnd bool
	// SwitchUp tells that a receiver may move up to TID here (Y or U bit).
	SwitchUp bool
}

// Burst is what a layer hands out at once: the packets of one frame, or one
// audio packet, or a late packet, in order of arrival.
type Burst struct {
	Layer   *Layer
	Packets []*Packet
}

// Subscriber receives every layer of a track: a shard of viewers, later a relay
// or a recorder.
type Subscriber interface {
	// Deliver is called in the goroutine of the publisher and must not block. The
	// burst and its packets may be kept and must not be changed.
	Deliver(Burst)
}
