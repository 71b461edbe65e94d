// Package dependency reads the dependency descriptor, the RTP header extension that
// says of which layers a frame is, what it is made from and who needs it (RTP Payload
// Format For AV1, appendix A).
package dependency

import "slices"

// Layer is one scalability layer, or a decode target: what is needed to show the
// layers up to both ids. Spatial is at most 3, Temporal at most 7.
type Layer struct{ Spatial, Temporal uint8 }

// Frame is what a descriptor says of a frame beside its number. It may be shared by
// many frames and must not be changed.
type Frame struct {
	Layer
	// Present and Switch have a bit for each decode target of the structure, the
	// lowest for the first: the frame is part of it; and whoever has this frame and
	// what it is made from can decode all that follows in the target.
	Present, Switch uint32
	// From says how many frames before this one those it is made from are.
	From []uint16
}

// Structure is a template dependency structure: it comes with a key frame, and the
// frames after that name its templates.
type Structure struct {
	// Targets are the decode targets, at most 32.
	Targets []Layer
	// Templates are frames as they may follow, at most 63.
	Templates []Frame
	// Sizes are the largest width and height in pixels by spatial id; empty where the
	// structure does not tell.
	Sizes [][2]int
	// First is the id of the first template; those that follow count up from it.
	First uint8
}

// Target returns the index of the decode target that ends with both ids.
func (s *Structure) Target(l Layer) (index int, ok bool) {
	index = slices.Index(s.Targets, l)
	return index, index >= 0
}

// Spatial is the highest spatial id of its templates.
func (s *Structure) Spatial() int { return int(s.Templates[len(s.Templates)-1].Spatial) }

// Bytes is about what the structure takes in memory.
func (s *Structure) Bytes() int {
	const structure, layer, frame, size = 112, 2, 40, 16
	n := structure + layer*cap(s.Targets) + frame*cap(s.Templates) + size*cap(s.Sizes)
	for _, t := range s.Templates {
		n += 2 * cap(t.From)
	}
	return n
}

// Descriptor is one dependency descriptor.
type Descriptor struct {
	// First and Last tell that the packet begins or ends its frame.
	First, Last bool
	Number      uint16
	// Frame and its Structure are nil where the template is of a structure that is not
	// known. Attached tells that the structure came with this descriptor.
	Frame     *Frame
	Structure *Structure
	Attached  bool
}

const (
	mandatoryBytes = 3
	templateIDs    = 64
)

// Parse reads a descriptor. Its frame is found in the structure that comes with it, or
// else in the first of those that came before that has its template. It takes any
// bytes; ok is false when they are no descriptor. It allocates for structures and for
// frames that no template describes.
func Parse(b []byte, known ...*Structure) (d Descriptor, ok bool) {
	if len(b) < mandatoryBytes {
		return d, false
	}
	d = Descriptor{First: b[0]&0x80 != 0, Last: b[0]&0x40 != 0, Number: uint16(b[1])<<8 | uint16(b[2])}
	id := b[0] & (templateIDs - 1)
	if len(b) == mandatoryBytes {
		d.find(known, id)
		return d, true
	}
	return d, d.readExtended(&bits{b: b[mandatoryBytes:]}, known, id)
}

// readExtended reads extended_descriptor_fields and frame_dependency_definition.
func (d *Descriptor) readExtended(r *bits, known []*Structure, id uint8) (ok bool) {
	d.Attached = r.flag()
	active := r.flag()
	custom := customFields{indications: r.flag(), from: r.flag()}
	r.flag() // custom_chains_flag: chains are not followed
	if d.Attached {
		s := readStructure(r)
		if s == nil || s.template(id) == nil {
			return false
		}
		d.Structure, d.Frame = s, s.template(id)
	} else if d.find(known, id); d.Frame == nil {
		return !r.failed
	}
	if active {
		r.read(len(d.Structure.Targets))
	}
	if custom.indications || custom.from {
		d.Frame = custom.read(r, d.Structure, d.Frame)
	}
	return !r.failed
}

// find looks for the template with an id.
func (d *Descriptor) find(known []*Structure, id uint8) {
	for _, s := range known {
		if s == nil {
			continue
		}
		if f := s.template(id); f != nil {
			d.Structure, d.Frame = s, f
			return
		}
	}
}

// template returns the template with an id, nil if the structure has none.
func (s *Structure) template(id uint8) *Frame {
	if i := int(id-s.First) & (templateIDs - 1); i < len(s.Templates) {
		return &s.Templates[i]
	}
	return nil
}

// customFields tells what a frame says itself instead of its template.
type customFields struct{ indications, from bool }

// read returns a copy of the template with what is custom.
func (c customFields) read(r *bits, s *Structure, template *Frame) *Frame {
	f := *template
	if c.indications {
		f.readIndications(r, len(s.Targets))
	}
	if c.from {
		f.From = nil
		for size := r.read(2); size > 0 && !r.failed; size = r.read(2) {
			f.From = append(f.From, uint16(r.read(4*size)+1))
		}
	}
	return &f
}
