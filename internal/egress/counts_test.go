package egress

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestBatchesAreCounted(t *testing.T) {
	for _, step := range LastSteps() {
		s := socket(t, "udp4", "127.0.0.1:0", step)
		if s.LastStep() != step {
			continue // not on this system
		}
		box := NewOutbox()
		sent := 0
		for range 2 {
			p, packets := newPlayer(t, s, "127.0.0.1:0"), frames(t, 5, 1)
			box.Put(p.line, packets)
			sent += len(packets)
		}
		box.Flush()
		got := &box.batch.sent
		if got.runs.Sum() != float64(sent) || got.runs.Count() == 0 {
			t.Errorf("%s: %v packets in %d runs, want %d packets", step, got.runs.Sum(), got.runs.Count(), sent)
		}
		// What a system call takes: runs, packets, or one packet.
		want := map[LastStep]float64{Segmented: float64(got.runs.Count()), Batched: float64(sent), Single: float64(sent)}[step]
		if got.calls.Sum() != want || (got.calls.Count() == uint64(want)) != (step == Single) {
			t.Errorf("%s: %v in %d calls, want %v", step, got.calls.Sum(), got.calls.Count(), want)
		}
	}
}

func TestDelaysAndLatenessAreTold(t *testing.T) {
	src, w := newSource(t), newWire()
	worker := newSlowWorker(src.now)
	worker.add(t, src, &w.line)
	pool := &Pool{workers: []*Worker{worker.Worker}}
	src.keyFrame()
	worker.at = src.now.Add(3 * time.Millisecond)
	worker.round(&worker.work, time.Time{})
	s := pool.Stats(worker.at)
	if s.Workers != 1 || s.Late != 0 || s.Delay.Count() != 1 || s.Delay.Cumulative()[.002] != 0 || s.Delay.Cumulative()[.005] != 1 {
		t.Fatalf("in time: %+v", s)
	}
	src.frame()
	src.sound()
	worker.at = src.now.Add(700 * time.Millisecond)
	worker.round(&worker.work, time.Time{})
	s = pool.Stats(worker.at)
	if s.Late != 1 || s.ShedBursts != 1 || s.ShedFeedback != 0 || s.Saturated {
		t.Errorf("late: %d late, %d bursts and %d feedbacks shed, saturated %v", s.Late, s.ShedBursts, s.ShedFeedback, s.Saturated)
	}
	src.frame()
	worker.at = worker.at.Add(3 * time.Second)
	worker.round(&worker.work, time.Time{})
	if s = pool.Stats(worker.at); s.Late != 1 || !s.Saturated {
		t.Errorf("again: %d late, saturated %v", s.Late, s.Saturated)
	}
}

// A reader of the numbers must never make a worker wait.
func TestPublishingDoesNotWait(t *testing.T) {
	worker := newSlowWorker(time.Unix(1000, 0))
	worker.counts.mu.Lock()
	worker.box.batch.sent.streamed = 7
	worker.round(&worker.work, time.Time{}) // would hang
	worker.counts.mu.Unlock()
	worker.round(&worker.work, time.Time{})
	if got := (&Pool{workers: []*Worker{worker.Worker}}).Stats(worker.at).Streamed; got != 7 {
		t.Errorf("%d told in the round after", got)
	}
}

func TestShedFeedbackIsToldApart(t *testing.T) {
	in := newInbox(1, 1)
	for range 3 {
		in.feedback(new(Client), nil)
	}
	in.dropped(5)
	if in.shed != 7 || in.shedFeedback != 2 {
		t.Errorf("%d shed, %d of them feedback", in.shed, in.shedFeedback)
	}
}

func TestPing(t *testing.T) {
	pool := Start(DefaultConfig())
	if err := pool.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := pool.Ping(ctx); !errors.Is(err, ErrStuck) {
		t.Errorf("workers that have ended: %v", err)
	}
}
