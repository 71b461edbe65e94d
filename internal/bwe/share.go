package bwe

import (
	"math"
	"slices"
	"time"
)

// mostSteps of a demand are averaged; what is above is taken as it is.
const mostSteps = 8

// averageOver is the time in which an average takes over most of a change.
const averageOver = time.Second

// hold is what an Allocator remembers of a demand.
type hold struct {
	step  int  // granted last
	free  bool // nothing that was live was refused: it need not be patient
	steps int  // how many it had
	bits  [mostSteps]float64
}

// follow brings holds in line with the demands: averages, steps that went away.
func (a *Allocator) follow(now time.Time) {
	for len(a.holds) < len(a.demands) {
		a.holds = append(a.holds, hold{step: Paused, free: true})
		a.keep, a.ideal, a.open = append(a.keep, 0), append(a.ideal, 0), append(a.open, false)
	}
	n := len(a.demands)
	a.holds, a.keep, a.ideal, a.open = a.holds[:n], a.keep[:n], a.ideal[:n], a.open[:n]
	share := min(float64(now.Sub(a.averaged))/float64(averageOver), 1)
	a.averaged = now
	for i := range a.demands {
		a.holds[i].follow(&a.demands[i], share)
	}
}

func (h *hold) follow(d *Demand, share float64) {
	if h.steps != len(d.Steps) {
		// Another list: the numbers mean something else now.
		*h = hold{step: Paused, free: h.free || h.steps <= 0 || d.Current == Paused, steps: len(d.Steps)}
		if d.Current >= 0 && d.Current < len(d.Steps) {
			h.step = d.Current
		}
	}
	if d.Hidden {
		h.step, h.free = Paused, true
	}
	for i, s := range d.Steps[:min(len(d.Steps), mostSteps)] {
		if s.Bits == 0 || h.bits[i] == 0 {
			h.bits[i] = float64(s.Bits)
		} else {
			h.bits[i] += share * (float64(s.Bits) - h.bits[i])
		}
	}
}

// bits is the average of a step; 0 for Paused, and what is not live.
func (a *Allocator) bits(i, step int) int {
	d := &a.demands[i]
	switch {
	case step < 0 || step >= len(d.Steps):
		return 0
	case step < mostSteps:
		return int(a.holds[i].bits[step])
	}
	return d.Steps[step].Bits
}

// sum adds up the bits of a choice.
func (a *Allocator) sum(choice []int) (bits int) {
	for i, step := range choice {
		bits += a.bits(i, step)
	}
	return bits
}

// held is what was granted last, in the scratch of ideal.
func (a *Allocator) held() []int {
	for i := range a.holds {
		a.ideal[i] = a.holds[i].step
	}
	return a.ideal
}

// lowest is the lowest live step of a demand, Paused if it has none.
func (a *Allocator) lowest(i int) int { return a.above(i, Paused) }

// above is the next live step above one, Paused if there is none.
func (a *Allocator) above(i, step int) int {
	for s := step + 1; s < len(a.demands[i].Steps); s++ {
		if a.bits(i, s) > 0 {
			return s
		}
	}
	return Paused
}

// cap is the highest step a demand may keep.
func (a *Allocator) cap(i int) int {
	h := &a.holds[i]
	if h.free {
		return math.MaxInt
	}
	if h.step != Paused {
		return max(h.step, a.lowest(i)) // what it had may be gone
	}
	return Paused
}

// share fills choice from nothing. capped grants no demand more than it may keep.
func (a *Allocator) share(choice []int, limit int, capped bool) {
	for i := range a.demands {
		d := &a.demands[i]
		choice[i] = Paused
		if d.Audio {
			choice[i] = len(d.Steps) - 1
		} else if !d.Hidden && len(d.Steps) > 0 && a.lowest(i) == Paused {
			choice[i] = 0 // nothing flows
		}
	}
	a.fill(choice, limit, capped)
}

// fill raises what fits: first everybody to the lowest step, by priority, then by
// priority and in turns.
func (a *Allocator) fill(choice []int, limit int, capped bool) {
	for i := range a.open {
		a.open[i] = true
	}
	sum := a.sum(choice)
	for {
		i, step := a.nextRaise(choice, capped)
		if i < 0 {
			return
		}
		more := sum - a.bits(i, choice[i]) + a.bits(i, step)
		if more > limit {
			a.open[i] = false
			continue
		}
		choice[i], sum = step, more
	}
}

// nextRaise is the demand whose turn it is among the open ones, and its next step;
// -1 if nobody is left.
func (a *Allocator) nextRaise(choice []int, capped bool) (demand, step int) {
	demand = -1
	for i := range a.demands {
		d := &a.demands[i]
		if !a.open[i] || d.Audio || d.Hidden {
			continue
		}
		s := a.above(i, choice[i])
		if s == Paused || capped && s > a.cap(i) {
			continue
		}
		if demand < 0 || a.earlier(i, demand, choice) {
			demand, step = i, s
		}
	}
	return demand, step
}

// earlier tells whether demand i is raised before j.
func (a *Allocator) earlier(i, j int, choice []int) bool {
	if p, q := choice[i] == Paused, choice[j] == Paused; p != q {
		return p
	}
	if p, q := a.demands[i].Priority, a.demands[j].Priority; p != q {
		return p > q
	}
	return choice[i] < choice[j]
}

// improves tells whether choice is better than what is kept: by who is paused, then
// by the sections of the highest priority, among equals by the one that has least.
func (a *Allocator) improves(choice []int) bool {
	if slices.Equal(choice, a.keep) {
		return false
	}
	for class, ok := a.class(math.MaxInt); ok; class, ok = a.class(class) {
		if d := a.fewer(choice, class, Paused); d != 0 {
			return d > 0
		}
	}
	for class, ok := a.class(math.MaxInt); ok; class, ok = a.class(class) {
		for step := range a.mostSteps() {
			if d := a.fewer(choice, class, step); d != 0 {
				return d > 0
			}
		}
	}
	return false
}

// class is the highest priority below one.
func (a *Allocator) class(below int) (priority int, ok bool) {
	for i := range a.demands {
		if p := a.demands[i].Priority; p < below && (!ok || p > priority) {
			priority, ok = p, true
		}
	}
	return priority, ok
}

func (a *Allocator) mostSteps() (n int) {
	for i := range a.demands {
		n = max(n, len(a.demands[i].Steps))
	}
	return n
}

// fewer is by how many demands of a class fewer get no more than a step than what is
// kept gives them.
func (a *Allocator) fewer(choice []int, class, step int) (n int) {
	for i := range a.demands {
		if a.demands[i].Priority != class {
			continue
		}
		if choice[i] <= step {
			n--
		}
		if a.keep[i] <= step {
			n++
		}
	}
	return n
}
