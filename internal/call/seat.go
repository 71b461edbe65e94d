package call

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// Viewer is a WHEP session with slots.
type Viewer struct {
	Channel string
	// ID is the public id of the session, Self who the viewer is or "".
	ID, Self, Login string
	// Only bounds the slots to a participant; empty for everybody.
	Only string
	// Audio and Video are how many slots have a section of that kind: those from 0 on.
	Audio, Video int
	Place        Place
	// Tell is told who is in the slots whenever that changes. It must not block. A lock
	// that it takes must not be held when Seat, Pin or Unpin are called.
	Tell func([]Slot)
}

// Place is what a Service fills: a *router.Attachment.
type Place interface {
	Fill(now time.Time, slots []router.Filling)
	Playable(slot int, c router.Cast) (sound, picture bool)
}

// Slot is who is in a slot.
type Slot struct {
	Index int
	Cast  router.Cast // zero for nobody
	// Unplayable tells that the picture, or the sound of somebody without one, is of a
	// codec that the slot did not negotiate.
	Pinned, Unplayable bool
}

// ErrSlotUnknown refuses a slot that the session does not have.
var ErrSlotUnknown = fault.New(fault.NotFound, "slot-unknown",
	"This session has no such slot; GET the list of its slots.")

// errNotForSlots refuses a pin that could never be shown.
var errNotForSlots = fault.New(fault.Unprocessable, "not-for-slots",
	"This publication is never shown here: nobody sees himself in slots, and a session for one participant shows no other.")

// Seat is a viewer's hold on its slots. It is safe for concurrent use.
type Seat struct {
	service *Service
	viewer  Viewer
	left    atomic.Bool
	slots   atomic.Pointer[[]Slot] // as told
	// The stage's lock guards what follows.
	seating  *seating
	fillings []router.Filling
}

// Seat begins to fill the slots of a viewer.
func (s *Service) Seat(v Viewer) *Seat {
	seat := &Seat{service: s, viewer: v, seating: newSeating(v.Self, v.Only, v.Audio, v.Video, v.Place.Playable)}
	empty := seat.seating.slots()
	seat.slots.Store(&empty)
	now := s.parts.Now()
	st := s.lockStage(v.Channel)
	defer s.unlockStage(st)
	if st.refreshed.IsZero() {
		st.refresh(now)
	}
	st.seats = append(st.seats, seat)
	seat.arrange(now, st.assemble())
	return seat
}

// arrange fills the slots and tells of a change. The stage's lock is held.
func (s *Seat) arrange(now time.Time, a *assembly) {
	if s.left.Load() {
		return
	}
	s.seating.arrange(a)
	if fillings := s.seating.fillings(a); !slices.Equal(fillings, s.fillings) {
		s.fillings = fillings
		s.viewer.Place.Fill(now, fillings)
	}
	if slots := s.seating.slots(); !slices.Equal(slots, *s.slots.Load()) {
		s.slots.Store(&slots)
		s.viewer.Tell(slices.Clone(slots))
	}
}

// Slots tells who is in them. It takes no lock.
func (s *Seat) Slots() []Slot { return slices.Clone(*s.slots.Load()) }

// Pin keeps a slot for somebody, who need not be there. Source "" is main, or else
// what the participant has been sending longest. Whoever is pinned in another slot is
// moved. Errors: ErrSlotUnknown, and a fault not-for-slots for what is never shown to
// this viewer.
func (s *Seat) Pin(slot int, c router.Cast) error {
	if !s.seating.admits(c) {
		return errNotForSlots
	}
	return s.change(slot, func() { s.seating.pin(slot, c) })
}

// Unpin lets the rules fill a slot. Whoever is in it stays. Error: ErrSlotUnknown.
func (s *Seat) Unpin(slot int) error {
	return s.change(slot, func() { s.seating.unpin(slot) })
}

func (s *Seat) change(slot int, f func()) error {
	if slot < 0 || slot >= len(s.seating.seats) {
		return ErrSlotUnknown
	}
	st := s.service.lockStage(s.viewer.Channel)
	defer s.service.unlockStage(st)
	f()
	s.arrange(s.service.parts.Now(), st.assemble())
	return nil
}

// Again has the slots filled anew soon, because Place.Playable may answer otherwise. It
// takes no lock that another method holds.
func (s *Seat) Again() { s.service.director.stir(s.viewer.Channel) }

// Leave ends the filling. It takes no lock that another method holds, and may be called
// more than once.
func (s *Seat) Leave() {
	s.left.Store(true)
	s.service.director.stir(s.viewer.Channel)
}
