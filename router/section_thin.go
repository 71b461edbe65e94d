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
// takes no number and no picture id, so that the viewer misses nothing (M-013,
// M-046); what was lost on the way in keeps its own, because it may be repaired.
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
	slots     *[thinSlots]thinned
}

// thinned is what went out under a number, or was lost on its way in.
type thinned struct {
	n, seq  int64
	picture uint16 // of the shift
	last    bool   // it ends the picture for this viewer (M-047)
}

// remember gives the packet at seq the next number.
func (t *thinning) remember(seq int64, last bool) (n int64) {
	n = t.next
	t.next++
	t.slots[n%thinSlots] = thinned{n: n, seq: seq, picture: t.shift.picture, last: last}
	return n
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
	if begins {
		t.climb(p, s.cur.layer)
		if t.now == wholeLayer && t.goal == wholeLayer {
			s.endThinning(now, p)
			return false
		}
		t.timestamp, t.passes = p.Timestamp, p.Frame.Descriptor.TID <= t.now.temporal
		if !t.passes {
			t.shift.picture--
		}
	}
	s.numberThinned(now, p, begins || t.passes, out)
	return true
}

// climb sets how much is sent from p, the first packet of a picture, on: less at
// once, more where decoders can go on (M-044).
func (t *thinning) climb(p *Packet, l *Layer) {
	t.now = reach{min(t.now.spatial, t.goal.spatial), min(t.now.temporal, t.goal.temporal)}
	if p.Frame.KeyStart {
		t.now = t.goal
		return
	}
	if d := &p.Frame.Descriptor; d.SwitchUp && d.TID > t.now.temporal && d.TID <= t.goal.temporal {
		t.now.temporal = d.TID
		if int(d.TID) >= l.Temporal() {
			t.now.temporal = t.goal.temporal
		}
	}
}

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
	thin := *seg
	thin.first, thin.parameters, thin.thin = t.next, nil, t
	s.segments.open(now, thin)
	return true
}

// endThinning goes on with everything from p, the first packet of a picture, on.
// What was lost right before it keeps its numbers.
func (s *section) endThinning(now time.Time, p *Packet) {
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
}

// numberThinned numbers p, and what is missing before it unless that was to be left
// out too, and sends p if it is not left out.
func (s *section) numberThinned(now time.Time, p *Packet, holes bool, out *Out) {
	t, seg := &s.thin, s.segments.current()
	if holes {
		for seq := max(t.last+1, p.Seq-thinSlots/2); seq < p.Seq; seq++ {
			t.remember(seq, false)
		}
	}
	t.last = p.Seq
	if !t.passes || !t.now.admits(&p.Frame.Descriptor) {
		s.inFrame = s.inFrame && !p.Frame.End
		return
	}
	d := &p.Frame.Descriptor
	n := t.remember(p.Seq, d.LayerEnd && d.SID == t.now.spatial)
	ts := seg.times.at(p.Timestamp)
	s.window.advance(n)
	seg.shift = t.shift // for what follows
	s.follow(now, p, seg, ts)
	s.write(now, out, p, seg, n, false)
}

// lateThinned sends what was repaired or overtaken under the number that was kept
// for it. If it turns out to belong to what is left out, padding closes the hole.
func (s *section) lateThinned(now time.Time, p *Packet, out *Out) {
	seg := s.segments.current()
	slot := s.thin.numberOf(p.Seq, seg.first)
	switch {
	case slot == nil:
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
	if !s.thin.now.admits(&p.Frame.Descriptor) {
		p = &Packet{Seq: p.Seq, Timestamp: p.Timestamp, Capture: p.Capture, Arrival: p.Arrival}
		asked = false
	}
	rtx := s.repairs(seg) && len(p.Payload) > 0 && (asked || s.window.highest-n > replayProtection)
	s.write(now, out, p, seg, n, rtx)
}
