package router

import "time"

// thinSlots is how many of the newest numbers of a thinned stream are remembered:
// more than a second of what is worth thinning, and a power of two.
const thinSlots = 1024

// reach is how many of a layer's scalability layers are sent: those with ids up to
// its own.
type reach struct{ spatial, temporal uint8 }

// wholeLayer leaves nothing out.
var wholeLayer = reach{7, 7}

func (r reach) admits(d *Descriptor) bool { return d.SID <= r.spatial && d.TID <= r.temporal }

// thinning leaves scalability layers out of what a section sends. What is left out
// takes no number, so that the viewer misses nothing (M-013); what was lost on the
// way in keeps its own, because it may be repaired.
type thinning struct {
	on   bool
	now  reach // in force
	goal reach
	last int64 // position in the layer of the newest packet that was looked at
	next int64 // number of the next packet
	// The picture that is being looked at, and what becomes of it.
	timestamp uint32
	passes    bool
	shift     pictureShift
	// opens tells that every temporal layer may be sent from the next picture on.
	opens bool
	// asked is when a key frame was asked for in order to send more.
	asked time.Time
	slots *[thinSlots]thinned
	// frames is kept for AV1, whose publishers may tell what each was made from.
	frames *thinnedFrames
}

// thinned is what went out under a number, or was lost on its way in.
type thinned struct {
	n, seq  int64
	picture uint16 // of the shift
	reach   reach  // in force when the number was given
	came    bool   // not lost, or repaired
	last    bool   // it ends the picture for this viewer (M-047); known once it came
}

// remember gives the packet at seq, which came or was lost, the next number.
func (t *thinning) remember(seq int64, came, last bool) (n int64) {
	n = t.next
	t.next++
	t.slots[n%thinSlots] = thinned{n: n, seq: seq, picture: t.shift.picture, reach: t.now, came: came, last: last}
	return n
}

// keepHoles gives numbers to what is missing before p, in the picture before or
// between that and p's.
func (t *thinning) keepHoles(p *Packet) {
	for seq := max(t.last+1, p.Seq-thinSlots/2); seq < p.Seq; seq++ {
		t.remember(seq, false, false)
	}
}

// find returns the slot of a number, nil if it is forgotten or was never given.
func (t *thinning) find(n int64) *thinned {
	if t.slots == nil {
		return nil
	}
	if slot := &t.slots[n%thinSlots]; slot.n == n {
		return slot
	}
	return nil
}

// numberOf returns the slot of what is at a position of the layer, nil if that was
// left out.
func (t *thinning) numberOf(seq, first int64) *thinned {
	for n := t.next - 1; n >= first && n > t.next-thinSlots; n-- {
		switch slot := t.find(n); {
		case slot == nil || slot.seq < seq:
			return nil
		case slot.seq == seq:
			return slot
		}
	}
	return nil
}

// forwardThinned takes a packet of the current layer where something is, or is to
// be, left out. It is false for what is to be forwarded as it comes.
func (s *section) forwardThinned(now time.Time, p *Packet, out *Out) bool {
	t := &s.thin
	if !t.on && !s.beginThinning(now, p) {
		return false
	}
	if p.Seq <= t.last {
		s.lateThinned(now, p, out)
		return true
	}
	begins := p.Timestamp != t.timestamp
	if t.mayMiss(p, begins) {
		t.keepHoles(p)
	}
	t.last = max(t.last, p.Seq-1)
	if begins {
		s.climb(now, p)
		if t.now == wholeLayer && t.goal == wholeLayer {
			s.endThinning(now)
			return false
		}
		t.timestamp, t.passes = p.Timestamp, p.Frame.Descriptor.TID <= t.now.temporal
		if !t.passes && closesPictures(s.cur.layer) {
			t.shift.picture--
		}
	}
	t.frames.take(p, t.now)
	s.numberThinned(now, p, out)
	return true
}

// mayMiss tells that what is missing before p may be something that is to be sent.
func (t *thinning) mayMiss(p *Packet, begins bool) bool {
	if p.Dependencies != nil && t.frames != nil {
		return t.frames.mayMiss(p, t.now)
	}
	return begins || t.passes
}

// admits tells that p, which came in its order, is to be sent.
func (t *thinning) admits(p *Packet) bool {
	if p.Dependencies != nil && t.frames != nil {
		return t.frames.sent
	}
	return t.passes && t.now.admits(&p.Frame.Descriptor)
}

// closesPictures tells that picture ids are to go up by one from picture to picture
// (M-046). VP9 counts back from its own to say which pictures it was made from, so
// there they stay what they are.
func closesPictures(l *Layer) bool { return l.codec.Name == VP8 }

