package egress

import (
	"testing"
	"time"
)

// A connection that says it is behind gets no more pictures, but sound, and goes on
// with a key frame when it has caught up.
func TestAPictureWaitsUntilItsConnectionHasCaughtUp(t *testing.T) {
	src := newSource(t)
	worker := newSlowWorker(src.now)
	s := newStream(t)
	behind, tooMuch := false, false
	path := *s.line.path.Load()
	path.Behind = func(paused bool) bool { return paused && behind || !paused && tooMuch }
	s.line.Move(path)
	client := worker.add(t, src, &s.line)
	round := func(send ...func()) time.Time {
		for _, f := range send {
			f()
		}
		worker.at = src.now
		return worker.round(&worker.work, worker.at.Add(time.Hour))
	}
	expect := func(what string, taken int, stalls uint64) {
		t.Helper()
		if s.taken != taken || client.Viewer().Stats().Stalls != stalls {
			t.Fatalf("%s: %d packets and %d stalls, want %d and %d", what, s.taken, client.Viewer().Stats().Stalls, taken, stalls)
		}
	}
	round(src.keyFrame)
	round(src.frame)
	expect("in time", 2, 0)
	behind, tooMuch = true, true
	round(src.frame)
	expect("the last one that is taken", 3, 1)
	tooMuch = false
	if next := round(src.frame, src.sound, src.keyFrame, src.sound); next.After(worker.at.Add(resumeEvery)) {
		t.Errorf("looks again at %v, now is %v", next, worker.at)
	}
	expect("sound alone", 5, 1)
	behind = false
	round(src.frame)
	round(src.frame, src.keyFrame, src.frame, src.sound)
	expect("again from a key frame on", 8, 1)
	if client.Line().Failed() != 0 || len(worker.paused) != 0 {
		t.Errorf("%d failed, %d paused", client.Line().Failed(), len(worker.paused))
	}
}
