package router

import "testing"

// A packet that comes late and lies before the first one a viewer was sent can
// have a number below 0, because the first number is chosen low.
func TestSentWindowBelowZero(t *testing.T) {
	w := sentWindow{highest: 2}
	w.advance(3)
	for n := int64(-70); n < 0; n++ {
		if w.holds(n) {
			t.Errorf("%d is held", n)
		}
	}
	if !w.holds(0) || w.sent(0) || !w.sent(3) {
		t.Error("what is there is not held")
	}
}

func TestLatePacketBeforeTheFirstNumber(t *testing.T) {
	w, f, v, p := liveVideo(t)
	f.run(100e6, false)
	sec := v.sections[0]
	seg := sec.segments.current()
	sec.late(w.now, &Packet{Seq: -5 - seg.offset, Payload: []byte{1}}, -5, &w.out)
	if len(w.out.Packets) != 0 {
		t.Error("a packet was sent under a number below 0")
	}
	if p.highest < 0 {
		t.Fatal("nothing was sent before")
	}
}
