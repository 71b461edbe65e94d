package dependency

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// writer writes bits, for the tests.
type writer struct {
	b  []byte
	at int
}

func (w *writer) write(n, v int) {
	for i := n - 1; i >= 0; i-- {
		if w.at%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.at/8] |= byte(v>>i&1) << (7 - w.at%8)
		w.at++
	}
}

func (w *writer) flag(v bool) {
	if v {
		w.write(1, 1)
	} else {
		w.write(1, 0)
	}
}

// nonSymmetric is write_ns of A.8.1.
func (w *writer) nonSymmetric(n, v int) {
	width := 0
	for x := n; x != 0; x >>= 1 {
		width++
	}
	if short := 1<<width - n; v < short {
		w.write(width-1, v)
	} else {
		w.write(width, v+short)
	}
}

// sample is a structure to be written.
type sample struct {
	first     int
	targets   int
	templates []Frame
	sizes     [][2]int
	chains    int
}

func (s *sample) structure() *Structure {
	out := &Structure{First: uint8(s.first), Templates: s.templates, Sizes: s.sizes}
	out.findTargets(s.targets)
	return out
}

func (w *writer) indications(f Frame, targets int) {
	for i := range targets {
		switch {
		case f.Present>>i&1 == 0:
			w.write(2, 0)
		case f.Switch>>i&1 != 0:
			w.write(2, 2)
		default:
			w.write(2, 3)
		}
	}
}

func (w *writer) structure(s *sample) {
	w.write(6, s.first)
	w.write(5, s.targets-1)
	for i := range s.templates {
		next := 3
		if i+1 < len(s.templates) {
			a, b := s.templates[i].Layer, s.templates[i+1].Layer
			switch {
			case a == b:
				next = 0
			case a.Spatial == b.Spatial:
				next = 1
			default:
				next = 2
			}
		}
		w.write(2, next)
	}
	for _, t := range s.templates {
		w.indications(t, s.targets)
	}
	for _, t := range s.templates {
		for _, n := range t.From {
			w.write(5, 16|int(n-1))
		}
		w.write(1, 0)
	}
	w.nonSymmetric(s.targets+1, s.chains)
	for i := 0; s.chains > 0 && i < s.targets; i++ {
		w.nonSymmetric(s.chains, i%s.chains)
	}
	w.write(4*s.chains*len(s.templates), 0)
	w.flag(len(s.sizes) > 0)
	for _, size := range s.sizes {
		w.write(16, size[0]-1)
		w.write(16, size[1]-1)
	}
}

// threeByThree are the templates that libwebrtc uses for L3T3: layer, indications of
// the nine targets, distances.
var threeByThree = &sample{targets: 9, chains: 3, sizes: [][2]int{{240, 135}, {480, 270}, {960, 540}}, templates: []Frame{
	frame(0, 0, "SSSRRRRRR", 12), frame(0, 0, "SSSSSSSSS"), frame(0, 1, "-DS-RR-RR", 6), frame(0, 2, "--D--R--R", 3), frame(0, 2, "--D--R--R", 3),
	frame(1, 0, "---SSSRRR", 12, 1), frame(1, 0, "---SSSSSS", 1), frame(1, 1, "----DS-RR", 6, 1), frame(1, 2, "-----D--R", 3, 1), frame(1, 2, "-----D--R", 3, 1),
	frame(2, 0, "------SSS", 12, 1), frame(2, 0, "------SSS", 1), frame(2, 1, "-------DS", 6, 1), frame(2, 2, "--------D", 3, 1), frame(2, 2, "--------D", 3, 1),
}}

func frame(spatial, temporal uint8, indications string, from ...uint16) Frame {
	f := Frame{Layer: Layer{spatial, temporal}, From: from}
	for i, c := range indications {
		if c != '-' {
			f.Present |= 1 << i
		}
		if c == 'S' {
			f.Switch |= 1 << i
		}
	}
	return f
}

func (s *sample) key(template int) []byte {
	w := &writer{}
	w.write(8, 0xc0|(s.first+template)%64)
	w.write(16, 0x1234)
	w.write(5, 0x10)
	w.structure(s)
	return w.b
}

func TestParse(t *testing.T) {
	d, ok := Parse(threeByThree.key(1))
	if !ok || !d.First || !d.Last || d.Number != 0x1234 || !d.Attached {
		t.Fatalf("%v %+v", ok, d)
	}
	if !reflect.DeepEqual(d.Structure, threeByThree.structure()) {
		t.Fatalf("got %+v, want %+v", d.Structure, threeByThree.structure())
	}
	if d.Frame != &d.Structure.Templates[1] {
		t.Errorf("frame %+v", d.Frame)
	}
	for i, l := range d.Structure.Targets {
		if want := (Layer{uint8(i / 3), uint8(i % 3)}); l != want {
			t.Errorf("target %d is %v, want %v", i, l, want)
		}
		if at, ok := d.Structure.Target(l); !ok || at != i {
			t.Errorf("target %v is found at %d", l, at)
		}
	}
	if _, ok := d.Structure.Target(Layer{3, 0}); ok {
		t.Error("a target that is not there")
	}
	known := d.Structure
	d, ok = Parse([]byte{0x40 | 12, 0x12, 0x35}, nil, known)
	if !ok || d.First || !d.Last || d.Number != 0x1235 || d.Attached || d.Frame != &known.Templates[12] || d.Structure != known {
		t.Errorf("%v %+v", ok, d)
	}
	if d, ok = Parse([]byte{15, 0, 0}, known); !ok || d.Frame != nil || d.Structure != nil {
		t.Errorf("a template that is not there: %v %+v", ok, d)
	}
}

