package depacket

// obuSequenceHeader is OBU_SEQUENCE_HEADER (AV1 section 6.2.2).
const obuSequenceHeader = 1

// SequenceHeader returns the sequence header OBU of a temporal unit whose OBUs
// have sizes, header and size included.
func SequenceHeader(unit []byte) (obu []byte, ok bool) {
	for len(unit) > 0 {
		kind, length := unit[0]>>3&0xf, 1
		if unit[0]&4 != 0 {
			length++ // obu_extension_header
		}
		if unit[0]&2 == 0 || length > len(unit) {
			return nil, false // no size: the rest, which the tools never make
		}
		size, n := leb128(unit[length:])
		if n == 0 || size > len(unit)-length-n {
			return nil, false
		}
		length += n + size
		if kind == obuSequenceHeader {
			return unit[:length], true
		}
		unit = unit[length:]
	}
	return nil, false
}

// leb128 reads a size (AV1 section 4.10.5) and how many bytes it took, 0 when it
// is cut or absurd.
func leb128(b []byte) (value, n int) {
	for i := 0; i < len(b) && i < 4; i++ {
		value |= int(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}

// sizeAV1 reads the largest size of a sequence header OBU (AV1 section 5.5.1).
func sizeAV1(obu []byte) (width, height int) {
	length := 1
	if obu[0]&4 != 0 {
		length++
	}
	_, n := leb128(obu[length:])
	r := bits{b: obu[length+n:]}
	r.read(4) // seq_profile, still_picture
	if r.read(1) == 1 {
		r.read(5) // reduced_still_picture_header: seq_level_idx
	} else {
		skipOperatingPoints(&r)
	}
	widthBits, heightBits := r.read(4)+1, r.read(4)+1
	width, height = int(r.read(widthBits))+1, int(r.read(heightBits))+1
	if r.short {
		return 0, 0
	}
	return width, height
}

func skipOperatingPoints(r *bits) {
	decoderModel, delayBits := false, uint32(0)
	if r.read(1) == 1 { // timing_info_present_flag
		r.read(32)
		r.read(32)
		if r.read(1) == 1 { // equal_picture_interval
			r.skipUVLC()
		}
		if decoderModel = r.read(1) == 1; decoderModel {
			delayBits = r.read(5) + 1
			r.read(32)
			r.read(10)
		}
	}
	initialDelay := r.read(1) == 1
	for range r.read(5) + 1 {
		r.read(12) // operating_point_idc
		if r.read(5) > 7 {
			r.read(1) // seq_tier
		}
		if decoderModel && r.read(1) == 1 {
			r.read(delayBits)
			r.read(delayBits)
			r.read(1)
		}
		if initialDelay && r.read(1) == 1 {
			r.read(4)
		}
	}
}

// bits reads big-endian bit fields; after the end it gives zeros.
type bits struct {
	b     []byte
	at    int
	short bool
}

// read returns the next n bits, at most 32.
func (r *bits) read(n uint32) (v uint32) {
	for range n {
		v <<= 1
		if r.at>>3 >= len(r.b) {
			r.short = true
			continue
		}
		v |= uint32(r.b[r.at>>3]>>(7-r.at&7)) & 1
		r.at++
	}
	return v
}

func (r *bits) skipUVLC() {
	zeros := uint32(0)
	for r.read(1) == 0 && !r.short {
		zeros++
	}
	if zeros < 32 {
		r.read(zeros)
	}
}
