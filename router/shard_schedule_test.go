package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

type countingWakeable struct {
	woken int
	again time.Time
}

func (c *countingWakeable) wake(time.Time, *Out) time.Time {
	c.woken++
	return c.again
}

func TestScheduleAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s schedule
		timers := make([]wakeTimer, 12)
		model := make([]time.Time, len(timers))
		for i := range timers {
			timers[i].owner = &countingWakeable{}
		}
		now := time.Unix(100, 0)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "what") == 0 {
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "pass")) * time.Second)
				runModel(t, &s, timers, model, now)
			} else {
				i := rapid.IntRange(0, len(timers)-1).Draw(t, "timer")
				at := time.Time{}
				if rapid.IntRange(0, 3).Draw(t, "clear") > 0 {
					at = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "in")) * time.Second)
				}
				s.set(&timers[i], at)
				model[i] = at
			}
			want := time.Time{}
			for _, at := range model {
				want = earlier(want, at)
			}
			if got := s.next(); !got.Equal(want) {
				t.Fatalf("next %v, want %v", got, want)
			}
		}
	})
}

func runModel(t *rapid.T, s *schedule, timers []wakeTimer, model []time.Time, now time.Time) {
	before := make([]int, len(timers))
	for i := range timers {
		before[i] = timers[i].owner.(*countingWakeable).woken
	}
	s.run(now, new(Out))
	for i := range timers {
		want := 0
		if !model[i].IsZero() && !model[i].After(now) {
			want = 1
			model[i] = time.Time{}
		}
		if got := timers[i].owner.(*countingWakeable).woken - before[i]; got != want {
			t.Fatalf("timer %d woken %d times, want %d", i, got, want)
		}
	}
}

func TestScheduleDoesNotSpin(t *testing.T) {
	var s schedule
	now := time.Unix(100, 0)
	c := &countingWakeable{again: now.Add(-time.Second)}
	timer := wakeTimer{owner: c}
	s.set(&timer, now)
	s.run(now, new(Out))
	if c.woken != 1 || !s.next().After(now) {
		t.Errorf("woken %d times, next %v", c.woken, s.next())
	}
}

func TestEarlier(t *testing.T) {
	a, b := time.Unix(1, 0), time.Unix(2, 0)
	for _, c := range [][3]time.Time{{a, b, a}, {b, a, a}, {{}, a, a}, {a, {}, a}, {{}, {}, {}}} {
		if got := earlier(c[0], c[1]); !got.Equal(c[2]) {
			t.Errorf("%v", c)
		}
	}
}
