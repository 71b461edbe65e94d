package bwe

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNothingIsKnownAtFirst(t *testing.T) {
	e := New(DefaultConfig())
	if bits, known := e.Estimate(); bits != DefaultConfig().Start || known || e.Queue(start) != 0 {
		t.Errorf("%d, %v, %v", bits, known, e.Queue(start))
	}
	e.Want(0, 5_000_000, false)
	for range 100 {
		e.Sent(start, 1000)
	}
	if bytes, next := e.Padding(start.Add(time.Second)); bytes != 0 || !next.IsZero() {
		t.Errorf("probes without feedback: %d, %v", bytes, next)
	}
}

func TestNumbersGoOn(t *testing.T) {
	e := New(DefaultConfig())
	for i := range 1 << 17 {
		if e.Number() != uint16(i) {
			t.Fatalf("packet %d has number %d", i, e.Number())
		}
		e.Sent(start, 10)
	}
}

func TestAGoodPathIsFoundSoon(t *testing.T) {
	w := newWorld(1, road{bits: always(10_000_000)}, threeLayers...).run(2 * time.Second)
	if bits, known := w.est.Estimate(); bits < 1_900_000 || !known {
		t.Errorf("%d, known %v", bits, known)
	}
}

func TestTheQueueIsMeasured(t *testing.T) {
	for _, drift := range []float64{0, 200e-6, -200e-6} {
		// 1.78 Mbit/s on 1 Mbit/s, before anybody can react.
		w := newWorld(1, road{bits: fall(6_000_000, 1_000_000, 60*time.Second, time.Hour), drift: drift}, threeLayers...).run(60 * time.Second)
		if q := w.est.Queue(w.wall()); q > 10*time.Millisecond {
			t.Errorf("drift %v: queue %v on an idle way", drift, q)
		}
		w.run(500 * time.Millisecond)
		truth := w.link.free - w.now
		if q := w.est.Queue(w.wall()); q < truth/3 || q > truth*3/2 {
			t.Errorf("drift %v: queue %v, is %v", drift, q, truth)
		}
	}
}

// A longer way is no queue: nothing is lowered, and it is forgotten soon.
func TestAnotherRouteIsNoQueue(t *testing.T) {
	longer := func(_ *rand.Rand, at time.Duration) time.Duration {
		if at > 20*time.Second {
			return 70 * time.Millisecond
		}
		return 0
	}
	w := newWorld(1, road{bits: always(4_000_000), jitter: longer}, threeLayers...).run(20 * time.Second)
	changes := w.changes
	w.run(10 * time.Second)
	if w.changes > changes || w.current != 2 || w.est.Queue(w.wall()) > 20*time.Millisecond {
		t.Errorf("layer %d, %d changes, queue %v", w.current, w.changes-changes, w.est.Queue(w.wall()))
	}
}

func TestLossThatStaysWhateverIsSent(t *testing.T) {
	for _, loss := range []float64{0.08, 0.12, 0.2} {
		w := newWorld(1, road{bits: always(4_000_000), loss: loss}, threeLayers...).run(60 * time.Second)
		high := 0
		for _, s := range w.log {
			if s.current == Paused && s.at > time.Second {
				t.Fatalf("loss %v: paused at %v", loss, s.at)
			}
			if s.current == 2 {
				high++
			}
		}
		if high*2 < len(w.log) {
			t.Errorf("loss %v: the best layer for %d of %d", loss, high, len(w.log))
		}
	}
}

// A policer drops what is too much and queues nothing.
func TestAPolicerIsFoundByLoss(t *testing.T) {
	way := road{bits: fall(4_000_000, 700_000, 15*time.Second, time.Hour), queue: 25 * time.Millisecond}
	w := newWorld(1, way, threeLayers...).run(15 * time.Second)
	if w.run(2500 * time.Millisecond); w.current == 2 {
		t.Errorf("layer %d 2.5 s after the fall", w.current)
	}
	if w.run(30 * time.Second); w.current < 0 || w.current > 1 {
		t.Errorf("layer %d", w.current)
	}
}

// Feedback that stops is neither good nor bad news at once.
func TestFeedbackThatStops(t *testing.T) {
	w := newWorld(1, road{bits: always(4_000_000)}, threeLayers...).run(10 * time.Second)
	before, _ := w.est.Estimate()
	w.link.unheard = 1
	w.run(1900 * time.Millisecond)
	if bits, _ := w.est.Estimate(); bits != before {
		t.Errorf("%d after 2 s, was %d", bits, before)
	}
	padding := w.padding
	w.run(60 * time.Second)
	if bits, _ := w.est.Estimate(); bits > DefaultConfig().Start {
		t.Errorf("%d after a minute, was %d", bits, before)
	}
	if w.padding > padding+50_000 {
		t.Errorf("%d bytes of padding nobody heard of", w.padding-padding)
	}
	w.link.unheard = 0
	if w.run(10 * time.Second); w.current != 2 {
		t.Errorf("layer %d when it is back", w.current)
	}
}

