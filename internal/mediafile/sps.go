package mediafile

import "time"

// frameDurationH264 reads how long a frame lasts from a sequence parameter set
// (H.264 7.3.2.1.1 and E.1.1), 0 if it does not say.
func frameDurationH264(sps []byte) time.Duration {
	r := spsReader{b: sps[1:]}
	profile := r.bits(8)
	r.bits(16) // constraints, level
	r.ue()     // seq_parameter_set_id
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		r.skipChroma()
	}
	r.ue() // log2_max_frame_num_minus4
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		r.bits(1)
		r.ue()
		r.ue()
		for n := min(r.ue(), 255); n > 0; n-- {
			r.ue()
		}
	}
	r.ue() // max_num_ref_frames
	r.bits(1)
	r.ue() // width
	r.ue() // height
	if r.bits(1) == 0 {
		r.bits(1) // mb_adaptive_frame_field_flag
	}
	r.bits(1)
	if r.bits(1) == 1 { // frame_cropping_flag
		for range 4 {
			r.ue()
		}
	}
	if r.bits(1) == 0 { // vui_parameters_present_flag
		return 0
	}
	return r.timing()
}

// timing reads the VUI up to its timing_info. Two ticks make a frame, even where
// no fields are coded (E.2.1).
func (r *spsReader) timing() time.Duration {
	if r.bits(1) == 1 && r.bits(8) == 255 { // aspect_ratio_idc Extended_SAR
		r.bits(32)
	}
	if r.bits(1) == 1 { // overscan_info_present_flag
		r.bits(1)
	}
	if r.bits(1) == 1 { // video_signal_type_present_flag
		r.bits(4)
		if r.bits(1) == 1 {
			r.bits(24)
		}
	}
	if r.bits(1) == 1 { // chroma_loc_info_present_flag
		r.ue()
		r.ue()
	}
	if r.bits(1) == 0 { // timing_info_present_flag
		return 0
	}
	units, scale := uint64(r.bits(32)), uint64(r.bits(32))
	if r.short || units == 0 || scale == 0 {
		return 0
	}
	d := time.Duration(2 * units * uint64(time.Second) / scale) //nolint:gosec // at most 2^33·10^9, which fits
	if d < time.Millisecond || d > time.Second {
		return 0
	}
	return d
}

func (r *spsReader) skipChroma() {
	lists := 8
	if r.ue() == 3 { // chroma_format_idc
		lists = 12
		r.bits(1)
	}
	r.ue()
	r.ue()
	r.bits(1)
	if r.bits(1) == 0 { // seq_scaling_matrix_present_flag
		return
	}
	for i := range lists {
		if r.bits(1) == 0 {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		r.skipScalingList(size)
	}
}

// skipScalingList is 7.3.2.1.1.1.
func (r *spsReader) skipScalingList(size int) {
	last, next := int32(8), int32(8)
	for i := 0; i < size && !r.short; i++ {
		if next != 0 {
			next = (last + r.se() + 256) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

// spsReader reads bits of a NAL unit and leaves out emulation prevention; after
// the end it gives zeros.
type spsReader struct {
	b     []byte
	at    int // in bits
	zeros int // bytes of zero before at
	short bool
}

func (r *spsReader) bits(n int) (v uint32) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *spsReader) bit() uint32 {
	i := r.at >> 3
	if r.at&7 == 0 && i < len(r.b) {
		if r.zeros >= 2 && r.b[i] == 3 {
			r.at += 8
			i++
			r.zeros = 0
		}
		if i < len(r.b) && r.b[i] == 0 {
			r.zeros++
		} else {
			r.zeros = 0
		}
	}
	if i >= len(r.b) {
		r.short = true
		return 0
	}
	v := uint32(r.b[i]>>(7-r.at&7)) & 1
	r.at++
	return v
}

func (r *spsReader) ue() uint32 {
	zeros := 0
	for r.bit() == 0 {
		if zeros++; r.short || zeros > 31 {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

func (r *spsReader) se() int32 {
	k := r.ue()
	if k&1 == 1 {
		return int32(k/2) + 1 //nolint:gosec // at most 2^31
	}
	return -int32(k / 2) //nolint:gosec // at most 2^31
}
