package depacket

import (
	"bytes"
	"iter"
	"strings"
)

// IsKey tells whether decoding can begin with a frame of this codec.
func IsKey(mime string, frame []byte) bool {
	if len(frame) == 0 {
		return false
	}
	switch strings.ToLower(mime) {
	case "video/h264":
		return keyH264(frame)
	case "video/h265":
		return keyH265(frame)
	case "video/vp8":
		return frame[0]&1 == 0 // RFC 6386 section 9.1
	case "video/vp9":
		_, _, key := sizeVP9(frame)
		return key
	case "video/av1":
		_, ok := SequenceHeader(frame)
		return ok // a new coded video sequence begins with one (AV1 section 7.5)
	}
	return true
}

// Size reads the size of the picture from a key frame; 0, 0 when it is not known.
// H.264 and H.265 are not read.
func Size(mime string, frame []byte) (width, height int) {
	switch strings.ToLower(mime) {
	case "video/vp8":
		if len(frame) >= 10 && frame[0]&1 == 0 {
			return int(frame[6]) | int(frame[7]&0x3f)<<8, int(frame[8]) | int(frame[9]&0x3f)<<8
		}
	case "video/vp9":
		width, height, _ = sizeVP9(frame)
	case "video/av1":
		if header, ok := SequenceHeader(frame); ok {
			width, height = sizeAV1(header)
		}
	}
	return width, height
}

// Units are the NAL units of an Annex B frame, without start codes.
func Units(frame []byte) iter.Seq[[]byte] {
	code := []byte{0, 0, 1}
	return func(yield func([]byte) bool) {
		start := bytes.Index(frame, code)
		for start >= 0 {
			rest := frame[start+len(code):]
			end := bytes.Index(rest, code)
			unit := rest
			if end >= 0 {
				unit = rest[:end]
				start += len(code) + end
			} else {
				start = -1
			}
			if unit = bytes.TrimRight(unit, "\x00"); len(unit) > 0 && !yield(unit) {
				return
			}
		}
	}
}

// keyH264 wants the first slice to be of an IDR picture and to begin it:
// first_mb_in_slice 0 is coded as a leading 1 bit (H.264 7.3.3).
func keyH264(frame []byte) bool {
	for unit := range Units(frame) {
		switch t := unit[0] & 0x1f; {
		case t == 5:
			return len(unit) > 1 && unit[1]&0x80 != 0
		case t >= 1 && t <= 4:
			return false
		}
	}
	return false
}

// keyH265 wants the first slice to be of an IRAP picture (types 16 to 21) and to
// begin it: first_slice_segment_in_pic_flag.
func keyH265(frame []byte) bool {
	for unit := range Units(frame) {
		if t := unit[0] >> 1 & 0x3f; t < 32 {
			return t >= 16 && t <= 21 && len(unit) > 2 && unit[2]&0x80 != 0
		}
	}
	return false
}

// Parameters returns the parameter sets of an H.264 or H.265 frame, if a sequence
// parameter set is among them.
func Parameters(mime string, frame []byte) (sets [][]byte) {
	complete := false
	for unit := range Units(frame) {
		switch strings.ToLower(mime) {
		case "video/h264":
			t := unit[0] & 0x1f
			complete = complete || t == 7
			if t == 7 || t == 8 {
				sets = append(sets, bytes.Clone(unit))
			}
		case "video/h265":
			t := unit[0] >> 1 & 0x3f
			complete = complete || t == 33
			if t >= 32 && t <= 34 {
				sets = append(sets, bytes.Clone(unit))
			}
		}
	}
	if !complete {
		return nil
	}
	return sets
}

// AnnexB writes units with start codes.
func AnnexB(units [][]byte) (b []byte) {
	for _, unit := range units {
		b = append(append(b, 0, 0, 0, 1), unit...)
	}
	return b
}

// sizeVP9 reads the uncompressed header (VP9 section 6.2).
func sizeVP9(frame []byte) (width, height int, key bool) {
	r := bits{b: frame}
	if r.read(2) != 2 { // frame_marker
		return 0, 0, false
	}
	profile := r.read(1) | r.read(1)<<1
	if profile == 3 {
		r.read(1)
	}
	if r.read(1) == 1 { // show_existing_frame
		return 0, 0, false
	}
	notKey := r.read(1)
	r.read(2) // show_frame, error_resilient_mode
	if notKey == 1 || r.read(24) != 0x498342 {
		return 0, 0, false
	}
	if profile >= 2 {
		r.read(1) // ten_or_twelve_bit
	}
	const sRGB = 7
	if r.read(3) != sRGB {
		r.read(1)
		if profile&1 == 1 {
			r.read(3)
		}
	} else if profile&1 == 1 {
		r.read(1)
	}
	width, height = int(r.read(16))+1, int(r.read(16))+1
	if r.short {
		width, height = 0, 0
	}
	return width, height, true
}
