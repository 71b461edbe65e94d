package router

const (
	// av1SequenceHeader is the OBU type of a sequence header (AV1 6.2.2).
	av1SequenceHeader = 1
	// av1Extension is obu_extension_flag: the next octet has temporal_id and
	// spatial_id (AV1 5.3.3).
	av1Extension = 0x04
)

// inspectAV1 reads a payload of the AV1 RTP specification: aggregation header
// (4.4), then OBU elements.
func inspectAV1(payload []byte, f *Frame) sign {
	if len(payload) == 0 {
		return signNotFirst
	}
	head := payload[0]
	continues, count, newSequence := head&0x80 != 0, int(head>>4&0x03), head&0x08 != 0
	s := signPicture
	if continues {
		s |= signNotFirst | signLayerBefore
	}
	if newSequence && !continues {
		s |= signParameters | signKey | signKeyFirst
	}
	told := false
	elements := av1Elements{rest: payload[1:], count: count}
	for i := 0; ; i++ {
		element, ok := elements.next()
		if !ok {
			return s
		}
		if i == 0 && continues || len(element) == 0 {
			continue
		}
		if !told && element[0]&av1Extension != 0 && len(element) > 1 {
			told = true
			s &^= signLayerBefore
			f.Descriptor.TID, f.Descriptor.SID = element[1]>>5, element[1]>>3&0x03
		}
		if element[0]>>3&0x0f != av1SequenceHeader {
			continue
		}
		s |= signParameters | signKey | signKeyFirst
		readAV1Size(element, f)
	}
}

// av1Elements walks through the OBU elements of a payload. With a count, the
// last of them has no length.
type av1Elements struct {
	rest  []byte
	count int // 0: every element has a length
	seen  int
}

func (e *av1Elements) next() (element []byte, ok bool) {
	if len(e.rest) == 0 || e.count > 0 && e.seen == e.count {
		return nil, false
	}
	e.seen++
	if e.seen == e.count {
		return e.rest, true
	}
	n, size := readLEB128(e.rest)
	if size == 0 || n > uint64(len(e.rest)-size) {
		return nil, false
	}
	element = e.rest[size : size+int(n)]
	e.rest = e.rest[size+int(n):]
	return element, true
}

// readLEB128 returns a number and how many bytes it took, 0 if it is not whole
// (AV1 4.10.5).
func readLEB128(b []byte) (v uint64, size int) {
	for i := 0; i < len(b) && i < 8; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

// readAV1Size reads the maximum frame size from a sequence header OBU (AV1
// 5.5.1).
func readAV1Size(obu []byte, f *Frame) {
	head := 1
	if obu[0]&av1Extension != 0 {
		head++
	}
	if obu[0]&0x02 != 0 { // obu_has_size_field
		if len(obu) < head {
			return
		}
		_, size := readLEB128(obu[head:])
		head += size
	}
	if len(obu) < head {
		return
	}
	r := bitReader{b: obu[head:]}
	r.bits(4) // seq_profile, still_picture
	if r.flag() {
		r.bits(5)
	} else {
		skipAV1OperatingPoints(&r)
	}
	widthBits, heightBits := int(r.bits(4))+1, int(r.bits(4))+1
	width, height := int64(r.bits(widthBits))+1, int64(r.bits(heightBits))+1
	if !r.failed {
		f.setSize(width, height)
	}
}

// skipAV1OperatingPoints skips from timing_info_present_flag to the end of the
// operating points.
func skipAV1OperatingPoints(r *bitReader) {
	decoderModel, delayBits := false, 0
	if r.flag() { // timing_info_present_flag
		r.bits(64)
		if r.flag() { // equal_picture_interval
			r.bits(r.leadingZeros()) // uvlc
		}
		if decoderModel = r.flag(); decoderModel {
			delayBits = int(r.bits(5)) + 1
			r.bits(32 + 10)
		}
	}
	displayDelay := r.flag()
	for n := r.bits(5) + 1; n > 0 && !r.failed; n-- {
		r.bits(12) // operating_point_idc
		if r.bits(5) > 7 {
			r.bit() // seq_tier
		}
		if decoderModel && r.flag() {
			r.bits(2*delayBits + 1)
		}
		if displayDelay && r.flag() {
			r.bits(4)
		}
	}
}
