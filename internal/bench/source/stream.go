package source

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/bench/stamp"
)

// The header extensions that tell the layers of simulcast apart, and how loud sound
// is (RFC 6464).
const (
	midURI   = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridURI   = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
)

// voiceLevel is the level from which on sound is said to be a voice.
const voiceLevel = 60

// stream is one RTP stream of a publisher: a webrtc.TrackLocal that numbers the
// packets itself. Packets are written by one goroutine.
type stream struct {
	kind     webrtc.RTPCodecType
	id, rid  string
	layer    int // of simulcast, lowest 0; -1 without
	source   int // Config.Identity
	streamID string

	mid string // for layers, set before packets flow
	out atomic.Pointer[binding]

	seq       uint16
	timestamp uint32 // that packets are sent with
	level     uint8  // of sound

	packets, bytes atomic.Int64
}

// binding is what the stack says about a stream once it is negotiated.
type binding struct {
	writer       webrtc.TrackLocalWriter
	ssrc         uint32
	payloadType  uint8
	midID, ridID uint8 // 0 where not negotiated
	levelID      uint8
}

func newStream(kind webrtc.RTPCodecType, rid, streamID string) *stream {
	return &stream{
		kind: kind, id: kind.String(), rid: rid, layer: slices.Index(RIDs(), rid), streamID: streamID,
		seq: uint16(rand.Uint32()), timestamp: rand.Uint32(), //nolint:gosec // any number will do
	}
}

// mark is what stamps call frame number n.
func (s *stream) mark(n uint32) uint32 {
	n = stamp.OfSource(s.source, stamp.Number(n))
	if s.layer < 0 {
		return n
	}
	return stamp.OfLayer(s.layer, n)
}

// ID, RID, StreamID and Kind are those of webrtc.TrackLocal.
func (s *stream) ID() string { return s.id }

// RID is the layer's name, empty without simulcast.
func (s *stream) RID() string { return s.rid }

// StreamID binds picture and sound together.
func (s *stream) StreamID() string { return s.streamID }

// Kind is audio or video.
func (s *stream) Kind() webrtc.RTPCodecType { return s.kind }

// Bind takes what was negotiated. The engine holds one codec of each kind, and
// perhaps its retransmissions, so the first one that is no RTX is ours.
func (s *stream) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range c.CodecParameters() {
		if codec.MimeType == webrtc.MimeTypeRTX {
			continue
		}
		b := &binding{writer: c.WriteStream(), ssrc: uint32(c.SSRC()), payloadType: uint8(codec.PayloadType)}
		if s.rid != "" {
			b.midID, b.ridID = extension(c, midURI), extension(c, ridURI)
		}
		if s.kind == webrtc.RTPCodecTypeAudio {
			b.levelID = extension(c, levelURI)
		}
		s.out.Store(b)
		return codec, nil
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

func extension(c webrtc.TrackLocalContext, uri string) uint8 {
	for _, e := range c.HeaderExtensions() {
		if e.URI == uri {
			return uint8(e.ID) //nolint:gosec // 1 to 255
		}
	}
	return 0
}

// Unbind forgets the connection: nothing is sent any more.
func (s *stream) Unbind(webrtc.TrackLocalContext) error {
	s.out.Store(nil)
	return nil
}

// write sends one packet. The stack copies payload. Packets that cannot be sent
// are gone: the state of the connection tells why.
func (s *stream) write(payload []byte, marker bool) {
	b := s.out.Load()
	if b == nil {
		return
	}
	s.seq++
	h := rtp.Header{
		Version: 2, Marker: marker, PayloadType: b.payloadType, SequenceNumber: s.seq, Timestamp: s.timestamp, SSRC: b.ssrc,
	}
	if b.midID != 0 && b.ridID != 0 {
		_ = h.SetExtension(b.midID, []byte(s.mid)) // short enough for the one-byte form
		_ = h.SetExtension(b.ridID, []byte(s.rid))
	}
	if b.levelID != 0 {
		level := s.level
		if level <= voiceLevel {
			level |= 0x80
		}
		_ = h.SetExtension(b.levelID, []byte{level})
	}
	if _, err := b.writer.WriteRTP(&h, payload); err == nil {
		s.packets.Add(1)
		s.bytes.Add(int64(len(payload)))
	}
}