func TestParseCustomFrames(t *testing.T) {
	known := threeByThree.structure()
	w := &writer{}
	w.write(8, 2)
	w.write(16, 7)
	w.write(5, 0x0e) // active targets, custom indications and distances
	w.write(9, 0x1ff)
	w.indications(frame(0, 0, "S-RS-----"), 9)
	for _, n := range []int{1, 300, 4096} {
		size := 1
		for n > 1<<(4*size) {
			size++
		}
		w.write(2, size)
		w.write(4*size, n-1)
	}
	w.write(2, 0)
	d, ok := Parse(w.b, known)
	if want := frame(0, 1, "S-RS-----", 1, 300, 4096); !ok || !reflect.DeepEqual(*d.Frame, want) {
		t.Errorf("%v %+v, want %+v", ok, d.Frame, want)
	}
	if want := frame(0, 1, "-DS-RR-RR", 6); !reflect.DeepEqual(known.Templates[2], want) {
		t.Errorf("the template has become %+v", known.Templates[2])
	}
}

func TestParseRefuses(t *testing.T) {
	whole := threeByThree.key(0)
	for n := range whole {
		if _, ok := Parse(whole[:n]); ok && n != mandatoryBytes {
			t.Errorf("the first %d of %d bytes", n, len(whole))
		}
	}
	other := *threeByThree
	other.first = 20
	outside := other.key(0)
	outside[0] = outside[0]&0xc0 | 19
	if _, ok := Parse(outside); ok {
		t.Error("a template outside of its structure")
	}
	deep := &sample{targets: 1, templates: []Frame{}}
	for range 9 {
		deep.templates = append(deep.templates, Frame{Layer: Layer{0, uint8(len(deep.templates))}})
	}
	if _, ok := Parse(deep.key(0)); ok {
		t.Error("nine temporal layers")
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	known := threeByThree.structure()
	b := []byte{3, 0, 1}
	if n := testing.AllocsPerRun(100, func() { Parse(b, known, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestParseFindsWhatWasWritten: any structure is read back.
func TestParseFindsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := &sample{first: rapid.IntRange(0, 63).Draw(r, "first"), targets: rapid.IntRange(1, 32).Draw(r, "targets")}
		s.chains = rapid.IntRange(0, s.targets).Draw(r, "chains")
		var l Layer
		for range rapid.IntRange(1, 40).Draw(r, "templates") {
			f := frame(l.Spatial, l.Temporal, rapid.StringMatching("[-SR]{32}").Draw(r, "indications")[:s.targets])
			for range rapid.IntRange(0, 3).Draw(r, "from") {
				f.From = append(f.From, uint16(rapid.IntRange(1, 16).Draw(r, "distance")))
			}
			s.templates = append(s.templates, f)
			switch rapid.IntRange(0, 2).Draw(r, "next") {
			case 1:
				l.Temporal = min(l.Temporal+1, maxTemporalID)
			case 2:
				if l.Spatial < maxSpatialID {
					l = Layer{Spatial: l.Spatial + 1}
				}
			}
		}
		if rapid.Bool().Draw(r, "sizes") {
			for range s.templates[len(s.templates)-1].Spatial + 1 {
				s.sizes = append(s.sizes, [2]int{rapid.IntRange(1, 65536).Draw(r, "width"), rapid.IntRange(1, 65536).Draw(r, "height")})
			}
		}
		template := rapid.IntRange(0, len(s.templates)-1).Draw(r, "template")
		d, ok := Parse(s.key(template))
		if !ok || !reflect.DeepEqual(d.Structure, s.structure()) || d.Frame != &d.Structure.Templates[template] {
			r.Fatalf("%v: got %+v, want %+v", ok, d.Structure, s.structure())
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(threeByThree.key(0))
	f.Add([]byte{0xc3, 0, 1})
	f.Add([]byte{2, 0, 7, 0x77, 0xff, 0xff})
	known := threeByThree.structure()
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := Parse(b, known)
		if !ok {
			return
		}
		if d.Frame == nil {
			return
		}
		if d.Structure == nil || len(d.Structure.Targets) > 32 || len(d.Structure.Templates) > maxTemplates || d.Frame.Spatial > maxSpatialID || d.Frame.Temporal > maxTemporalID {
			t.Errorf("%+v of %+v", d.Frame, d.Structure)
		}
		if d.Frame.Switch&^d.Frame.Present != 0 {
			t.Error("a switch in a target that the frame is no part of")
		}
		for _, n := range d.Frame.From {
			if n == 0 {
				t.Error("a frame made from itself")
			}
		}
	})
}
