package router

// The sizes of the blocks that packets are cut from. A block lives as long as
// one piece of it, so that they are small against a layer's history.
const (
	slabBytes   = 32 << 10
	slabPackets = 32
	slabRefs    = 256
)

// ingestSlab hands out memory for packets that are immutable once written:
// bytes, packets, slices of packets and extensions, each cut from a larger block.
type ingestSlab struct {
	bytes      []byte
	packets    []Packet
	refs       []*Packet
	extensions []PassedExtension
}

// copyBytes returns a copy of b that is never reused.
func (s *ingestSlab) copyBytes(b []byte) []byte {
	if len(b) > slabBytes/4 {
		return append([]byte(nil), b...)
	}
	if len(s.bytes) < len(b) {
		s.bytes = make([]byte, slabBytes)
	}
	c := s.bytes[:len(b):len(b)]
	s.bytes = s.bytes[len(b):]
	copy(c, b)
	return c
}

// packet returns a zero packet.
func (s *ingestSlab) packet() *Packet {
	if len(s.packets) == 0 {
		s.packets = make([]Packet, slabPackets)
	}
	p := &s.packets[0]
	s.packets = s.packets[1:]
	return p
}

// passed returns n zero extensions.
func (s *ingestSlab) passed(n int) []PassedExtension {
	if len(s.extensions) < n {
		s.extensions = make([]PassedExtension, max(n, slabPackets))
	}
	e := s.extensions[:n:n]
	s.extensions = s.extensions[n:]
	return e
}

// burst returns a copy of packets for a subscriber to keep.
func (s *ingestSlab) burst(packets []*Packet) []*Packet {
	if len(s.refs) < len(packets) {
		s.refs = make([]*Packet, max(len(packets), slabRefs))
	}
	b := s.refs[:len(packets):len(packets)]
	s.refs = s.refs[len(packets):]
	copy(b, packets)
	return b
}
