package router

import "time"

const (
	// maxSegments bounds what a section remembers of its past for NACKs.
	maxSegments = 10
	// segmentLife is how long a segment that is over can still be asked for. It
	// also bounds how long an ended layer's history is held.
	segmentLife = 5 * time.Second
)

// segment is a run of outgoing packets that came from one layer with one mapping.
// It ends where the next one begins.
type segment struct {
	layer *Layer
	// first is the first outgoing number; out = in + offset.
	first, offset int64
	// parameters are what went out under the first numbers and is in no history.
	parameters []*Packet
	times      timestampMap
	shift      pictureShift
	frames     frameShift
	// thin is set where some of the layer is left out: then it, and not offset, says
	// what went out under which number.
	thin *thinning
	// number and rtx are the payload types of media and retransmissions.
	number, rtx uint8
	closed      time.Time // zero for the current one
}

// segmentList is the recent past of a section, oldest first, so that NACKs can be
// answered after switches of layer, source and publisher.
type segmentList struct {
	list [maxSegments]segment
	n    int
}

// current is the newest segment, nil before the first.
func (l *segmentList) current() *segment {
	if l.n == 0 {
		return nil
	}
	return &l.list[l.n-1]
}

// open begins a new segment and forgets the oldest one if there are too many.
func (l *segmentList) open(now time.Time, s segment) *segment {
	if c := l.current(); c != nil {
		c.closed = now
	}
	if l.n == maxSegments {
		l.drop(1)
	}
	l.list[l.n] = s
	l.n++
	return l.current()
}

// expire forgets segments that have been over for long, and with them the layers
// they hold.
func (l *segmentList) expire(now time.Time) {
	k := 0
	for k < l.n-1 && now.Sub(l.list[k].closed) > segmentLife {
		k++
	}
	if k > 0 {
		l.drop(k)
	}
}

func (l *segmentList) drop(k int) {
	copy(l.list[:], l.list[k:l.n])
	clear(l.list[l.n-k : l.n])
	l.n -= k
}

// find returns the segment an outgoing number belongs to, nil if it is forgotten
// or older than the section.
func (l *segmentList) find(out int64) *segment {
	i := l.index(out)
	if i < 0 {
		return nil
	}
	return &l.list[i]
}

func (l *segmentList) index(out int64) int {
	i := l.n - 1
	for i >= 0 && out < l.list[i].first {
		i--
	}
	return i
}

// kept finds what went out as number out, which is in the segment; nil if it is
// kept no longer.
func (s *segment) kept(out int64) *Packet {
	if i := out - s.first; i < int64(len(s.parameters)) {
		return s.parameters[i]
	}
	if s.thin != nil {
		slot := s.thin.find(out)
		if slot == nil {
			return nil
		}
		if p := s.layer.history.kept(slot.seq); p != nil {
			return s.thin.late(slot, s.layer, p)
		}
		return nil
	}
	return s.layer.history.kept(out - s.offset)
}

// late is what goes out for p, which came late, under number out of the segment.
func (s *segment) late(p *Packet, out int64) *Packet {
	if s.thin == nil {
		return p
	}
	return s.thin.late(s.thin.find(out), s.layer, p)
}

// pictures is the shift under which number out went.
func (s *segment) pictures(out int64) (shift pictureShift, last bool) {
	if s.thin == nil {
		return s.shift, false
	}
	shift = s.shift
	if slot := s.thin.find(out); slot != nil {
		shift.picture, last = slot.picture, slot.last
	}
	return shift, last
}

// place returns the segment that p of layer goes out under as number out. That is
// the one the number lies in, except for a packet that came late and belongs to
// the frame with which the following segment of the same layer began: a frame has
// one timestamp. It is nil when the number belongs to something else.
func (l *segmentList) place(layer *Layer, p *Packet, out int64) *segment {
	i := l.index(out)
	if i < 0 || l.list[i].layer != layer {
		return nil
	}
	if thin := l.list[i].thin; thin != nil {
		if slot := thin.find(out); slot == nil || slot.seq != p.Seq {
			return nil
		}
		return &l.list[i]
	}
	if l.list[i].offset != out-p.Seq {
		return nil
	}
	if i+1 < l.n && l.list[i+1].thin == nil {
		next := &l.list[i+1]
		if next.layer == layer && next.offset == l.list[i].offset && next.times.in == p.Timestamp {
			return next
		}
	}
	return &l.list[i]
}
