package router

import "encoding/binary"

// inspectVP8 reads a payload of RFC 7741: descriptor (4.2), then at the start of
// a frame its header (4.3, RFC 6386 9.1).
func inspectVP8(payload []byte, f *Frame) sign {
	n, ok := readVP8Descriptor(payload, &f.Descriptor)
	if !ok {
		f.Descriptor = Descriptor{}
		return signNotFirst
	}
	if f.Descriptor.PictureIDBits > 0 || f.Descriptor.TL0At > 0 || f.Descriptor.KeyIdxAt > 0 {
		f.Descriptor.Len = uint8(n)
	}
	const startOfPartition, partition = 0x10, 0x07
	if payload[0]&startOfPartition == 0 || payload[0]&partition != 0 {
		return signPicture | signNotFirst
	}
	frame := payload[n:]
	if len(frame) == 0 || frame[0]&1 != 0 {
		return signPicture | signFirst
	}
	if len(frame) >= 10 && frame[3] == 0x9d && frame[4] == 0x01 && frame[5] == 0x2a {
		f.setSize(int64(binary.LittleEndian.Uint16(frame[6:])&0x3fff), int64(binary.LittleEndian.Uint16(frame[8:])&0x3fff))
	}
	return signPicture | signFirst | signParameters | signKey | signKeyFirst
}

// readVP8Descriptor returns the length of the descriptor; ok is false when the
// payload is too short for it.
func readVP8Descriptor(b []byte, d *Descriptor) (n int, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	n = 1
	if b[0]&0x80 == 0 { // X
		return n, true
	}
	if len(b) < 2 {
		return 0, false
	}
	has := b[1]
	n = 2
	if has&0x80 != 0 { // I
		if n, ok = readPictureID(b, n, d); !ok {
			return 0, false
		}
	}
	if has&0x40 != 0 { // L
		if len(b) <= n {
			return 0, false
		}
		d.TL0At, d.TL0 = uint8(n), b[n]
		n++
	}
	if has&0x30 == 0 { // T, K
		return n, true
	}
	if len(b) <= n {
		return 0, false
	}
	if has&0x20 != 0 {
		d.TID, d.SwitchUp = b[n]>>6, b[n]&0x20 != 0
	}
	if has&0x10 != 0 {
		d.KeyIdxAt, d.KeyIdx = uint8(n), b[n]&0x1f
	}
	return n + 1, true
}

// readPictureID reads a picture id of 7 or 15 bits at an offset, the same in VP8
// and VP9.
func readPictureID(b []byte, at int, d *Descriptor) (next int, ok bool) {
	if len(b) <= at {
		return 0, false
	}
	d.PictureIDAt = uint8(at)
	if b[at]&0x80 == 0 { // M
		d.PictureIDBits, d.PictureID = 7, uint16(b[at])
		return at + 1, true
	}
	if len(b) < at+2 {
		return 0, false
	}
	d.PictureIDBits, d.PictureID = 15, binary.BigEndian.Uint16(b[at:])&0x7fff
	return at + 2, true
}
