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

const (
	// roomPercent of what would be sent have to fit before more is granted.
	roomPercent = 110
	// firstPatience is how long there has to be room for more, doubled up to
	// mostPatience by every raise that is taken back within regret.
	firstPatience = time.Second
	mostPatience  = 32 * time.Second
	regret        = 12 * time.Second
	// calm is how long nothing may be taken back until the patience halves.
	calm = time.Minute
)

// Allocator shares an estimate out among the sections of one session. Not safe
// for concurrent use. The bits of steps are averaged over a second, because those
// of a video differ from one group of pictures to the next; sums are sums of
// averages.
type Allocator struct {
	holds    []hold
	averaged time.Time

	// keep is what may stay as it is, ideal what were best with some room, both by
	// index of the demand.
	keep, ideal []int
	open        []bool // scratch: may still be raised
	demands     []Demand

	better   time.Time // since when there is room for more, zero if there is not
	patience time.Duration
	raised   time.Time // the last raise, zero once it was taken back
	troubled time.Time // when the patience changed last
}

// Allocate writes the index of the step that each demand gets, or Paused, to
// grants, which has the length of demands. bits is the estimate; known tells that
// it was measured: of what is merely believed nothing is taken away that is sent
// already. wanted is what would be sent if the path carried it and one more step
// was taken: the aim of a probe, 0 when everything is granted. next is when to
// allocate again even if nothing changes, zero for never.
//
// The sum of what is granted is never above bits, but for audio. What no longer
// fits is taken away at once; more is granted when it fits with some room for a
// while, but at once to a demand that is new, or had all there was. A step without bits is granted only where there is no other.
func (a *Allocator) Allocate(now time.Time, bits int, known bool, demands []Demand, grants []int) (wanted int, next time.Time) {
	a.demands = demands
	a.follow(now)
	limit := bits
	if !known {
		limit = max(limit, a.sum(a.held()))
	}
	a.share(a.keep, limit, true)
	a.regret(now, limit)
	a.share(a.ideal, limit*100/roomPercent, false)
	if !a.improves(a.ideal) {
		copy(a.ideal, a.keep)
		a.fill(a.ideal, limit*100/roomPercent, false)
	}
	choice := a.keep
	switch {
	case !a.improves(a.ideal):
		a.better = time.Time{}
	case a.better.IsZero():
		a.better = now
		next = now.Add(a.patience)
	case now.Sub(a.better) >= a.patience:
		choice = a.ideal
		a.better, a.raised = time.Time{}, now
	default:
		next = a.better.Add(a.patience)
	}
	for i := range demands {
		a.holds[i].step = choice[i]
		a.holds[i].free = a.above(i, choice[i]) == Paused
	}
	copy(grants, choice)
	wanted = a.aim(choice)
	a.demands = nil
	return wanted, next
}

// regret notes that something granted no longer fits, and lets the patience fade.
func (a *Allocator) regret(now time.Time, limit int) {
	if a.patience == 0 {
		a.patience, a.troubled = firstPatience, now
	}
	switch {
	case a.sum(a.held()) > limit:
		if !a.raised.IsZero() && now.Sub(a.raised) < regret {
			a.patience = min(2*a.patience, mostPatience)
			a.raised = time.Time{}
		}
		a.troubled = now
	case a.patience > firstPatience && now.Sub(a.troubled) >= calm+a.patience:
		a.patience, a.troubled = a.patience/2, now
	}
}

// aim is what would be sent if the first raise that is left was made, with its
// room; 0 if none is left.
func (a *Allocator) aim(choice []int) int {
	sum := a.sum(choice)
	for i := range a.open {
		a.open[i] = true
	}
	i, step := a.nextRaise(choice, false)
	if i < 0 {
		return 0
	}
	return (sum - a.bits(i, choice[i]) + a.bits(i, step)) * roomPercent / 100
}
