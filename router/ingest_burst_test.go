package router

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// partOf is one packet of a frame of several.
func partOf(seq uint16, ts uint32, first, last bool) wire {
	return wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: seq, ts: ts, marker: last, payload: vp8Payload(first, false)}
}

func (i *intake) burstSizes() (sizes []int) {
	for _, b := range i.takeBursts() {
		sizes = append(sizes, len(b.Packets))
	}
	return sizes
}

func TestBurstsEndWithTheFrame(t *testing.T) {
	i := newIntake(t, nil)
	i.send(partOf(1, 0, true, false), partOf(2, 0, false, false))
	if n := i.burstSizes(); n != nil {
		t.Fatalf("delivered %v before the end of the frame", n)
	}
	if l := i.theLayer(i.video); l.Packet(firstCycle+1) != nil {
		t.Error("a packet can be seen before it is delivered")
	}
	i.send(partOf(3, 0, false, true))
	if n := i.burstSizes(); !slices.Equal(n, []int{3}) {
		t.Errorf("marker: %v", n)
	}
	i.send(partOf(4, 9000, true, false), partOf(5, 18000, true, false))
	if n := i.burstSizes(); !slices.Equal(n, []int{1}) {
		t.Errorf("next timestamp: %v", n)
	}
	i.pass(10 * time.Millisecond)
	if n := i.burstSizes(); !slices.Equal(n, []int{1}) {
		t.Errorf("tick: %v", n)
	}
	i.send(partOf(6, 27000, true, false))
	i.now = i.now.Add(6 * time.Millisecond)
	i.send(partOf(7, 27000, false, false))
	if n := i.burstSizes(); !slices.Equal(n, []int{2}) {
		t.Errorf("slow frame: %v", n)
	}
}

func TestBurstsAreBounded(t *testing.T) {
	i := newIntake(t, nil)
	for n := range uint16(150) {
		i.send(partOf(n, 0, n == 0, n == 149))
	}
	if n := i.burstSizes(); !slices.Equal(n, []int{64, 64, 22}) {
		t.Errorf("%v", n)
	}
}

// A late packet is a burst of its own; what was open goes first, in order of
// arrival.
func TestLatePacketsGoAtOnce(t *testing.T) {
	i := newIntake(t, nil)
	i.send(partOf(1, 0, true, false), partOf(3, 0, false, false))
	i.send(partOf(2, 0, false, false))
	if n := i.burstSizes(); !slices.Equal(n, []int{2, 1}) {
		t.Errorf("%v", n)
	}
}

func TestBurstsMayBeKept(t *testing.T) {
	i := newIntake(t, nil)
	var want []string
	for n := range uint16(600) {
		i.send(vp8(n, uint32(n)*intakeFrame, n%50 == 0))
		want = append(want, fmt.Sprint(n))
	}
	for n, b := range i.bursts {
		if got := fmt.Sprint(b.Packets[0].Seq - firstCycle); got != want[n] {
			t.Fatalf("burst %d has become packet %s", n, got)
		}
	}
}

// The first packets may come in the wrong order.
func TestReorderedStart(t *testing.T) {
	i := newIntake(t, nil)
	w := partOf(11, 0, false, true)
	key := wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: 10, payload: vp8Payload(true, true)}
	i.send(w, key)
	l := i.theLayer(i.video)
	if got := relative(seqsOf(l.Group())); !slices.Equal(got, []int64{0, 1}) {
		t.Errorf("group %v", got)
	}
	if s := i.in.Stats().Layers[0]; s.Lost != 0 || s.KeyFrames != 1 {
		t.Errorf("%+v", s)
	}
	i.pass(time.Second)
	if n := asked(i.sent); n != nil {
		t.Errorf("asked for %v", n)
	}
}
