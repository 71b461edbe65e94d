package audience

// beginsKeyFrame reports whether a payload holds the beginning of a key frame, or
// parameter sets, which encoders put before one.
func beginsKeyFrame(codec string, payload []byte) bool {
	if len(payload) == 0 {
		return false
	}
	switch codec {
	case "h264":
		return keyH264(payload)
	case "vp8":
		return keyVP8(payload)
	case "vp9":
		return keyVP9(payload)
	case "av1":
		// Aggregation header: N says that a coded video sequence begins (section 4.4
		// of the RTP payload format).
		return payload[0]&0x08 != 0
	case "h265":
		return keyH265(payload)
	default:
		return true // nothing is known, so nothing is waited for
	}
}

// keyH264 follows RFC 6184 section 5.
func keyH264(b []byte) bool {
	const idr, sps, stapA, fuA, fuB = 5, 7, 24, 28, 29
	switch kind := b[0] & 0x1f; kind {
	case idr, sps:
		return true
	case stapA:
		for b = b[1:]; len(b) > 2; {
			n := int(b[0])<<8 | int(b[1])
			if t := b[2] & 0x1f; t == idr || t == sps {
				return true
			}
			b = b[min(2+n, len(b)):]
		}
		return false
	case fuA, fuB:
		return len(b) > 1 && b[1]&0x80 != 0 && (b[1]&0x1f == idr || b[1]&0x1f == sps)
	default:
		return false
	}
}

// keyH265 follows RFC 7798 section 4.4.
func keyH265(b []byte) bool {
	const aggregation, fragment = 48, 49
	intra := func(t byte) bool { return t >= 16 && t <= 21 || t >= 32 && t <= 34 } // IRAP, VPS, SPS, PPS
	switch kind := b[0] >> 1 & 0x3f; kind {
	case aggregation:
		return len(b) > 4 && intra(b[4]>>1&0x3f)
	case fragment:
		return len(b) > 2 && b[2]&0x80 != 0 && intra(b[2]&0x3f)
	default:
		return intra(kind)
	}
}

// keyVP8 follows RFC 7741 section 4.2: behind the descriptor, the inverse key
// frame bit of the first partition.
func keyVP8(b []byte) bool {
	if b[0]&0x10 == 0 || b[0]&0x07 != 0 {
		return false // not the beginning
	}
	at := 1
	if b[0]&0x80 != 0 && len(b) > 1 {
		x := b[1]
		at++
		if x&0x80 != 0 { // picture id
			if len(b) > at && b[at]&0x80 != 0 {
				at++
			}
			at++
		}
		if x&0x40 != 0 {
			at++
		}
		if x&0x30 != 0 {
			at++
		}
	}
	return len(b) > at && b[at]&0x01 == 0
}

// keyVP9 follows RFC 9628 section 4.2: not predicted from an earlier picture,
// beginning of a frame.
func keyVP9(b []byte) bool { return b[0]&0x40 == 0 && b[0]&0x08 != 0 }