// What is sent rarely, with pauses, is no silence of the receiver.
func TestAPauseIsNoSilence(t *testing.T) {
	w := newWorld(1, road{bits: always(4_000_000)}, threeLayers...).run(10 * time.Second)
	before, _ := w.est.Estimate()
	w.now += time.Minute
	w.link.now, w.receiver.next = w.now, w.now
	w.run(time.Second)
	if bits, _ := w.est.Estimate(); bits < before*9/10 {
		t.Errorf("%d after a pause, was %d", bits, before)
	}
}

func TestNothingIsProbedThatNobodyWants(t *testing.T) {
	w := newWorld(1, road{bits: always(10_000_000)}, 150_000)
	if w.run(20 * time.Second); w.padding > 0 {
		t.Errorf("%d bytes of padding", w.padding)
	}
}

// Whatever calls come in whatever order, with whatever feedback, the estimate stays
// within its bounds and padding within reason.
func TestPropertyAnyOrderOfCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Start: 500_000, Least: 40_000, Most: 5_000_000}
		e, now := New(cfg), start
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(-5, 300).Draw(t, "later")) * time.Millisecond)
			switch rapid.IntRange(0, 6).Draw(t, "call") {
			case 0, 1:
				for range rapid.IntRange(1, 900).Draw(t, "packets") {
					e.Sent(now, rapid.IntRange(0, 1500).Draw(t, "size"))
				}
			case 2:
				e.Untracked(now, rapid.IntRange(0, 1500).Draw(t, "size"))
			case 3:
				b := rapid.SliceOfN(rapid.Byte(), 8, 60).Draw(t, "feedback")
				base := e.Number() - rapid.Uint16Range(0, 100).Draw(t, "back")
				b[0], b[1], b[2] = byte(base>>8), byte(base), 0
				e.Feedback(now, b)
			case 4:
				e.Report(now, Reception{
					Lost: rapid.Byte().Draw(t, "lost"), Trip: time.Duration(rapid.Int64().Draw(t, "trip")), Jitter: time.Duration(rapid.Int64().Draw(t, "jitter")),
				})
			case 5:
				e.REMB(now, rapid.Int().Draw(t, "remb"))
			case 6:
				e.Want(rapid.IntRange(-1, 10_000_000).Draw(t, "next"), rapid.IntRange(-1, 10_000_000).Draw(t, "want"), rapid.Bool().Draw(t, "paused"))
				if bytes, _ := e.Padding(now); bytes < 0 || bytes > 5_000_000*110/100*4*grid/8_000_000 {
					t.Fatalf("%d bytes of padding", bytes)
				}
			}
			if bits, _ := e.Estimate(); bits < cfg.Least || bits > cfg.Most {
				t.Fatalf("estimate %d", bits)
			}
			if e.Queue(now) < 0 {
				t.Fatalf("queue %v", e.Queue(now))
			}
		}
	})
}

// Key frames fill the queue of a path that carries the stream with little to spare;
// it drains, and nothing is taken away.
func TestKeyFramesCostNoLayer(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(seed, road{bits: always(2_150_000)}, threeLayers...)
		w.key, w.gop = 7, 3*time.Second
		w.run(15 * time.Second)
		early := w.changes
		if w.run(60 * time.Second); w.current != 2 || w.changes > early {
			t.Errorf("seed %d: layer %d, %d changes", seed, w.current, w.changes-early)
		}
	}
}

// Others who fill the queue and do not give way push a viewer down, but not out.
func TestOthersWhoDoNotGiveWayPushNobodyOut(t *testing.T) {
	for seed := range uint64(4) {
		way := road{bits: always(6_300_000), cross: always(6_000_000), queue: time.Second}
		w := newWorld(seed, way, threeLayers...).run(90 * time.Second)
		for _, s := range w.log {
			if s.grant == Paused && s.at > time.Second {
				t.Fatalf("seed %d: paused at %v", seed, s.at)
			}
		}
	}
}

// What is on its way on a long and fast path must be remembered.
func TestALongFastPathIsRemembered(t *testing.T) {
	way := road{bits: always(50_000_000), trip: 300 * time.Millisecond, report: 250 * time.Millisecond}
	w := newWorld(1, way, 16_000_000)
	w.alloc.Allocate(w.wall(), 20_000_000, true, []Demand{w.demands[0], {Steps: steps(16_000_000), Current: 0}}, w.grants)
	w.est.bits = 20_000_000
	w.run(5 * time.Second)
	if bits, known := w.est.Estimate(); bits < 16_000_000 || !known || w.est.loss.total == 0 && w.est.loss.since == 0 {
		t.Errorf("estimate %d, known %v", bits, known)
	}
	if n := len(w.est.sent.ring); n != mostHistory {
		t.Errorf("%d packets are remembered", n)
	}
	if got := w.est.delay.acked(); got < 15_000_000 {
		t.Errorf("acknowledged %d", got)
	}
}
