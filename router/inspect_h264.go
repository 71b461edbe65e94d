package router

import "encoding/binary"

// NAL unit types (H.264 table 7-1, RFC 6184 section 5.2).
const (
	h264NonIDR = 1
	h264IDR    = 5
	h264SPS    = 7
	h264PPS    = 8
	h264STAPA  = 24
	h264STAPB  = 25
	h264FUA    = 28
	h264FUB    = 29
)

// inspectH264 reads a payload of RFC 6184.
func inspectH264(payload []byte, f *Frame) sign {
	if len(payload) == 0 {
		return 0
	}
	switch payload[0] & 0x1f {
	case h264STAPA:
		return inspectH264Units(payload[1:], f)
	case h264STAPB:
		return inspectH264Units(payload[min(3, len(payload)):], f)
	case h264FUA, h264FUB:
		return inspectH264Fragment(payload)
	}
	return inspectH264Unit(payload, f)
}

// inspectH264Units reads the units of an aggregation packet (5.7.1).
func inspectH264Units(b []byte, f *Frame) (s sign) {
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if n == 0 || n > len(b) {
			break
		}
		s |= inspectH264Unit(b[:n], f)
		b = b[n:]
	}
	return s
}

// inspectH264Fragment reads a fragmentation unit (5.8).
func inspectH264Fragment(payload []byte) sign {
	if len(payload) < 2 {
		return 0
	}
	begins := payload[1]&0x80 != 0
	switch t := payload[1] & 0x1f; {
	case t == h264IDR && begins:
		return h264Slice(payload[2:])
	case t == h264IDR:
		return signPicture | signKey
	case t >= h264NonIDR && t < h264IDR:
		return signPicture
	case t == h264SPS && begins:
		return signParameters
	}
	return 0
}

func inspectH264Unit(unit []byte, f *Frame) sign {
	switch t := unit[0] & 0x1f; {
	case t == h264SPS:
		readH264Size(unit, f)
		return signParameters | signSet
	case t == h264PPS:
		return signSet
	case t == h264IDR:
		return h264Slice(unit[1:])
	case t >= h264NonIDR && t < h264IDR:
		return signPicture
	}
	return 0
}

// h264Slice tells whether an IDR slice is the first of its picture:
// first_mb_in_slice 0 is coded as a leading 1 bit (H.264 7.3.3). Encoders that
// cut pictures into slices send several units that all say IDR.
func h264Slice(header []byte) sign {
	if len(header) > 0 && header[0]&0x80 == 0 {
		return signPicture | signKey
	}
	return signPicture | signKey | signKeyFirst
}

// readH264Size reads the cropped size from a sequence parameter set (H.264
// 7.3.2.1.1 and 7.4.2.1.1).
func readH264Size(unit []byte, f *Frame) {
	r := bitReader{b: unit[1:], escape: true}
	profile := r.bits(8)
	r.bits(16) // constraints, level
	r.ue()     // seq_parameter_set_id
	chroma := uint32(1)
	if h264HasChroma(profile) {
		chroma = readH264Chroma(&r)
	}
	r.ue() // log2_max_frame_num_minus4
	skipH264OrderCount(&r)
	r.ue() // max_num_ref_frames
	r.bit()
	width, height := int64(r.ue()+1)*16, int64(r.ue()+1)*16
	fields := int64(1)
	if !r.flag() { // frame_mbs_only_flag
		fields = 2
		r.bit()
	}
	height *= fields
	r.bit() // direct_8x8_inference_flag
	if r.flag() {
		unitX, unitY := chromaUnits(chroma)
		width -= unitX * (int64(r.ue()) + int64(r.ue()))
		height -= unitY * fields * (int64(r.ue()) + int64(r.ue()))
	}
	if !r.failed {
		f.setSize(width, height)
	}
}

// chromaUnits are the units of cropping by chroma_format_idc.
func chromaUnits(chroma uint32) (x, y int64) {
	switch chroma {
	case 1:
		return 2, 2
	case 2:
		return 2, 1
	}
	return 1, 1
}

func h264HasChroma(profile uint32) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	}
	return false
}

func readH264Chroma(r *bitReader) (chroma uint32) {
	chroma = r.ue()
	lists := 8
	if chroma == 3 {
		lists = 12
		if r.flag() { // separate_colour_plane_flag
			chroma = 0
		}
	}
	r.ue() // bit_depth_luma_minus8
	r.ue() // bit_depth_chroma_minus8
	r.bit()
	if !r.flag() { // seq_scaling_matrix_present_flag
		return chroma
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		if i < 6 {
			skipScalingList(r, 16)
		} else {
			skipScalingList(r, 64)
		}
	}
	return chroma
}

// skipScalingList is 7.3.2.1.1.1.
func skipScalingList(r *bitReader, size int) {
	last, next := int32(8), int32(8)
	for i := 0; i < size && !r.failed; i++ {
		if next != 0 {
			next = (last + r.se() + 256) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

func skipH264OrderCount(r *bitReader) {
	switch r.ue() { // pic_order_cnt_type
	case 0:
		r.ue()
	case 1:
		r.bit()
		r.se()
		r.se()
		for n := min(r.ue(), 255); n > 0; n-- {
			r.se()
		}
	}
}
