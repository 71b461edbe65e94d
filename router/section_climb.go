package router

import "time"

// climb sets how much is sent from p, the first packet of a picture that came, on:
// less at once, more where decoders can go on (M-044). A picture that has lost its
// first packet changes nothing: that has its number already, as one of those before.
func (s *section) climb(now time.Time, p *Packet) {
	t, l := &s.thin, s.cur.layer
	if !p.Frame.Start && !p.Frame.KeyStart {
		t.opens = false
		return
	}
	before := t.now
	t.now = reach{min(t.now.spatial, t.goal.spatial), min(t.now.temporal, t.goal.temporal)}
	switch {
	case p.Frame.KeyStart:
		t.now, t.opens = t.goal, false
		t.frames.restart()
	case l.codec.Name == AV1:
		t.climbDescribed(p, l)
	default:
		t.climbTemporal(p, l)
		t.climbSpatial(p, l)
	}
	if t.now != before {
		s.sendsNow(t.now)
	}
	if t.now.spatial > before.spatial {
		s.viewer.raisedAt = now
	}
}

// climbTemporal takes in temporal layers at pictures that say that one may. With VP8
// that is a picture of the layer itself, which depends on the lowest one only (RFC
// 7741 section 4.2, Y). With VP9 whatever comes after a picture so marked depends on
// nothing above its layer before it (RFC 9628 section 4.2, U); browsers mark pictures
// that depend on lower layers only, so that these may begin the next layer as well.
func (t *thinning) climbTemporal(p *Packet, l *Layer) {
	d := &p.Frame.Descriptor
	if t.opens {
		t.now.temporal = t.goal.temporal
	}
	vp9 := l.codec.Name == VP9
	t.opens = vp9 && d.SwitchUp && d.TID <= t.now.temporal
	if !d.SwitchUp || d.TID <= t.now.temporal || d.TID > t.goal.temporal || vp9 && d.TID != t.now.temporal+1 {
		return
	}
	t.now.temporal = d.TID
	if int(d.TID) >= l.Temporal() {
		t.now.temporal = t.goal.temporal
	}
}

// climbSpatial takes in the next spatial layers of a picture if they are made from
// nothing but the layers below (RFC 9628 section 4.2, P). Packets of the picture that
// did not come with p are not looked for.
func (t *thinning) climbSpatial(p *Packet, l *Layer) {
	if t.now.spatial >= t.goal.spatial {
		return
	}
	for seq := p.Seq + 1; ; seq++ {
		q := l.Packet(seq)
		if q == nil || q.Timestamp != p.Timestamp || !t.goal.admits(&q.Frame.Descriptor) {
			break
		}
		if q.Frame.Descriptor.SID == t.now.spatial+1 && q.Frame.Key {
			t.now.spatial++
		}
	}
	if int(t.now.spatial) >= l.Spatial() {
		t.now.spatial = t.goal.spatial
	}
}

// awaitsKey tells that only a key frame lets the section send as much as it is to.
// Without dependency descriptors nothing in AV1 packets says where temporal layers may
// be taken in.
func (s *section) awaitsKey() bool {
	t := &s.thin
	if !t.on || s.target != nil || s.cur == nil {
		return false
	}
	l := s.cur.layer
	return int(t.now.spatial) < min(int(t.goal.spatial), l.Spatial()) ||
		t.frames != nil && t.frames.starved ||
		t.frames != nil && int(t.now.temporal) < min(int(t.goal.temporal), l.Temporal()) && t.frames.waitsLong(l)
}

// askToClimb asks for a key frame if nothing else lets the section send more, again
// and again within the viewer's allowance (M-026).
func (s *section) askToClimb(now time.Time) {
	if !s.awaitsKey() {
		return
	}
	repeat := s.settings().KeyFrameRepeat
	if now.Sub(s.thin.asked) < repeat {
		s.askAt = s.thin.asked.Add(repeat)
		return
	}
	s.thin.asked = now
	s.askWithin(now, s.cur)
}
