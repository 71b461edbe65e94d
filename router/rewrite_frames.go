package router

import "encoding/binary"

// templateIDs is how many ids the templates of dependency descriptors have.
const templateIDs = 64

// frameShift keeps dependency descriptors continuous over a switch, as pictureShift
// does picture ids: frame numbers go up, and templates have other ids than those of
// the structure before. It is fixed for a segment. Not known is what begins without a
// structure: then no descriptor is passed on.
type frameShift struct {
	known    bool
	number   uint16
	template uint8
}

// frameState is what a section sent last of descriptors.
type frameState struct {
	started bool
	number  uint16 // the highest
	next    uint8  // template id after those of the newest structure
}

// shift returns the offsets that make p, the first packet of a key frame, the one after
// the newest frame.
func (s *frameState) shift(p *Packet) frameShift {
	switch d := p.Dependencies; {
	case d == nil:
		return frameShift{}
	case !s.started:
		return frameShift{known: true}
	default:
		return frameShift{known: true, number: s.number + 1 - uint16(d.Number), template: (s.next - d.Structure.First) % templateIDs}
	}
}

// sent notes that p went out under sh.
func (s *frameState) sent(p *Packet, sh frameShift) {
	d := p.Dependencies
	if d == nil || !sh.known {
		return
	}
	if n := uint16(d.Number) + sh.number; !s.started || int16(n-s.number) > 0 {
		s.number = n
	}
	s.started = true
	if p.Frame.KeyStart {
		s.next = (d.Structure.First + uint8(len(d.Structure.Templates)) + sh.template) % templateIDs
	}
}

// apply rewrites b, a copy of a dependency descriptor: template id, frame number, and
// in a structure the id of the first template (AV1 RTP specification A.8.3).
func (sh frameShift) apply(b []byte) {
	const id = templateIDs - 1
	if len(b) < 3 {
		return
	}
	b[0] = b[0]&^id | (b[0]+sh.template)&id
	binary.BigEndian.PutUint16(b[1:], binary.BigEndian.Uint16(b[1:])+sh.number)
	if len(b) < 5 || b[3]&0x80 == 0 {
		return
	}
	first := (b[3]<<3 | b[4]>>5) + sh.template
	b[3] = b[3]&^0x07 | first>>3&0x07
	b[4] = b[4]&^0xe0 | first<<5
}
