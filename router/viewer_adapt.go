package router

import "time"

// allocate shares out among the sections what the path is believed to carry.
func (v *Viewer) allocate(now time.Time, out *Out) {
	v.demands = v.demands[:0]
	for _, s := range v.sections {
		v.demands = append(v.demands, s.demand(now))
	}
	for len(v.grants) < len(v.demands) {
		v.grants = append(v.grants, 0)
	}
	bits, known := v.bwe.Estimate()
	if v.cfg.MaxBits > 0 {
		bits = min(bits, v.cfg.MaxBits)
	}
	v.allocated, v.believed = bits, known
	v.pacer.believe(0)
	if known {
		v.pacer.believe(bits)
	}
	wanted, next := v.shares.Allocate(now, bits, known, v.demands, v.grants[:len(v.demands)])
	if !v.canProbe() {
		wanted = 0
	}
	v.bwe.Want(now, wanted)
	v.allocateAt = next
	for i, s := range v.sections {
		s.grant(now, v.grants[i], out)
		s.schedule()
	}
	v.padAt = earlier(v.padAt, now)
	v.note()
	v.schedule()
}

// adapt is to be called when something was heard of the path.
func (v *Viewer) adapt(now time.Time, out *Out) {
	bits, known := v.bwe.Estimate()
	if v.cfg.MaxBits > 0 {
		bits = min(bits, v.cfg.MaxBits)
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

// watchQueue stops the pictures of which there is one layer only when they have
// filled the path's queue, and lets what was stopped go on when it has drained.
// Where there are more layers the allocator takes a lower one.
func (v *Viewer) watchQueue(now time.Time, out *Out) {
	queue := v.bwe.Queue()
	if v.floodedAt.IsZero() {
		for _, s := range v.sections {
			if queue > floodedQueue && s.cfg.Kind == Video && s.cur != nil && len(s.options) == 1 {
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
