package source

// bitWriter writes bits from the highest down, for parameter sets.
type bitWriter struct {
	b []byte
	n int // bits used of the last byte, 0 when it is full
}

func (w *bitWriter) bit(v int) {
	if w.n == 0 {
		w.b = append(w.b, 0)
	}
	w.b[len(w.b)-1] |= byte(v&1) << (7 - w.n)
	w.n = (w.n + 1) % 8
}

// ue writes an unsigned Exp-Golomb code (H.264 section 9.1).
func (w *bitWriter) ue(v int) {
	length := 0
	for (v+1)>>(length+1) != 0 {
		length++
	}
	for range length {
		w.bit(0)
	}
	for i := length; i >= 0; i-- {
		w.bit((v + 1) >> i)
	}
}

// trailing ends the payload of a NAL unit (section 7.3.2.11).
func (w *bitWriter) trailing() []byte {
	w.bit(1)
	return w.b
}

// sequenceParameters is the SPS of constrained baseline, level 3.1, of this many
// pixels, both even (section 7.3.2.1.1). It needs no emulation prevention.
func sequenceParameters(width, height int) []byte {
	w := &bitWriter{b: []byte{0x67, 66, 0xc0, 31}}
	for _, v := range []int{0, 0, 2, 1} { // id, frame numbers of 4 bits, order as output, one reference
		w.ue(v)
	}
	w.bit(0) // no gaps in frame numbers
	columns, rows := (width+15)/16, (height+15)/16
	w.ue(columns - 1)
	w.ue(rows - 1)
	w.bit(1) // frames, no fields
	w.bit(1) // direct 8x8
	right, bottom := (columns*16-width)/2, (rows*16-height)/2
	if right+bottom == 0 {
		w.bit(0)
	} else {
		w.bit(1)
		for _, v := range []int{0, right, 0, bottom} {
			w.ue(v)
		}
	}
	w.bit(0) // no VUI
	return w.trailing()
}

// pictureParameters is the PPS for it: CAVLC, one slice group (section 7.3.2.2).
func pictureParameters() []byte {
	w := &bitWriter{b: []byte{0x68}}
	w.ue(0) // id
	w.ue(0) // of the SPS
	w.bit(0)
	w.bit(0)
	for range 3 { // one slice group, one reference each
		w.ue(0)
	}
	for range 3 { // no weights
		w.bit(0)
	}
	for range 3 { // quantisers as they are
		w.ue(0)
	}
	for range 3 { // no deblocking control, no constrained intra, no redundancy
		w.bit(0)
	}
	return w.trailing()
}

const (
	nalSlice = 0x41 // reference, not IDR
	nalIDR   = 0x65
	nalSTAPA = 24
	nalFUA   = 28
	nalTypes = 0x1f
)

// aggregate packs NAL units into one packet (RFC 6184 section 5.7.1).
func aggregate(units ...[]byte) []byte {
	b := []byte{units[0][0]&^nalTypes | nalSTAPA}
	for _, u := range units {
		b = append(b, byte(len(u)>>8), byte(len(u)))
		b = append(b, u...)
	}
	return b
}
