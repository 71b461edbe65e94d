package session

import (
	"sync"
	"time"

	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// seat is what a viewing with slots has more. A nil seat is that of a plain viewing.
type seat struct {
	*call.Seat
	// slots are those of the sections, by index.
	slots []int
	count int
	place place
}

// place is what a call fills. It does so from the POST on, so that slots can be pinned
// at once; the router learns of it when the viewer is connected.
type place struct {
	mu         sync.Mutex
	attachment *router.Attachment
	slots      []router.Filling
}

// Fill implements call.Place.
func (p *place) Fill(now time.Time, slots []router.Filling) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots = append([]router.Filling(nil), slots...)
	if p.attachment != nil {
		p.attachment.Fill(now, p.slots)
	}
}

// Playable implements call.Place. What is not attached yet is asked again later.
func (p *place) Playable(slot int, c router.Cast) (sound, picture bool) {
	p.mu.Lock()
	a := p.attachment
	p.mu.Unlock()
	if a == nil {
		return true, true
	}
	return a.Playable(slot, c)
}

// takeSeat lets the call fill the slots of a viewer's session.
func (v *viewing) takeSeat(plan *negotiate.Plan) {
	s := &seat{}
	count := map[router.Kind]int{}
	for _, line := range v.media {
		section := plan.Sections[line]
		s.slots = append(s.slots, section.Slot)
		count[section.Kind] = max(count[section.Kind], section.Slot+1)
	}
	s.count = max(count[router.Audio], count[router.Video])
	v.seat = s
	s.Seat = v.sess.service.parts.Calls.Seat(call.Viewer{
		Channel: v.sess.place.Channel, ID: v.sess.id, Self: v.self, Login: v.sess.part.login, Only: v.selector.Participant,
		Audio: count[router.Audio], Video: count[router.Video], Place: &s.place,
		Tell: func(slots []call.Slot) { v.audience.setSlots(s.told(slots)) },
	})
}

// told are the slots as they are told: all of them, whoever fills them.
func (s *seat) told(slots []call.Slot) signaling.Slots {
	all := make(signaling.Slots, s.count)
	for i := range all {
		all[i].Index = i
	}
	for _, slot := range slots {
		if slot.Index < len(all) {
			all[slot.Index] = signaling.Slot{
				Index: slot.Index, Participant: slot.Cast.Participant, Source: slot.Cast.Source, Pinned: slot.Pinned, Unplayable: slot.Unplayable,
			}
		}
	}
	return all
}

// sections are the slots of the sections, for the router.
func (s *seat) sections() []int {
	if s == nil {
		return nil
	}
	return s.slots
}

func (s *seat) attached(now time.Time, a *router.Attachment) {
	if s == nil {
		return
	}
	s.place.mu.Lock()
	s.place.attachment = a
	a.Fill(now, s.place.slots)
	s.place.mu.Unlock()
	s.Again() // what can be played is known now
}

func (s *seat) leave() {
	if s != nil {
		s.Leave()
	}
}

func (sess *session) hasSlots() bool {
	v, ok := sess.media.(*viewing)
	return ok && v.seat != nil
}
