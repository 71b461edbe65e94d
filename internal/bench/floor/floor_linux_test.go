package floor

import (
	"testing"
	"time"
)

func TestEveryCaseRuns(t *testing.T) {
	for _, c := range Cases() {
		r, err := Measure(c, 5*time.Millisecond)
		if err != nil {
			t.Errorf("%s: %v", c, err)
			continue
		}
		if r.Packets < c.round() || r.NsPerPacket < 0 || r.Case != c.String() {
			t.Errorf("%+v", r)
		}
	}
}

func TestTheReferenceHasAPlausiblePrice(t *testing.T) {
	r, err := Measure(Reference(), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.NsPerPacket < 50 || r.NsPerPacket > 100_000 {
		t.Errorf("%+v", r)
	}
}
