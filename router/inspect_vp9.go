package router

import "encoding/binary"

// Bits of the first octet of the VP9 descriptor (RFC 9628 section 4.2).
const (
	vp9PictureID     = 0x80 // I
	vp9Inter         = 0x40 // P
	vp9Layers        = 0x20 // L
	vp9Flexible      = 0x10 // F
	vp9Begin         = 0x08 // B
	vp9End           = 0x04 // E
	vp9Structure     = 0x02 // V
	vp9MaxReferences = 3
)

// vp9LongestRewrite bounds Descriptor.Len: what is rewritten lies in the first
// octets, a scalability structure that follows may be long.
const vp9LongestRewrite = 32

// inspectVP9 reads a payload of RFC 9628.
func inspectVP9(payload []byte, f *Frame) sign {
	n, ok := readVP9Descriptor(payload, f)
	if !ok {
		f.Descriptor = Descriptor{}
		return signNotFirst
	}
	if f.Descriptor.PictureIDBits > 0 || f.Descriptor.TL0At > 0 {
		f.Descriptor.Len = uint8(min(n, vp9LongestRewrite))
	}
	s := signPicture
	if payload[0]&vp9Inter == 0 {
		s |= signKey
	}
	if payload[0]&vp9Begin == 0 || f.Descriptor.SID != 0 {
		return s | signNotFirst
	}
	if s&signKey != 0 {
		s |= signParameters | signKeyFirst
	}
	return s | signFirst
}

// readVP9Descriptor returns the length of the descriptor; ok is false when the
// payload is too short for it.
func readVP9Descriptor(b []byte, f *Frame) (n int, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	if n, ok = readVP9Layers(b, &f.Descriptor); !ok {
		return 0, false
	}
	if b[0]&vp9Structure != 0 {
		return readVP9Structure(b, n, f)
	}
	return n, true
}

// readVP9Layers reads up to where a scalability structure may be.
func readVP9Layers(b []byte, d *Descriptor) (n int, ok bool) {
	has := b[0]
	d.LayerEnd = has&vp9End != 0
	n = 1
	if has&vp9PictureID != 0 {
		if n, ok = readPictureID(b, n, d); !ok {
			return 0, false
		}
	}
	if has&vp9Layers != 0 {
		if n, ok = readVP9Layer(b, n, d); !ok {
			return 0, false
		}
	}
	if has&vp9Flexible != 0 && has&vp9Inter != 0 {
		return skipVP9References(b, n)
	}
	return n, true
}

func readVP9Layer(b []byte, n int, d *Descriptor) (next int, ok bool) {
	if len(b) <= n {
		return 0, false
	}
	d.TID, d.SwitchUp, d.SID = b[n]>>5, b[n]&0x10 != 0, b[n]>>1&0x07
	n++
	if b[0]&vp9Flexible != 0 {
		return n, true
	}
	if len(b) <= n {
		return 0, false
	}
	d.TL0At, d.TL0 = uint8(n), b[n]
	return n + 1, true
}

func skipVP9References(b []byte, n int) (next int, ok bool) {
	for range vp9MaxReferences {
		if len(b) <= n {
			return 0, false
		}
		n++
		if b[n-1]&1 == 0 { // N
			return n, true
		}
	}
	return n, true
}

// readVP9Structure reads the scalability structure (4.2.1): the size of the
// highest layer is the picture's.
func readVP9Structure(b []byte, n int, f *Frame) (next int, ok bool) {
	if len(b) <= n {
		return 0, false
	}
	layers, sizes, group := int(b[n]>>5)+1, b[n]&0x10 != 0, b[n]&0x08 != 0
	n++
	if sizes {
		if len(b) < n+4*layers {
			return 0, false
		}
		n += 4 * layers
		f.setSize(int64(binary.BigEndian.Uint16(b[n-4:])), int64(binary.BigEndian.Uint16(b[n-2:])))
	}
	if !group {
		return n, true
	}
	if len(b) <= n {
		return 0, false
	}
	pictures := int(b[n])
	n++
	for range pictures {
		if len(b) <= n {
			return 0, false
		}
		n += 1 + int(b[n]>>2&0x03)
	}
	if n > len(b) {
		return 0, false
	}
	return n, true
}

// vp9Sizes are the sizes of the spatial layers in a payload's scalability structure,
// lowest first, each as width<<32 | height; 0 for those it does not tell.
func vp9Sizes(b []byte) (sizes [spatialIDs]uint64) {
	var d Descriptor
	if len(b) == 0 || b[0]&vp9Structure == 0 {
		return sizes
	}
	n, ok := readVP9Layers(b, &d)
	if !ok || len(b) <= n || b[n]&0x10 == 0 {
		return sizes
	}
	layers := int(b[n]>>5) + 1
	for i := n + 1; i < n+1+4*min(layers, spatialIDs) && len(b) >= i+4; i += 4 {
		sizes[(i-n-1)/4] = uint64(binary.BigEndian.Uint16(b[i:]))<<32 | uint64(binary.BigEndian.Uint16(b[i+2:]))
	}
	return sizes
}
