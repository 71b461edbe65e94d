package router

import (
	"time"

	"github.com/headgate/headgate/internal/bwe"
)

// allocate shares out among the sections what the path is believed to carry.
func (v *Viewer) allocate(now time.Time, out *Out) {
	v.demands = v.demands[:0]
	for _, s := range v.sections {
		v.demands = append(v.demands, s.demand(now))
	}
	for len(v.grants) < len(v.demands) {
		v.grants = append(v.grants, 0)
	}
	v.least = leastOf(v.demands)
	bits, known := v.budget(now)
	v.allocated, v.believed = bits, known
	v.pacer.believe(0)
	if known && v.tracked {
		v.pacer.believe(v.estimate)
	}
	wanted, next := v.shares.Allocate(now, bits, known, v.demands, v.grants[:len(v.demands)])
	v.lacking = 0
	if wanted > 0 {
		v.lacking = v.allowed(mostOf(v.demands))
	}
	v.wanted = 0
	if wanted > 0 && v.canProbe() {
		v.wanted = max(wanted, mostOf(v.demands)*wantedRoom/100) // a probe may find room for more than one step
	}
	v.bwe.Want(wanted, v.wanted, v.pausedOne())
	v.allocateAt = next
	for i, s := range v.sections {
		s.grant(now, v.grants[i], out)
		s.schedule()
	}
	if v.cfg.MaxBits > 0 {
		v.allocateAt = earlier(v.allocateAt, now.Add(boundEvery)) // an only layer is looked at for nothing else
	}
	v.padAt = earlier(v.padAt, now)
	v.note(now)
	v.schedule()
}

// pausedOne tells that a picture gets nothing.
func (v *Viewer) pausedOne() bool {
	for i, s := range v.sections {
		if v.grants[i] == bwe.Paused && s.cfg.Kind == Video && len(v.demands[i].Steps) > 0 && !v.demands[i].Hidden {
			return true
		}
	}
	return false
}

// allowed is bits, or what the viewer allows if that is less.
func (v *Viewer) allowed(bits int) int {
	if most := v.cfg.MaxBits; most > 0 {
		return min(bits, most)
	}
	return bits
}

// leastOf is what sound and the lowest steps of all pictures take.
func leastOf(demands []bwe.Demand) (bits int) {
	for _, d := range demands {
		for _, step := range d.Steps {
			if step.Bits > 0 && !d.Hidden {
				bits += step.Bits
				break
			}
		}
	}
	return bits
}

// boundEvery is how often what a viewer is sent is held against what it allows.
const boundEvery = time.Second

// wantedRoom is what a path has to carry for everything to be granted, in percent
// of what that takes.
const wantedRoom = 110

// mostOf is what everything takes.
func mostOf(demands []bwe.Demand) (bits int) {
	for _, d := range demands {
		most := 0
		for _, step := range d.Steps {
			most = max(most, step.Bits)
		}
		if !d.Hidden {
			bits += most
		}
	}
	return bits
}

const (
	// usualQueue is what packets may wait before less is sent to let the queue drain,
	// drainTime what that should take.
	usualQueue = 60 * time.Millisecond
	drainTime  = 600 * time.Millisecond
	// drainFor is how long after a fall of the estimate queues are drained. One that
	// comes from something else, as the key frame of a switch, drains by itself.
	drainFor = 2 * time.Second
	// The key frame of a higher layer makes a queue of up to raiseQueue, for raiseFor.
	raiseQueue = 200 * time.Millisecond
	raiseFor   = time.Second
)

// budget is what may be sent in bits per second: what the path is believed to carry,
// less while a queue has to drain, and no more than the viewer allows.
func (v *Viewer) budget(now time.Time) (bits int, known bool) {
	bits, known = v.bwe.Estimate()
	if bits*10 < v.estimate*9 {
		v.fellAt = now
	}
	v.estimate = bits
	if queue := v.bwe.Queue(now) - usualQueue; known && queue > 0 && v.drains(now, queue) {
		drain := int(int64(bits) * int64(min(queue, drainTime)) / int64(drainTime))
		bits = max(bits-drain, min(bits, v.least)) // a picture is not stopped for that
	}
	if v.cfg.MaxBits > 0 && bits > v.cfg.MaxBits {
		return v.cfg.MaxBits, true // this much is certain
	}
	return bits, known
}

