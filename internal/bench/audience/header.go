package audience

import "encoding/binary"

// header is what the clear part of a packet says.
type header struct {
	marker      bool
	kind        uint8 // payload type
	seq         uint16
	timestamp   uint32
	ssrc        uint32
	payload     int // where it begins
	padded      bool
	extensionAt int // where the extensions begin; 0 without
}

// parseHeader reads an RTP header (RFC 3550 section 5.1); ok is false for what is
// too short for what it claims.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < 12 {
		return header{}, false
	}
	h = header{
		marker: b[1]&0x80 != 0, kind: b[1] & 0x7f, seq: binary.BigEndian.Uint16(b[2:]),
		timestamp: binary.BigEndian.Uint32(b[4:]), ssrc: binary.BigEndian.Uint32(b[8:]),
		payload: 12 + 4*int(b[0]&0x0f), padded: b[0]&0x20 != 0,
	}
	if b[0]&0x10 != 0 {
		if len(b) < h.payload+4 {
			return header{}, false
		}
		h.extensionAt = h.payload
		h.payload += 4 + 4*int(binary.BigEndian.Uint16(b[h.payload+2:]))
	}
	return h, len(b) >= h.payload
}

const oneByteExtensions = 0xbede

// extension16 returns a header extension of two bytes (RFC 8285 section 4.2).
func (h header) extension16(b []byte, id uint8) (uint16, bool) {
	if h.extensionAt == 0 || id == 0 || binary.BigEndian.Uint16(b[h.extensionAt:]) != oneByteExtensions {
		return 0, false
	}
	for e := b[h.extensionAt+4 : h.payload]; len(e) > 0; {
		if e[0] == 0 {
			e = e[1:]
			continue
		}
		n := int(e[0]&0x0f) + 1
		if e[0]>>4 == 15 || len(e) < 1+n {
			return 0, false
		}
		if e[0]>>4 == id && n == 2 {
			return binary.BigEndian.Uint16(e[1:]), true
		}
		e = e[1+n:]
	}
	return 0, false
}

// unpadded strips the padding of a decrypted payload.
func unpadded(h header, payload []byte) []byte {
	if !h.padded || len(payload) == 0 {
		return payload
	}
	return payload[:max(len(payload)-int(payload[len(payload)-1]), 0)]
}
