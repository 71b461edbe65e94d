package router

import (
	"testing"
	"time"

	"github.com/headgate/headgate/internal/dependency"
)

// structures is a descriptor for each packet: mandatory fields, and a structure of one
// template and one decode target whose first template id is another one each time.
func structures(n int) (values [][]byte) {
	for i := range n {
		id := byte(i % 64)
		// Structure attached and nothing else; first id 6 bits, targets-1 5 bits, end of
		// templates 2 bits, indication 2 bits, end of dependencies 1 bit, no chains
		// (non-symmetric of 2: 1 bit), no resolutions 1 bit.
		bits := uint64(0b10000)<<18 | uint64(id)<<12 | 0<<7 | 0b11<<5 | 0b10<<3 | 0<<2 | 0<<1
		values = append(values, []byte{0xc0 | id, byte(i >> 8), byte(i), byte(bits >> 15), byte(bits >> 7), byte(bits << 1)})
	}
	return values
}

// Who brings another structure with every packet is charged for them: they are kept as
// long as the packets are.
func TestStructuresAreCharged(t *testing.T) {
	h := videoHistory(512, groupBounds{age: time.Hour, bytes: 4000, packets: 1 << 20})
	var r dependencyReader
	last := int64(-1)
	for i, value := range structures(200) {
		p := packetAt(int64(i), i == 0)
		r.read(p, value, 0)
		if p.Dependencies == nil || p.keptBytes() < len(p.Payload)+100 {
			t.Fatalf("packet %d: %x is read as %+v", i, value, p.Dependencies)
		}
		h.add(p)
		if h.currentGroup() != nil {
			last = p.Seq
		}
	}
	if want := int64(4000 / (3 + r.known[0].Bytes())); last < want-2 || last > want+2 {
		t.Errorf("the group went after packet %d, want %d", last, want)
	}
	// A packet of the same frame shares what the first one brought.
	one := packetAt(1000, true)
	more := packetAt(1001, false)
	value := structures(1)[0]
	r.read(one, value, 0)
	r.read(more, value[:3], 0)
	if more.Dependencies != one.Dependencies || more.keptBytes() != len(more.Payload) {
		t.Errorf("charged %d and %d", one.keptBytes(), more.keptBytes())
	}
}

func TestWeightOfAStructure(t *testing.T) {
	small := dependency.Structure{Templates: make([]dependency.Frame, 1)}
	large := dependency.Structure{Templates: make([]dependency.Frame, 63), Targets: make([]dependency.Layer, 32)}
	for i := range large.Templates {
		large.Templates[i].From = make([]uint16, 16)
	}
	if s, l := small.Bytes(), large.Bytes(); s < 100 || l < 63*(32+40) {
		t.Errorf("%d and %d bytes", s, l)
	}
}
