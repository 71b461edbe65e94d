package router

// pictureShift keeps picture ids, TL0PICIDX and KEYIDX of VP8 and VP9 continuous
// over a switch (M-046): what goes out is what came in plus an offset that is
// fixed for a segment, so that a hole upstream stays a hole.
type pictureShift struct {
	picture uint16
	tl0     uint8
	key     uint8
}

// pictureState is what a section sent last, from which the next segment goes on.
type pictureState struct {
	started bool
	picture uint16
	tl0     uint8
	key     uint8
}

// shift returns the offsets that make d the picture after the last one sent.
// The very first source passes unchanged. A field a descriptor lacks counts as
// sent with the last value.
func (s *pictureState) shift(d *Descriptor) pictureShift {
	if !s.started || d.Len == 0 {
		return pictureShift{}
	}
	return pictureShift{
		picture: s.picture + 1 - d.PictureID,
		tl0:     s.tl0 + 1 - d.TL0,
		key:     s.key + 1 - d.KeyIdx,
	}
}

// sent notes that d went out under sh, as the newest packet of its section.
func (s *pictureState) sent(d *Descriptor, sh pictureShift) {
	if d.Len == 0 {
		return
	}
	s.started = true
	if d.PictureIDBits != 0 {
		s.picture = d.PictureID + sh.picture
	}
	if d.TL0At != 0 {
		s.tl0 = d.TL0 + sh.tl0
	}
	if d.KeyIdxAt != 0 {
		s.key = d.KeyIdx + sh.key
	}
}

// prefixLen is how many bytes of p's payload must be copied in order to be
// rewritten under sh; 0 when the payload goes out as it is.
func (sh pictureShift) prefixLen(p *Packet) int {
	n := int(p.Frame.Descriptor.Len)
	if sh == (pictureShift{}) || n > len(p.Payload) {
		return 0
	}
	return n
}

// apply rewrites the descriptor in b, a copy of the first Len bytes of a payload.
// The width of the picture id is kept: 7 bits (RFC 7741, RFC 9628: M bit clear)
// or 15.
func (sh pictureShift) apply(b []byte, d *Descriptor) {
	if at := int(d.PictureIDAt); d.PictureIDBits == 15 && at+1 < len(b) {
		id := d.PictureID + sh.picture
		b[at], b[at+1] = 0x80|byte(id>>8), byte(id)
	} else if d.PictureIDBits == 7 && at < len(b) {
		b[at] = byte(d.PictureID+sh.picture) & 0x7F
	}
	if at := int(d.TL0At); at != 0 && at < len(b) {
		b[at] = d.TL0 + sh.tl0
	}
	if at := int(d.KeyIdxAt); at != 0 && at < len(b) {
		b[at] = b[at]&^0x1F | (d.KeyIdx+sh.key)&0x1F
	}
}
