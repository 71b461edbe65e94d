package router

import "encoding/binary"

// NAL unit types (H.265 table 7-1, RFC 7798 section 4.4).
const (
	h265FirstIRAP = 16
	h265LastIRAP  = 23
	h265LastVCL   = 31
	h265VPS       = 32
	h265SPS       = 33
	h265PPS       = 34
	h265AP        = 48
	h265FU        = 49
)

// inspectH265 reads a payload of RFC 7798, without DONL fields: those need
// sprop-max-don-diff above zero, which no WebRTC sender uses.
func inspectH265(payload []byte, f *Frame) (s sign) {
	if len(payload) < 3 {
		return 0
	}
	switch payload[0] >> 1 & 0x3f {
	case h265AP:
		for b := payload[2:]; len(b) > 2; {
			n := int(binary.BigEndian.Uint16(b))
			b = b[2:]
			if n < 2 || n > len(b) {
				break
			}
			s |= inspectH265Unit(b[0]>>1&0x3f, b[:n], b[2:n], true, f)
			b = b[n:]
		}
		return s
	case h265FU:
		begins := payload[2]&0x80 != 0
		return inspectH265Unit(payload[2]&0x3f, nil, payload[3:], begins, f)
	}
	return inspectH265Unit(payload[0]>>1&0x3f, payload, payload[2:], true, f)
}

// inspectH265Unit judges a unit by its type; unit is nil for a fragment, body is
// what follows its header.
func inspectH265Unit(t byte, unit, body []byte, begins bool, f *Frame) sign {
	switch {
	case t == h265VPS && begins:
		return signParameters | signSet
	case t == h265SPS && begins:
		if unit != nil {
			readH265Size(unit, f)
		}
		return signParameters | signSet
	case t == h265PPS && begins:
		return signSet
	case t >= h265FirstIRAP && t <= h265LastIRAP && begins && firstH265Segment(body):
		return signPicture | signKey | signKeyFirst
	case t >= h265FirstIRAP && t <= h265LastIRAP:
		return signPicture | signKey
	case t <= h265LastVCL:
		return signPicture
	}
	return 0
}

// readH265Size reads the cropped size from a sequence parameter set (H.265
// 7.3.2.2.1).
func readH265Size(unit []byte, f *Frame) {
	r := bitReader{b: unit[2:], escape: true}
	openH265SPS(&r)
	chroma := r.ue()
	if chroma == 3 && r.flag() { // separate_colour_plane_flag
		chroma = 0
	}
	width, height := int64(r.ue()), int64(r.ue())
	if r.flag() { // conformance_window_flag
		unitX, unitY := chromaUnits(chroma)
		width -= unitX * (int64(r.ue()) + int64(r.ue()))
		height -= unitY * (int64(r.ue()) + int64(r.ue()))
	}
	if !r.failed {
		f.setSize(width, height)
	}
}

// openH265SPS reads a sequence parameter set up to its id.
func openH265SPS(r *bitReader) (id uint32) {
	r.bits(4) // sps_video_parameter_set_id
	subLayers := int(r.bits(3))
	r.bit()
	skipProfileTierLevel(r, subLayers)
	return r.ue()
}

// skipProfileTierLevel is 7.3.3 with the general profile present.
func skipProfileTierLevel(r *bitReader, subLayers int) {
	const profileBits, levelBits = 88, 8
	r.bits(profileBits + levelBits)
	skip := 0
	for range subLayers {
		if r.flag() {
			skip += profileBits
		}
		if r.flag() {
			skip += levelBits
		}
	}
	if subLayers > 0 {
		skip += 2 * (8 - subLayers)
	}
	r.bits(skip)
}

// firstH265Segment reads first_slice_segment_in_pic_flag (H.265 7.3.6.1).
func firstH265Segment(body []byte) bool { return len(body) == 0 || body[0]&0x80 != 0 }
