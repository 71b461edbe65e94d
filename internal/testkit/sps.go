package testkit

// parameterSet is a sequence parameter set of constrained baseline for a picture
// of even size (ITU-T H.264 section 7.3.2.1.1).
func parameterSet(width, height int) []byte {
	var w bitWriter
	w.bits(0x42c01f, 24) // profile, constraints, level
	w.golomb(0)          // seq_parameter_set_id
	w.golomb(0)          // log2_max_frame_num_minus4
	w.golomb(2)          // pic_order_cnt_type: in order of decoding
	w.golomb(1)          // max_num_ref_frames
	w.bits(0, 1)         // gaps_in_frame_num_value_allowed_flag
	columns, rows := (width+15)/16, (height+15)/16
	w.golomb(columns - 1)
	w.golomb(rows - 1)
	w.bits(1, 1) // frame_mbs_only_flag
	w.bits(0, 1) // direct_8x8_inference_flag
	right, bottom := (columns*16-width)/2, (rows*16-height)/2
	if right+bottom == 0 {
		w.bits(0, 1)
	} else {
		w.bits(1, 1) // frame_cropping_flag: in units of two pixels
		for _, n := range []int{0, right, 0, bottom} {
			w.golomb(n)
		}
	}
	w.bits(0, 1) // vui_parameters_present_flag
	w.bits(1, 1) // rbsp_trailing_bits
	return append([]byte{0x67}, escaped(w.b)...)
}

// escaped puts a byte between two zeros and what would make a start code of them.
func escaped(b []byte) (out []byte) {
	zeros := 0
	for _, v := range b {
		if zeros == 2 && v <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, v)
		if v != 0 {
			zeros = 0
		} else {
			zeros++
		}
	}
	return out
}

// bitWriter writes bits, most significant first.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) bits(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

// golomb writes ue(v).
func (w *bitWriter) golomb(v int) {
	length := 0
	for (v+1)>>(length+1) > 0 {
		length++
	}
	w.bits(0, length)
	w.bits(uint32(v+1), length+1)
}
