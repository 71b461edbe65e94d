package router

import "github.com/headgate/headgate/internal/dependency"

// Dependencies are what a dependency descriptor tells of a frame.
type Dependencies struct {
	// Number is the number of the frame, without wrapping.
	Number int64
	*dependency.Frame
	Structure *dependency.Structure
	// bringer is the position of the packet that brought the structure, and weight what
	// the structure takes; 0 where it was known before.
	bringer int64
	weight  int
}

// keptBytes is what keeping the packet takes beside what every packet takes. A
// publisher may send another structure with each of its packets.
func (p *Packet) keptBytes() int {
	if d := p.Dependencies; d != nil && d.bringer == p.Seq {
		return len(p.Payload) + d.weight
	}
	return len(p.Payload)
}

// switches tells that whoever has the frame can go on with the layers up to both ids.
func (d *Dependencies) switches(spatial, temporal uint8) bool {
	target, ok := d.Structure.Target(dependency.Layer{Spatial: spatial, Temporal: temporal})
	return ok && d.Switch>>target&1 != 0
}

// sizes are those of the spatial layers, lowest first, each as width<<32 | height; 0
// where they are not told.
func (d *Dependencies) sizes() (sizes [spatialIDs]uint64) {
	for sid, size := range d.Structure.Sizes[:min(len(d.Structure.Sizes), spatialIDs)] {
		sizes[sid] = uint64(size[0])<<32 | uint64(size[1])
	}
	return sizes
}

// dependencyReader reads the dependency descriptors of one stream.
type dependencyReader struct {
	// known are the newest structures, newest first: packets may come late.
	known  [2]*dependency.Structure
	since  int64 // position of the packet that brought the newest
	frame  *Dependencies
	newest int64 // frame number
}

// read completes p with what its descriptor tells, if there is one, and returns what
// the packet tells altogether.
func (r *dependencyReader) read(p *Packet, value []byte, s sign) sign {
	d, ok := dependency.Parse(value, r.known[0], r.known[1])
	if !ok {
		return s
	}
	if d.Attached {
		r.learn(p.Seq, d.Structure)
	}
	p.Frame.Descriptor.LayerStart, p.Frame.Descriptor.LayerEnd = d.First, d.Last
	if !d.First {
		s |= signNotFirst
	}
	if d.Frame == nil {
		return s
	}
	p.Dependencies = r.of(&d, p.Seq)
	p.Frame.Descriptor.SID, p.Frame.Descriptor.TID = d.Frame.Spatial, d.Frame.Temporal
	if d.Frame.Spatial > 0 {
		s |= signUpper
	}
	return s &^ signLayerBefore
}

func (r *dependencyReader) learn(seq int64, s *dependency.Structure) {
	if r.known[0] != nil && seq < r.since {
		r.known[1] = s
		return
	}
	r.known[0], r.known[1], r.since = s, r.known[0], seq
}

// of is what all packets of a frame share.
func (r *dependencyReader) of(d *dependency.Descriptor, seq int64) *Dependencies {
	number := r.unwrap(d.Number)
	if r.frame == nil || r.frame.Number != number {
		r.frame = &Dependencies{Number: number, Frame: d.Frame, Structure: d.Structure}
		if d.Attached {
			r.frame.bringer, r.frame.weight = seq, d.Structure.Bytes()
		}
	}
	return r.frame
}

// unwrap extends a frame number.
func (r *dependencyReader) unwrap(n uint16) int64 {
	if r.newest == 0 {
		r.newest = 1<<16 + int64(n)
	}
	number := r.newest + int64(int16(n-uint16(r.newest)))
	r.newest = max(r.newest, number)
	return number
}

// noteDescribed notes whether the frames of a layer come with descriptors.
func (l *Layer) noteDescribed(p *Packet) {
	if p.Dependencies == nil {
		return
	}
	if n := int32(p.Dependencies.Structure.Spatial()) + 1; l.described.Load() != n {
		l.described.Store(n)
	}
}

// lacksDescriptor tells that the viewer takes no dependency descriptors. Browsers do
// not decode spatial layers of AV1 without, but for the lowest.
func (s *section) lacksDescriptor() bool { return s.ext.dependency == 0 }

// onlyLowest tells that the section may be sent no more than the lowest spatial layer.
func (s *section) onlyLowest(l *Layer) bool { return l.described.Load() > 1 && s.lacksDescriptor() }
