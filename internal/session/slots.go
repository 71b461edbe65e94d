package session

import (
	"context"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// ErrNoSlot refuses what names a slot that a session has not.
var ErrNoSlot = fault.New(fault.NotFound, "slot-unknown",
	"There is no such slot in this session; a session has as many as its offer had sections of a kind, if there were more than one.")

// Slots tells who is in the slots of a session, by index.
//
// Errors wrap ErrNoSlot where it has none, ErrNoExtensions, and those of authorised
// requests; so do those of the other methods about slots.
func (s *Service) Slots(ctx context.Context, session string, r signaling.Request) (signaling.Slots, error) {
	v, err := s.slotted(ctx, session, r)
	if err != nil {
		return nil, err
	}
	return v.seat.told(v.seat.Slots()), nil
}

// slotted finds a session with slots.
func (s *Service) slotted(ctx context.Context, session string, r signaling.Request) (*viewing, error) {
	v, err := s.viewer(ctx, session, r)
	switch {
	case err != nil:
		return nil, err
	case v.seat == nil:
		return nil, ErrNoSlot.Because("This session has no slots; offer more than one section of a kind to get some.")
	}
	return v, nil
}

// PinSlot keeps a slot for a publication, whether it is there or not. An empty source
// is the participant's main one, or else what it has been sending longest.
func (s *Service) PinSlot(ctx context.Context, session string, r signaling.Request, slot int, participant, source string) (signaling.Slot, error) {
	return s.changeSlot(ctx, session, r, slot, func(v *viewing) error {
		return v.seat.Pin(slot, router.Cast{Participant: participant, Source: source})
	})
}

// FreeSlot leaves it to the rules who is in a slot.
func (s *Service) FreeSlot(ctx context.Context, session string, r signaling.Request, slot int) (signaling.Slot, error) {
	return s.changeSlot(ctx, session, r, slot, func(v *viewing) error { return v.seat.Unpin(slot) })
}

func (s *Service) changeSlot(ctx context.Context, session string, r signaling.Request, slot int, change func(*viewing) error) (signaling.Slot, error) {
	v, err := s.slotted(ctx, session, r)
	switch {
	case err != nil:
		return signaling.Slot{}, err
	case slot < 0 || slot >= v.seat.count:
		return signaling.Slot{}, ErrNoSlot
	}
	if err := change(v); err != nil {
		return signaling.Slot{}, err
	}
	return v.seat.told(v.seat.Slots())[slot], nil
}

// ShowSlots says how large the pictures of slots are shown, and which are not: sound
// goes on. It changes all that is named, or nothing.
func (s *Service) ShowSlots(ctx context.Context, session string, r signaling.Request, views []signaling.SlotView) (signaling.Slots, error) {
	v, err := s.slotted(ctx, session, r)
	if err != nil {
		return nil, err
	}
	v.sess.negotiation.Lock()
	defer v.sess.negotiation.Unlock()
	sections := make([]int, len(views))
	for i, view := range views {
		if sections[i] = v.picture(view.Slot); sections[i] < 0 {
			return nil, ErrNoSlot.Because("This session has no slot %d with a picture.", view.Slot)
		}
	}
	for i, view := range views {
		sel := &v.selections[sections[i]]
		set(&sel.MaxWidth, view.MaxWidth)
		set(&sel.MaxHeight, view.MaxHeight)
		set(&sel.Hidden, view.Hidden)
		v.demand(sections[i], *sel)
	}
	return v.seat.told(v.seat.Slots()), nil
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// picture is the section of video of a slot, -1 for none.
func (v *viewing) picture(slot int) int {
	for i, n := range v.seat.slots {
		if n == slot && v.kinds[i] == router.Video {
			return i
		}
	}
	return -1
}

// tellMember passes an event on to the member stream of the viewer.
func (v *viewing) tellMember(name string, data any) {
	if v.isMember() {
		parts := v.sess.service.parts
		parts.Calls.Tell(v.sess.place.Channel, v.sess.part.login, name, signaling.TellMember(parts.Now(), v.sess.id, data))
	}
}

// isMember tells that the viewer has a member stream, which is told more.
func (v *viewing) isMember() bool {
	return v.self != "" && v.sess.service.parts.Calls.Hears(v.sess.place.Channel, v.sess.part.login)
}
