package call

import (
	"time"

	"github.com/headgate/headgate/router"
)

// ProgramState is what a channel shows to those who did not ask for somebody.
type ProgramState struct {
	// Pinned is the zero Cast for nobody, Video and Audio are who is shown now.
	Pinned, Video, Audio router.Cast
	// Speaker is the participant who speaks, "" for nobody yet.
	Speaker string
}

// Program tells the program of a channel.
func (s *Service) Program(channel string) ProgramState { return ProgramState{} }

// Pin makes a publication the program, whether it is there or not; the zero Cast
// leaves it to the rules.
func (s *Service) Pin(channel string, c router.Cast) {}

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
	// Tell is told who is in the slots whenever that changes. It must not block.
	Tell func([]Slot)
}

// Place is what a Service fills: a *router.Attachment.
type Place interface {
	Fill(now time.Time, slots []router.Filling)
	Playable(slot int, c router.Cast) bool
}

// Slot is who is in a slot.
type Slot struct {
	Index              int
	Cast               router.Cast // zero for nobody
	Pinned, Unplayable bool
}

// Seat is a viewer's hold on its slots.
type Seat struct{}

// Seat begins to fill the slots of a viewer.
func (s *Service) Seat(v Viewer) *Seat { return &Seat{} }

// Slots tells who is in them.
func (s *Seat) Slots() []Slot { return nil }

// Pin keeps a slot for somebody, who need not be there. Source "" is main, or else
// what the participant has been sending longest. Error: a fault slot-unknown.
func (s *Seat) Pin(slot int, c router.Cast) error { return nil }

// Unpin lets the rules fill a slot.
func (s *Seat) Unpin(slot int) error { return nil }

// Leave ends the filling.
func (s *Seat) Leave() {}
