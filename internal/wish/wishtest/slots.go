package wishtest

import (
	"context"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
)

var errNoSlot = fault.New(fault.NotFound, "slot-unknown", "There is no such slot.")

// Slots tells who is in the slots, of which there are SlotCount.
func (b *Backend) Slots(_ context.Context, session string, r signaling.Request) (signaling.Slots, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.slotted(session, r, 0); err != nil {
		return nil, err
	}
	return append(signaling.Slots(nil), b.slots...), nil
}

// slotted makes the slots of the only session there is. b.mu is held.
func (b *Backend) slotted(session string, r signaling.Request, slot int) error {
	if _, err := b.find(session, r); err != nil {
		return private(err)
	}
	for len(b.slots) < b.SlotCount {
		b.slots = append(b.slots, signaling.Slot{Index: len(b.slots)})
	}
	if slot >= len(b.slots) {
		return private(errNoSlot)
	}
	return nil
}

// PinSlot puts somebody in a slot.
func (b *Backend) PinSlot(_ context.Context, session string, r signaling.Request, slot int, participant, source string) (signaling.Slot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.slotted(session, r, slot); err != nil {
		return signaling.Slot{}, err
	}
	b.slots[slot] = signaling.Slot{Index: slot, Participant: participant, Source: source, Pinned: true}
	return b.slots[slot], nil
}

// FreeSlot empties a slot.
func (b *Backend) FreeSlot(_ context.Context, session string, r signaling.Request, slot int) (signaling.Slot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.slotted(session, r, slot); err != nil {
		return signaling.Slot{}, err
	}
	b.slots[slot] = signaling.Slot{Index: slot}
	return b.slots[slot], nil
}

// ShowSlots keeps what it is told.
func (b *Backend) ShowSlots(_ context.Context, session string, r signaling.Request, views []signaling.SlotView) (signaling.Slots, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range append([]signaling.SlotView{{}}, views...) {
		if err := b.slotted(session, r, v.Slot); err != nil {
			return nil, err
		}
	}
	b.views = append(b.views, views...)
	return append(signaling.Slots(nil), b.slots...), nil
}

// Views returns what ShowSlots was told, oldest first.
func (b *Backend) Views() []signaling.SlotView {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]signaling.SlotView(nil), b.views...)
}
