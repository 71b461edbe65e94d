package router

// bitReader reads bits from the highest down. Past the end it gives zeros and is
// failed.
type bitReader struct {
	b      []byte
	at     int // bits
	zeros  int // zero bytes in a row, up to the byte in use
	escape bool
	failed bool
}

// bit returns the next bit. With escape set, emulation prevention bytes are left
// out (H.264 7.4.1.1).
func (r *bitReader) bit() uint32 {
	i := r.at >> 3
	if r.escape && r.at&7 == 0 && r.zeros >= 2 && i < len(r.b) && r.b[i] == 3 {
		r.at += 8
		r.zeros = 0
		i++
	}
	if i >= len(r.b) {
		r.failed = true
		return 0
	}
	if r.at&7 == 0 {
		if r.b[i] == 0 {
			r.zeros++
		} else {
			r.zeros = 0
		}
	}
	v := r.b[i] >> (7 - r.at&7) & 1
	r.at++
	return uint32(v)
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

// bits returns the next n bits, the last 32 of them.
func (r *bitReader) bits(n int) uint32 {
	var v uint32
	for ; n > 0 && !r.failed; n-- {
		v = v<<1 | r.bit()
	}
	return v
}

// ue returns an Exp-Golomb number (H.264 9.1).
func (r *bitReader) ue() uint32 {
	n := r.leadingZeros()
	return uint32(1<<n - 1 + uint64(r.bits(n)))
}

// leadingZeros counts zeros up to a one, at most 31.
func (r *bitReader) leadingZeros() int {
	n := 0
	for !r.flag() {
		n++
		if n > 31 || r.failed {
			r.failed = true
			return 0
		}
	}
	return n
}

// se returns a signed Exp-Golomb number.
func (r *bitReader) se() int32 {
	k := r.ue()
	if k&1 == 1 {
		return int32(k/2 + 1)
	}
	return -int32(k / 2)
}

// maxPictureSide bounds what is believed of a picture's size.
const maxPictureSide = 1 << 14

// setSize notes a size that was read, unless it is nonsense.
func (f *Frame) setSize(width, height int64) {
	if width > 0 && height > 0 && width <= maxPictureSide && height <= maxPictureSide {
		f.Width, f.Height = uint16(width), uint16(height)
	}
}
