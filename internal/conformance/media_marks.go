package conformance

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

// Marked media is made for servers that forward and do not decode: frames of VP8 and Opus
// with the right headers and nothing to see or hear, each packet telling
// which stream, frame and part it is. So a viewer knows of every packet what it was
// when it was sent, whatever the server made of its RTP header.

// soundLayer is the layer of a mark on sound; those of the picture count from 0, the smallest.
const soundLayer = 0xff

// frameTicks and soundTicks are the RTP time between frames: 30 pictures and 50 packets of sound a second.
const (
	videoClock, audioClock = 90000, 48000
	frameTicks, soundTicks = videoClock / 30, audioClock / 50
)

// mark tells packets apart.
type mark struct {
	layer       uint8
	part, parts uint8
	key         bool
	frame       uint32
}

const (
	markWord = "mark"
	markSize = len(markWord) + 8
)

// bytes writes the mark as it stands in a payload.
func (m mark) bytes() []byte {
	b := append(make([]byte, 0, markSize), markWord...)
	flags := byte(0)
	if m.key {
		flags = 1
	}
	b = append(b, m.layer, m.part, m.parts, flags)
	return binary.BigEndian.AppendUint32(b, m.frame)
}

// markIn finds the mark in a payload.
func markIn(payload []byte) (mark, bool) {
	i := bytes.Index(payload, []byte(markWord))
	if i < 0 || len(payload) < i+markSize {
		return mark{}, false
	}
	b := payload[i+len(markWord):]
	return mark{layer: b[0], part: b[1], parts: b[2], key: b[3]&1 != 0, frame: binary.BigEndian.Uint32(b[4:])}, true
}

// filled pads a payload to size.
func filled(b []byte, size int) []byte { return append(b, make([]byte, max(0, size-len(b)))...) }

// vp8Payload is a part of a marked frame (RFC 7741): a descriptor with picture numbers of one temporal layer,
// the frame's header on the first part, the mark.
func vp8Payload(m mark, picture uint16, tl0 uint8, width, height uint16, size int) []byte {
	descriptor := byte(0x80) // X
	if m.part == 0 {
		descriptor |= 0x10 // S, the start of partition 0
	}
	b := []byte{descriptor, 0xe0, 0x80 | byte(picture>>8), byte(picture), tl0, 0}
	if m.part == 0 {
		const shown, inter = 0x10, 0x01
		if m.key {
			b = append(b, shown, 0, 0, 0x9d, 0x01, 0x2a)
			b = binary.LittleEndian.AppendUint16(b, width)
			b = binary.LittleEndian.AppendUint16(b, height)
		} else {
			b = append(b, shown|inter, 0, 0)
		}
	}
	return filled(append(b, m.bytes()...), size)
}

// opusPayload is a marked packet of 20 ms in stereo (RFC 6716 3.1).
func opusPayload(m mark) []byte {
	const toc = 31<<3 | stereoBit // CELT, full band, 20 ms, one frame
	return filled(append([]byte{toc}, m.bytes()...), 80)
}

// stereoBit of the first byte of an Opus packet.
const stereoBit = 1 << 2

// pictureOf reads the picture numbers of a payload.
func pictureOf(payload []byte) (codecs.VP8Packet, bool) {
	var p codecs.VP8Packet
	_, err := p.Unmarshal(payload)
	return p, err == nil
}

// markedCodecs registers VP8 and stereo Opus, from payload type first on, and nothing else.
func markedCodecs(engine *webrtc.MediaEngine, first webrtc.PayloadType, more ...webrtc.RTCPFeedback) error {
	feedback := append([]webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}, more...)
	return errors.Join(
		engine.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: first, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: videoClock, RTCPFeedback: feedback,
		}}, webrtc.RTPCodecTypeVideo),
		engine.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: first + 1, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: audioClock, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1", RTCPFeedback: more,
		}}, webrtc.RTPCodecTypeAudio),
	)
}
