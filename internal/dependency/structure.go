package dependency

// Bounds of a structure (A.8.3).
const (
	maxTemplates  = 63
	maxSpatialID  = 3
	maxTemporalID = 7
)

// readStructure reads template_dependency_structure, nil if it is none.
func readStructure(r *bits) *Structure {
	s := &Structure{First: uint8(r.read(6))}
	targets := r.read(5) + 1
	if !s.readLayers(r) {
		return nil
	}
	for i := range s.Templates {
		s.Templates[i].readIndications(r, targets)
	}
	for i := range s.Templates {
		for r.flag() {
			s.Templates[i].From = append(s.Templates[i].From, uint16(r.read(4)+1))
		}
	}
	s.skipChains(r, targets)
	if r.flag() {
		s.readSizes(r)
	}
	if r.failed {
		return nil
	}
	s.findTargets(targets)
	return s
}

// readLayers reads of which layer each template is.
func (s *Structure) readLayers(r *bits) bool {
	var l Layer
	for len(s.Templates) < maxTemplates && !r.failed {
		s.Templates = append(s.Templates, Frame{Layer: l})
		switch r.read(2) {
		case 1:
			l.Temporal++
		case 2:
			l = Layer{Spatial: l.Spatial + 1}
		case 3:
			return true
		}
		if l.Temporal > maxTemporalID || l.Spatial > maxSpatialID {
			return false
		}
	}
	return false
}

// readIndications reads what a frame is to each decode target: not present,
// discardable, switch or required.
func (f *Frame) readIndications(r *bits, targets int) {
	f.Present, f.Switch = 0, 0
	for i := range targets {
		indication := r.read(2)
		if indication != 0 {
			f.Present |= 1 << i
		}
		if indication == 2 {
			f.Switch |= 1 << i
		}
	}
}

func (s *Structure) skipChains(r *bits, targets int) {
	chains := r.nonSymmetric(targets + 1)
	if chains == 0 {
		return
	}
	for range targets {
		r.nonSymmetric(chains)
	}
	for range s.Templates {
		r.read(4 * chains)
	}
}

func (s *Structure) readSizes(r *bits) {
	for range s.Spatial() + 1 {
		s.Sizes = append(s.Sizes, [2]int{r.read(16) + 1, r.read(16) + 1})
	}
}

// findTargets works out the highest layers of each decode target (A.8.3,
// decode_target_layers).
func (s *Structure) findTargets(n int) {
	s.Targets = make([]Layer, n)
	for i := range s.Targets {
		for _, t := range s.Templates {
			if t.Present>>i&1 != 0 {
				s.Targets[i].Spatial = max(s.Targets[i].Spatial, t.Spatial)
				s.Targets[i].Temporal = max(s.Targets[i].Temporal, t.Temporal)
			}
		}
	}
}
