package bwe

import (
	"testing"
	"time"
)

// told runs an Estimator that is told by reports only: 25 packets of 1200 bytes in a
// tenth of a second are 2.5 Mbit/s.
type told struct {
	e   *Estimator
	now time.Time
}

func newTold() *told { return &told{e: New(DefaultConfig()), now: start} }

// run sends for d and calls report every second.
func (x *told) run(d time.Duration, share uint8, trip time.Duration) *told {
	for end := x.now.Add(d); x.now.Before(end); x.now = x.now.Add(4 * time.Millisecond) {
		x.e.Untracked(x.now, 1200)
		if x.now.Sub(start)%time.Second == 0 {
			x.e.Report(x.now, Reception{Lost: share, Trip: trip})
		}
	}
	return x
}

func (x *told) bits() int {
	bits, _ := x.e.Estimate()
	return bits
}

func TestReports(t *testing.T) {
	const sent = (1200 + Overhead) * 8 * 250
	x := newTold().run(10*time.Second, 0, 40*time.Millisecond)
	good := x.bits()
	if _, known := x.e.Estimate(); known || good < sent {
		t.Errorf("good reports: %d, known %v; sent are %d", good, known, sent)
	}
	if x.run(time.Second, 64, 40*time.Millisecond); x.bits() < good {
		t.Errorf("one bad report lowers to %d", x.bits())
	}
	x.run(3*time.Second, 64, 40*time.Millisecond)
	if _, known := x.e.Estimate(); !known || x.bits() > good*9/10 {
		t.Errorf("bad reports: %d of %d, known %v", x.bits(), good, known)
	}
	x.run(10*time.Second, 0, 40*time.Millisecond)
	if x.run(3*time.Second, 0, 400*time.Millisecond); x.bits() > sent*9/10 {
		t.Errorf("round trips that grow: %d of %d", x.bits(), sent)
	}
	low := x.bits()
	if x.run(5*time.Second, 0, 0); x.bits() <= low {
		t.Errorf("never grows again: %d", x.bits())
	}
	if x.run(5*time.Second, 0, time.Hour); x.bits() <= low {
		t.Errorf("believes a round trip of an hour: %d", x.bits())
	}
}

func TestREMBIsTheEstimateWhereThereIsNoFeedback(t *testing.T) {
	x := newTold().run(time.Second, 0, 0)
	x.e.REMB(x.now, 3_000_000)
	if bits, known := x.e.Estimate(); bits != 3_000_000 || !known {
		t.Errorf("%d, known %v", bits, known)
	}
	x.e.REMB(x.now, 700_000)
	if x.bits() != 700_000 {
		t.Errorf("%d", x.bits())
	}
	x.e.REMB(x.now, 0)
	if x.bits() != 700_000 {
		t.Errorf("nothing counts: %d", x.bits())
	}
}

func TestREMBBoundsWhatFeedbackTells(t *testing.T) {
	w := newWorld(1, road{bits: always(4_000_000)}, threeLayers...).run(10 * time.Second)
	before, _ := w.est.Estimate()
	w.est.REMB(w.wall(), 500_000)
	if bits, _ := w.est.Estimate(); bits != 500_000 {
		t.Errorf("estimate %d", bits)
	}
	w.run(2 * time.Second)
	if w.current > 0 {
		t.Errorf("layer %d", w.current)
	}
	w.run(10 * time.Second) // it is not repeated
	if bits, _ := w.est.Estimate(); bits < before*9/10 {
		t.Errorf("estimate %d, was %d", bits, before)
	}
}
