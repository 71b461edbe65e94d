package bwe

import "time"

// Step is one thing that can be sent of a section's source.
type Step struct {
	// Bits per second on the wire; 0 means that it is not sent at present.
	Bits int
}

// Demand is what one section would like to be sent.
type Demand struct {
	// Audio is served first and never paused. It has one step at most.
	Audio bool
	// Hidden sections get nothing.
	Hidden bool
	// Priority orders the sections of video above their lowest step: the higher one
	// is raised first.
	Priority int
	// Steps are what the section may be sent, lowest first.
	Steps []Step
	// Current is the index of what it is sent now, Paused for nothing.
	Current int
}

// Paused is the grant of a section that is sent nothing.
const Paused = -1

// Allocator shares an estimate out among the sections of one session. Not safe
// for concurrent use.
type Allocator struct{}

// Allocate writes the index of the step that each demand gets, or Paused, to
// grants, which has the length of demands. bits is the estimate; known tells that
// it was measured: of what is merely believed nothing is taken away that is sent
// already. wanted is what would be sent if the path carried it and one more step
// was taken: the aim of a probe, 0 when everything is granted. next is when to
// allocate again even if nothing changes, zero for never.
func (a *Allocator) Allocate(_ time.Time, _ int, _ bool, demands []Demand, grants []int) (wanted int, next time.Time) {
	for i, d := range demands {
		grants[i] = len(d.Steps) - 1
		for grants[i] > 0 && d.Steps[grants[i]].Bits == 0 {
			grants[i]--
		}
	}
	return 0, time.Time{}
}
