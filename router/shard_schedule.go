package router

import "time"

// wakeable is something a shard calls when its time has come.
type wakeable interface {
	// wake does what is due and returns when to be called next, zero for never.
	wake(now time.Time, out *Out) time.Time
}

// wakeTimer is one entry of a schedule. Its zero value with an owner is ready.
type wakeTimer struct {
	at    time.Time
	index int // position in the heap plus one; 0 when not in it
	owner wakeable
}

// schedule is a heap of timers, the earliest first. A tick costs as much as what
// is due and never a walk over all viewers.
type schedule struct{ heap []*wakeTimer }

// set makes t due at the given time; zero takes it out.
func (s *schedule) set(t *wakeTimer, at time.Time) {
	switch {
	case at.IsZero():
		s.remove(t)
	case t.index == 0:
		t.at = at
		s.heap = append(s.heap, t)
		t.index = len(s.heap)
		s.up(t.index - 1)
	case !at.Equal(t.at):
		t.at = at
		s.down(t.index - 1)
		s.up(t.index - 1)
	}
}

func (s *schedule) remove(t *wakeTimer) {
	if t.index == 0 {
		return
	}
	i, last := t.index-1, len(s.heap)-1
	s.swap(i, last)
	s.heap[last] = nil
	s.heap = s.heap[:last]
	t.index = 0
	if i < last {
		s.down(i)
		s.up(i)
	}
}

// next is when something is due, zero if nothing ever is.
func (s *schedule) next() time.Time {
	if len(s.heap) == 0 {
		return time.Time{}
	}
	return s.heap[0].at
}

// run wakes what is due now, each at most once.
func (s *schedule) run(now time.Time, out *Out) {
	for len(s.heap) > 0 && !s.heap[0].at.After(now) {
		t := s.heap[0]
		at := t.owner.wake(now, out)
		if !at.IsZero() && !at.After(now) {
			at = now.Add(time.Millisecond) // a bug or a slow clock must not spin
		}
		s.set(t, at)
		out.relieve()
	}
}

func (s *schedule) swap(i, j int) {
	h := s.heap
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (s *schedule) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.heap[i].at.Before(s.heap[parent].at) {
			return
		}
		s.swap(i, parent)
		i = parent
	}
}

func (s *schedule) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.heap); child++ {
			if s.heap[child].at.Before(s.heap[least].at) {
				least = child
			}
		}
		if least == i {
			return
		}
		s.swap(i, least)
		i = least
	}
}