// drains tells that a queue is one of a path that carries less than before.
func (v *Viewer) drains(now time.Time, queue time.Duration) bool {
	if v.fellAt.IsZero() || now.Sub(v.fellAt) >= drainFor {
		return false
	}
	return queue > raiseQueue || now.Sub(v.raisedAt) >= raiseFor
}

// adapt is to be called when something was heard of the path.
func (v *Viewer) adapt(now time.Time, out *Out) {
	bits, known := v.budget(now)
	if known && v.retreats(now) {
		v.retreat(now, out)
	}
	if v.wanted > 0 {
		v.padAt = now // what was heard may be the end of a probe, or its beginning
		v.schedule()
	}
	changed := known != v.believed || (bits-v.allocated)*50 > v.allocated || (v.allocated-bits)*50 > v.allocated
	if changed {
		v.allocate(now, out)
	}
	v.watchQueue(now, out)
}

// schedule sets the viewer's timer to the earliest thing it waits for.
func (v *Viewer) schedule() {
	if v.shard != nil {
		v.shard.schedule.set(&v.timer, earlier(v.padAt, v.allocateAt))
	}
}

// wake implements wakeable.
func (v *Viewer) wake(now time.Time, out *Out) time.Time {
	if due(v.allocateAt, now) {
		v.allocate(now, out)
		v.watchQueue(now, out)
	}
	if due(v.padAt, now) {
		v.padAt = v.pad(now, out)
	}
	v.flush(now)
	return earlier(v.padAt, v.allocateAt)
}

// Bounds of the queue in front of a viewer.
const (
	// floodedQueue is the delay at which the frames of an only layer are dropped to
	// the next key frame rather than queued, drainedQueue the one at which it goes
	// on.
	floodedQueue = 400 * time.Millisecond
	drainedQueue = 100 * time.Millisecond
	// untrackedQueue is floodedQueue where nothing but round trips tell, which grow
	// for other reasons too, and untrackedLoss the loss, in 256ths, with which
	// floodedQueue is believed all the same.
	untrackedQueue = 1500 * time.Millisecond
	untrackedLoss  = 8
	// shortestFlood is what is left out at least, longestFlood at most: with nothing
	// sent, little is heard of the queue.
	shortestFlood = 300 * time.Millisecond
	longestFlood  = 1500 * time.Millisecond
)

// flood stops a picture until its queue has drained (M-065).
func (v *Viewer) flood(now time.Time, s *section, out *Out) {
	v.floodedAt = now
	s.stop(now, pausedByQueue, out)
	v.allocateAt = earlier(v.allocateAt, now.Add(shortestFlood))
	v.schedule()
}

// mostQueue is the delay at which frames of s are dropped.
func (v *Viewer) mostQueue(s *section) time.Duration {
	if v.tracked || s.fraction >= untrackedLoss {
		return floodedQueue
	}
	return untrackedQueue
}

// retreats tells that a step up has just filled the queue of a viewer of whom nothing
// but reports is heard.
func (v *Viewer) retreats(now time.Time) bool {
	return !v.tracked && v.fellAt.Equal(now) && v.floodedAt.IsZero() && v.bwe.Queue(now) > raiseQueue
}

// retreat lets the queue drain before the lower layer begins: its key frame would be
// lost in it, and so would the repairs.
func (v *Viewer) retreat(now time.Time, out *Out) {
	for _, s := range v.sections {
		if s.cfg.Kind == Video && s.cur != nil {
			v.flood(now, s, out)
		}
	}
}

// watchQueue stops the pictures of which there is one layer only when they have
// filled the path's queue, and lets what was stopped go on when it has drained.
// Where there are more layers the allocator takes a lower one.
func (v *Viewer) watchQueue(now time.Time, out *Out) {
	queue := v.bwe.Queue(now)
	if v.floodedAt.IsZero() {
		for _, s := range v.sections {
			if s.cfg.Kind == Video && s.cur != nil && s.onlyLayer() && queue > v.mostQueue(s) {
				v.flood(now, s, out)
			}
		}
		return
	}
	switch lasts := now.Sub(v.floodedAt); {
	case lasts < shortestFlood:
	case queue < drainedQueue && !v.pacer.full(now) || lasts >= longestFlood:
		v.floodedAt = time.Time{}
		for _, s := range v.sections {
			s.unpause(now, pausedByQueue)
			s.schedule()
		}
		return
	}
	v.allocateAt = earlier(v.allocateAt, now.Add(drainedQueue))
	v.schedule()
}
