package gateway_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

// TestASpeakerComesIntoASlot: when the slots are full, whoever speaks takes the place
// of the one who has been silent longest; the others are not interrupted.
func TestASpeakerComesIntoASlot(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.joins(object{"participant": "watcher", "kind": "call"})
		people := map[string]*testkit.Publisher{}
		view := s.playsSlots("live", 3)
		for i, who := range []string{"ann", "bob", "cyd", "dan"} {
			people[who] = s.publishesAs(who, testkit.PublisherOptions{Levels: true, FirstFrame: uint32(i+1) * 10_000, Picture: heldLong()})
			people[who].Say(voiceOf(who[0])...)
		}
		view.shows("ann/main bob/main cyd/main")
		for _, who := range []string{"cyd", "ann"} { // bob is silent longest
			people[who].Loud(30)
			<-time.After(time.Second)
			people[who].Loud(127)
			<-time.After(time.Second)
		}
		view.shows("ann/main bob/main cyd/main")
		begun := time.Now()
		people["dan"].Loud(30)
		view.shows("ann/main dan/main cyd/main")
		if took := time.Since(begun); took > 500*time.Millisecond {
			s.t.Errorf("in a slot %v after the first word", took)
		}
		seen := view.sees(1, 40_000)
		if took := time.Since(begun); took > time.Second {
			s.t.Errorf("five pictures %v after the first word", took)
		}
		if seen.Mixed+seen.Backwards != 0 {
			s.t.Errorf("%+v", seen)
		}
		<-time.After(time.Second)
		people["dan"].Loud(127)
		<-time.After(3 * time.Second)
		view.shows("ann/main dan/main cyd/main") // whoever is there stays
		for slot, first := range []uint32{10_000, 40_000, 30_000} {
			eye := view.Slot(slot).Eye
			if seen := eye.Seen(); seen.Last < first || seen.Last > first+9000 || seen.LongestFreeze > 400*time.Millisecond {
				s.t.Errorf("slot %d: %+v", slot, seen)
			}
			heard := view.Slot(slot).Heard()
			if who := speakerOf(heard[len(heard)-1].Payload)[0]; who != []byte("adc")[slot] {
				s.t.Errorf("slot %d sounds like %c", slot, who)
			}
		}
	})
}
