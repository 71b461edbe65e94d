package router

import "time"

// payloadRole is what a payload type means in a section.
type payloadRole struct {
	media  *PayloadType // also for its retransmissions
	repair bool
}

// sectionIngest is one section of a publisher at work.
type sectionIngest struct {
	IngestSection
	feed     *trackFeed
	roles    extensionRoles
	payloads [128]payloadRole
	slots    []*streamSlot
	wantsMID bool // the MID extension was negotiated
}

// streamSlot is the place of one encoding in a section. At any time one SSRC
// fills it.
type streamSlot struct {
	section *sectionIngest
	rid     string
	order   int
	stream  *ingestStream
	used    bool   // there was media
	repair  uint32 // SSRC of retransmissions that was bound last, 0: none
}

// boundSSRC is what an SSRC is bound to.
type boundSSRC struct {
	slot   *streamSlot
	repair bool
}

// demux binds SSRCs to the slots of sections: as declared, by MID and RID, by
// repaired RID, by payload type (RFC 8843 section 9.2, RFC 8852). What it knows
// is bounded by the number of slots; an SSRC that cannot be bound leaves no
// trace.
type demux struct {
	sections []*sectionIngest
	bound    map[uint32]boundSSRC
	roles    extensionRoles // of all sections, for SSRCs not bound yet
	rebind   time.Duration
	gone     [2]IngestCount // by Kind, of streams that have left their slot
}

func newDemux(sections []IngestSection, rebind time.Duration) *demux {
	d := &demux{bound: make(map[uint32]boundSSRC), rebind: rebind}
	for _, cfg := range sections {
		d.sections = append(d.sections, d.newSection(cfg))
	}
	return d
}

func (d *demux) newSection(cfg IngestSection) *sectionIngest {
	s := &sectionIngest{IngestSection: cfg, wantsMID: cfg.Extensions[ExtMID] != 0}
	cfg.Track.declared.Store(int32(max(len(cfg.RIDs), len(cfg.SSRCs), 1)))
	s.roles.learn(cfg.Extensions)
	d.roles.learn(cfg.Extensions)
	for i := range s.PayloadTypes {
		pt := &s.PayloadTypes[i]
		s.payloads[pt.Number&0x7f] = payloadRole{media: pt}
		if pt.RTX != 0 {
			s.payloads[pt.RTX&0x7f] = payloadRole{media: pt, repair: true}
		}
	}
	switch {
	case len(cfg.RIDs) > 0: // simulcast wins over a=ssrc
		for i, rid := range cfg.RIDs {
			s.slots = append(s.slots, &streamSlot{section: s, rid: rid, order: i})
		}
	case len(cfg.SSRCs) > 0:
		for i, declared := range cfg.SSRCs {
			d.declare(&streamSlot{section: s, order: i}, declared)
		}
	default:
		s.slots = append(s.slots, &streamSlot{section: s})
	}
	return s
}

// declare binds the SSRCs of a=ssrc and a=ssrc-group:FID.
func (d *demux) declare(slot *streamSlot, ssrcs DeclaredSSRC) {
	slot.section.slots = append(slot.section.slots, slot)
	d.bound[ssrcs.Media] = boundSSRC{slot: slot}
	if ssrcs.RTX != 0 {
		d.bound[ssrcs.RTX] = boundSSRC{slot: slot, repair: true}
		slot.repair = ssrcs.RTX
	}
}

// bind finds the place of an SSRC that is not bound yet. Probes on SSRC 0 have
// none.
func (d *demux) bind(now time.Time, h *ingestHeader, x *ingestExtensions) (boundSSRC, bool) {
	s := d.section(h.payloadType, x.mid)
	if s == nil || h.ssrc == 0 {
		return boundSSRC{}, false
	}
	if s.payloads[h.payloadType].repair {
		return d.bindRepair(h.ssrc, s, x)
	}
	slot := s.slot(x.rid)
	if slot == nil || !slot.vacant(now, d.rebind) {
		return boundSSRC{}, false
	}
	d.vacate(slot)
	b := boundSSRC{slot: slot}
	d.bound[h.ssrc] = b
	return b, true
}

// section finds the section by MID or, before one has come, by a payload type
// that only one section has.
func (d *demux) section(payloadType uint8, mid []byte) (found *sectionIngest) {
	for _, s := range d.sections {
		if s.payloads[payloadType].media == nil || len(mid) > 0 && s.Mid != string(mid) {
			continue
		}
		if found != nil {
			return nil
		}
		found = s
	}
	return found
}

// bindRepair binds an SSRC of retransmissions: by repaired RID in a simulcast
// section, by MID and payload type where there is one encoding only (M-006).
func (d *demux) bindRepair(ssrc uint32, s *sectionIngest, x *ingestExtensions) (boundSSRC, bool) {
	if s.wantsMID && len(x.mid) == 0 && len(s.RIDs) == 0 {
		return boundSSRC{}, false
	}
	slot := s.slot(x.repairedRID)
	if slot == nil {
		return boundSSRC{}, false
	}
	if slot.repair != 0 {
		delete(d.bound, slot.repair)
	}
	slot.repair = ssrc
	b := boundSSRC{slot: slot, repair: true}
	d.bound[ssrc] = b
	return b, true
}

// slot finds the encoding by RID. Without a=rid there is one, and a RID that is
// sent all the same means nothing (M-051).
func (s *sectionIngest) slot(rid []byte) *streamSlot {
	if len(s.RIDs) == 0 {
		if len(s.slots) == 1 {
			return s.slots[0]
		}
		return nil
	}
	for _, slot := range s.slots {
		if slot.rid == string(rid) {
			return slot
		}
	}
	return nil
}

// vacant tells whether another SSRC may take the place.
func (s *streamSlot) vacant(now time.Time, after time.Duration) bool {
	return s.stream == nil || s.stream.ended || now.Sub(s.stream.last) >= after
}

// vacate unbinds the SSRC that had the place.
func (d *demux) vacate(slot *streamSlot) {
	for ssrc, b := range d.bound {
		if b.slot == slot && !b.repair {
			delete(d.bound, ssrc)
		}
	}
	if slot.stream != nil {
		slot.stream.leave()
		d.gone[slot.stream.stats.Kind].add(&slot.stream.stats)
		slot.stream = nil
	}
}

// rids are the declared names of encodings, and those of them that have never come.
func (d *demux) rids() (all, awaited []string) {
	for _, section := range d.sections {
		for _, slot := range section.slots {
			if slot.rid == "" {
				continue
			}
			all = append(all, slot.rid)
			if !slot.used {
				awaited = append(awaited, slot.rid)
			}
		}
	}
	return all, awaited
}

// counts sums up what all streams, those that ended included, have counted.
func (d *demux) counts() [2]IngestCount {
	counts := d.gone
	for _, section := range d.sections {
		for _, slot := range section.slots {
			if slot.stream != nil {
				counts[slot.stream.stats.Kind].add(&slot.stream.stats)
			}
		}
	}
	return counts
}
