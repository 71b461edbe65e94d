package router

const (
	// knownFrames is how many frames back it is known of each whether it was sent.
	knownFrames = 512
	// openingPictures is how many pictures are waited for one after which more
	// temporal layers may be sent: encoders make them several times a second.
	openingPictures = 32
)

// thinnedFrames is what is known of the frames of a thinned stream whose packets have
// dependency descriptors. Whatever those indicate, no frame is sent that was made from
// one that was left out.
type thinnedFrames struct {
	in, out frameSet
	begun   int64 // all before were sent
	newest  int64 // 0 before the first
	sent    bool  // the newest is sent
	ended   bool  // its last packet came
	// starved tells that a frame could not be sent although its layers are to be.
	starved bool
	// goal is the highest temporal layer that is waited for, opened the spatial layers
	// (as bits) whose frame in this picture lets it in, pictures how many have begun.
	goal, opened uint8
	pictures     int
}

// frameSet is a set of frames among the newest, by number.
type frameSet [knownFrames / 64]uint64

func (f *frameSet) has(n int64) bool { return f[n%knownFrames/64]>>(n%64)&1 != 0 }
func (f *frameSet) add(n int64)      { f[n%knownFrames/64] |= 1 << (n % 64) }
func (f *frameSet) remove(n int64)   { f[n%knownFrames/64] &^= 1 << (n % 64) }

// restart forgets what was left out before a key frame.
func (f *thinnedFrames) restart() {
	if f != nil {
		*f = thinnedFrames{begun: f.newest + 1, newest: f.newest, sent: f.sent, ended: f.ended}
	}
}

// omitted tells that a frame is known to have been left out.
func (f *thinnedFrames) omitted(d *Dependencies) bool {
	return f != nil && d != nil && d.Number <= f.newest && d.Number > f.newest-knownFrames && f.out.has(d.Number)
}

// lacks tells that a frame was made from one that was left out, or may have been. What
// was lost on the way in is not: the viewer sees a hole, and may get it yet.
func (f *thinnedFrames) lacks(d *Dependencies) bool {
	for _, distance := range d.From {
		n := d.Number - int64(distance)
		if n >= f.begun && n <= f.newest && (n <= f.newest-knownFrames || f.out.has(n)) {
			return true
		}
	}
	return false
}

// whole tells that all that a frame was made from is known to have been sent.
func (f *thinnedFrames) whole(d *Dependencies) bool {
	for _, distance := range d.From {
		n := d.Number - int64(distance)
		if n >= f.begun && (n <= f.newest-knownFrames || n > f.newest || !f.in.has(n)) {
			return false
		}
	}
	return true
}

// note remembers what became of a frame of which something came late.
func (f *thinnedFrames) note(d *Dependencies, sent bool) {
	switch {
	case f == nil || d == nil || d.Number > f.newest || d.Number <= f.newest-knownFrames || f.in.has(d.Number) || f.out.has(d.Number):
	case sent:
		f.in.add(d.Number)
	default:
		f.out.add(d.Number)
	}
}

// take decides what becomes of the frame of p, which came in its order.
func (f *thinnedFrames) take(p *Packet, r reach) {
	d := p.Dependencies
	if f == nil || d == nil {
		return
	}
	f.ended = p.Frame.Descriptor.LayerEnd
	if d.Number == f.newest {
		return
	}
	wanted := r.admits(&p.Frame.Descriptor)
	f.sent = wanted && !f.lacks(d)
	f.starved = f.starved || wanted && !f.sent
	whole := f.whole(d)
	f.advance(d.Number)
	if !f.sent {
		f.out.add(d.Number)
		return
	}
	f.in.add(d.Number)
	if whole && d.switches(d.Spatial, f.goal) {
		f.opened |= 1 << d.Spatial
	}
}

// advance makes a number the newest. Frames in between were lost, or belong to another
// encoding.
func (f *thinnedFrames) advance(number int64) {
	switch {
	case f.newest == 0:
		f.begun, f.newest = number, number-1
	case number < f.newest || number-f.newest > knownFrames:
		f.in, f.out, f.begun, f.newest = frameSet{}, frameSet{}, min(f.begun, number-knownFrames), number-1
	}
	for f.newest < number {
		f.newest++
		f.in.remove(f.newest)
		f.out.remove(f.newest)
	}
}

// mayMiss tells that what is missing before p may belong to a frame that is sent: to
// one of which nothing came, or to those on both sides.
func (f *thinnedFrames) mayMiss(p *Packet, r reach) bool {
	d, begins := p.Dependencies, p.Frame.Descriptor.LayerStart
	switch {
	case d.Number == f.newest:
		return f.sent
	case d.Number != f.newest+1 || f.ended && begins:
		return true
	case !f.ended && f.sent:
		return true
	}
	return !begins && r.admits(&p.Frame.Descriptor) && !f.lacks(d)
}

// nothingFollows tells that from q on nothing of the picture is sent.
func (f *thinnedFrames) nothingFollows(l *Layer, q *Packet, r reach) bool {
	for timestamp := q.Timestamp; q != nil && q.Timestamp == timestamp; q = l.Packet(q.Seq + 1) {
		if d := q.Dependencies; r.admits(&q.Frame.Descriptor) && !f.omitted(d) && (d == nil || !f.lacks(d)) {
			return false
		}
		if q.Frame.End {
			return true
		}
	}
	return false
}

// climbDescribed takes in layers of AV1 where dependency descriptors allow it: temporal
// ones after a picture in which every spatial layer that is sent has a frame after
// which decoders can go on with them, spatial ones with such a frame.
func (t *thinning) climbDescribed(p *Packet, l *Layer) {
	if p.Dependencies == nil {
		return
	}
	f, top := t.frames, min(t.goal.temporal, uint8(l.Temporal()))
	if t.now.temporal < top {
		all := uint8(1)<<(min(int(t.now.spatial), l.Spatial())+1) - 1
		if f.goal == top && f.opened&all == all {
			t.now.temporal = t.goal.temporal
		}
		f.pictures++
	} else {
		f.pictures = 0
	}
	f.goal, f.opened = top, 0
	for int(t.now.spatial) < min(int(t.goal.spatial), l.Spatial()) && f.mayRaise(l, p, t.now) {
		t.now.spatial++
	}
	if int(t.now.spatial) >= l.Spatial() {
		t.now.spatial = t.goal.spatial
	}
}

// mayRaise tells that the picture which begins with p has a frame of the next spatial
// layer with which a decoder of r can begin. Packets of the picture that did not come
// with p are not looked for.
func (f thinnedFrames) mayRaise(l *Layer, p *Packet, r reach) bool {
	r.spatial++
	temporal := min(r.temporal, uint8(l.Temporal()))
	for q := p; q != nil && q.Timestamp == p.Timestamp && q.Dependencies != nil; q = l.Packet(q.Seq + 1) {
		d := q.Dependencies
		if d.Number != f.newest && d.Spatial == r.spatial && r.admits(&q.Frame.Descriptor) && f.whole(d) && d.switches(r.spatial, temporal) {
			return true
		}
		f.take(q, r)
	}
	return false
}

// waitsLong tells that only a key frame will let more temporal layers of l in.
func (f *thinnedFrames) waitsLong(l *Layer) bool {
	return f.pictures > openingPictures || l.described.Load() == 0
}