// beginThinning starts at the first packet of a picture, once the section is live.
func (s *section) beginThinning(now time.Time, p *Packet) bool {
	t, seg := &s.thin, s.segments.current()
	last := s.window.highest - seg.offset
	if t.goal == wholeLayer || s.replay.active || s.landing.active || p.Seq <= last || s.inFrame || !p.Frame.Start {
		return false
	}
	*t = thinning{
		on: true, now: wholeLayer, goal: t.goal, last: last, next: s.window.highest + 1,
		timestamp: p.Timestamp - 1, shift: seg.shift, slots: new([thinSlots]thinned),
	}
	if s.cur.layer.codec.Name == AV1 {
		t.frames = new(thinnedFrames)
	}
	thin := *seg
	thin.first, thin.parameters, thin.thin = t.next, nil, t
	s.segments.open(now, thin)
	return true
}

// endThinning goes on with everything, from the first packet of a picture on.
func (s *section) endThinning(now time.Time) {
	seg := *s.segments.current()
	seg.first, seg.offset, seg.shift, seg.thin = s.thin.next, s.thin.next-s.thin.last-1, s.thin.shift, nil
	s.stopThinning()
	s.segments.open(now, seg)
}

// stopThinning leaves what is remembered to the segment that it belongs to.
func (s *section) stopThinning() {
	if !s.thin.on {
		return
	}
	past := s.thin
	s.segments.current().thin = &past
	s.thin = thinning{goal: past.goal}
	s.sendsNow(wholeLayer)
}

// numberThinned numbers and sends p, if it is not left out.
func (s *section) numberThinned(now time.Time, p *Packet, out *Out) {
	t, seg := &s.thin, s.segments.current()
	t.last = p.Seq
	if !t.admits(p) {
		s.inFrame = s.inFrame && !p.Frame.End
		return
	}
	last := t.ends(s.cur.layer, p, t.now)
	n := t.remember(p.Seq, true, last)
	ts := seg.times.at(p.Timestamp)
	s.window.advance(n)
	seg.shift = t.shift // for what follows
	s.follow(now, p, seg, ts)
	s.inFrame = s.inFrame && !last
	s.write(now, out, p, seg, n, false)
}

// ends tells that p is the last packet of its picture that r admits, and not the last
// of all: it ends the highest spatial layer that is sent, or nothing that is sent
// follows it.
func (t *thinning) ends(l *Layer, p *Packet, r reach) bool {
	d := &p.Frame.Descriptor
	if !d.LayerEnd || d.SID >= r.spatial {
		return d.LayerEnd
	}
	q := l.Packet(p.Seq + 1)
	if q == nil || q.Timestamp != p.Timestamp {
		return false
	}
	if t.frames != nil {
		return t.frames.nothingFollows(l, q, r)
	}
	return q.Frame.Descriptor.SID > r.spatial
}

// lateThinned sends what was repaired or overtaken under the number that was kept
// for it. If it turns out to belong to what is left out, padding closes the hole.
func (s *section) lateThinned(now time.Time, p *Packet, out *Out) {
	seg := s.segments.current()
	slot := s.thin.numberOf(p.Seq, seg.first)
	switch {
	case slot == nil:
		s.lateBeforeThinning(now, p, out)
		return
	case slot.n > s.window.highest: // all that came since was left out
		s.window.advance(slot.n)
	case !s.window.holds(slot.n) || s.window.sent(slot.n):
		return
	default:
		s.window.mark(slot.n)
	}
	n := slot.n
	asked := s.resend.pending.settle(n, now)
	if p = s.thin.late(slot, s.cur.layer, p); len(p.Payload) == 0 {
		asked = false
	}
	rtx := s.repairs(seg) && len(p.Payload) > 0 && (asked || s.window.highest-n > replayProtection)
	s.write(now, out, p, seg, n, rtx)
}

// lateBeforeThinning sends a packet that came late and belongs to what went out
// before anything was left out.
func (s *section) lateBeforeThinning(now time.Time, p *Packet, out *Out) {
	i := s.segments.index(s.segments.current().first - 1)
	if i < 0 || s.segments.list[i].thin != nil {
		return
	}
	if n := p.Seq + s.segments.list[i].offset; n < s.segments.current().first {
		s.late(now, p, n, out)
	}
}

// late is what goes out under the number of a slot when p comes for it: padding if p
// is left out. Whether it ends the picture is known from now on.
func (t *thinning) late(slot *thinned, l *Layer, p *Packet) *Packet {
	sent := slot.reach.admits(&p.Frame.Descriptor) && !t.frames.omitted(p.Dependencies)
	t.frames.note(p.Dependencies, sent)
	if !sent {
		return &Packet{Seq: p.Seq, Timestamp: p.Timestamp, Capture: p.Capture, Arrival: p.Arrival}
	}
	if !slot.came {
		slot.came, slot.last = true, t.ends(l, p, slot.reach)
	}
	return p
}
