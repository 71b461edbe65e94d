package router

import (
	"testing"
	"time"
)

func fillings(participants ...string) (list []Filling) {
	for _, c := range casts(participants...) {
		list = append(list, Filling{Cast: c})
	}
	return list
}

func TestSlotsShowWhomTheyAreFilledWith(t *testing.T) {
	s := newStage(t, nil)
	w := s.watchSlots("call", Selector{}, "me", []int{0, 0, 1, 1})
	if got := w.shows(); got != "- - - -" || w.ended != nil {
		t.Fatalf("before anybody came: shows %q, ended %v", got, w.ended)
	}
	alice := s.publish("call", "alice", "a")
	bob := s.publish("call", "bob", "b")
	if got := w.shows(); got != "- - - -" {
		t.Fatalf("slots fill themselves: %q", got)
	}
	for _, tc := range []struct {
		what  string
		slots []Filling
		want  string
	}{
		{"both", fillings("alice", "bob"), "alice alice bob bob"},
		{"one leaves its slot", fillings("alice"), "alice alice - -"},
		{"the other way round", fillings("bob", "alice"), "bob bob alice alice"},
		{"somebody who is not there", fillings("dave", "alice"), "- - alice alice"},
		{"more than there are slots", fillings("alice", "bob", "carol"), "alice alice bob bob"},
		{"nobody", nil, "- - - -"},
	} {
		w.Fill(s.now, tc.slots)
		if got := w.shows(); got != tc.want {
			t.Errorf("%s: shows %q, want %q", tc.what, got, tc.want)
		}
	}
	w.Fill(s.now, fillings("alice", "bob"))
	bob.End(s.now)
	if got := w.shows(); got != "alice alice - -" {
		t.Errorf("bob has gone: shows %q", got)
	}
	s.publish("call", "bob", "b")
	if got := w.shows(); got != "alice alice bob bob" {
		t.Errorf("bob is back: shows %q", got)
	}
	alice.seen = s.now.Add(6 * time.Second)
	w.Detach()
	w.Fill(s.now, fillings("bob", "alice"))
}

func TestASlotIsEmptyOfWhatItCannotPlay(t *testing.T) {
	s := newStage(t, nil)
	a, err := s.tryPublish("call", "alice", "a")
	if err != nil {
		t.Fatal(err)
	}
	a.Commit(s.now, map[Kind]Codec{Video: {Name: VP8}, Audio: {Name: Opus, ClockRate: 48000}})
	a.Live(s.now)
	w := s.watchSlots("call", Selector{}, "", []int{0, 0})
	for who, want := range map[string][2]bool{"alice": {true, false}, "dave": {true, true}} {
		if sound, picture := w.Playable(0, Cast{who, "main"}); want != [2]bool{sound, picture} {
			t.Errorf("%s: sound %v and picture %v; alice sends VP8, which the slot has not, of dave nothing is known", who, sound, picture)
		}
	}
	w.Fill(s.now, fillings("alice"))
	if got := w.shows(); got != "- alice" || w.ended != nil {
		t.Errorf("shows %q, ended %v; want the sound alone", got, w.ended)
	}
}

func TestSlotsWaitForPeople(t *testing.T) {
	s := newStage(t, nil)
	w := s.watchSlots("call", Selector{}, "", []int{0, 0})
	for range 20 {
		s.pass(time.Minute)
	}
	if w.ended != nil {
		t.Errorf("ended with %v", w.ended)
	}
}

func TestSlotTermsWantEverything(t *testing.T) {
	s := newStage(t, func(c *Config) { c.MaxViewers = 1 })
	terms, err := s.router.SlotTerms("call", "")
	if err != nil || terms.Live || terms.Fixed || !terms.Adapts {
		t.Errorf("nobody there: %+v, %v", terms, err)
	}
	s.publish("call", "alice", "a")
	if terms, err = s.router.SlotTerms("call", ""); err != nil || !terms.Live || terms.Fixed || terms.Codecs[Video].Name != H264 {
		t.Errorf("alice is there: %+v, %v", terms, err)
	}
	s.watchSlots("call", Selector{}, "", []int{0, 0})
	if _, err = s.router.SlotTerms("call", ""); err == nil {
		t.Error("a second viewer was let in where one may be")
	}
}

func TestAPriorityReachesTheSections(t *testing.T) {
	s := newStage(t, nil)
	s.publish("call", "alice", "a")
	w := s.watchSlots("call", Selector{}, "", []int{0, 0, 1, 1})
	w.Fill(s.now, []Filling{{Cast{"alice", "main"}, 3}})
	for i, want := range []int{3, 3, 0, 0} {
		if got := w.viewer.sections[i].demand(s.now).Priority; got != want && i%2 == 0 {
			t.Errorf("section %d has priority %d, want %d", i, got, want)
		}
	}
	w.Fill(s.now, nil)
	if got := w.viewer.sections[0].priority; got != 0 {
		t.Errorf("an empty slot has priority %d", got)
	}
}

func TestWhatIsMutedIsNotPassedOn(t *testing.T) {
	s := newStage(t, nil)
	alice := s.publish("call", "alice", "a")
	w, late := s.watch("call", Selector{}, ""), Cast{"alice", "main"}
	if s.router.Mute(s.now, "call", Cast{"bob", "main"}, Mute{Audio: true}) || s.router.Mute(s.now, "other", late, Mute{}) {
		t.Error("somebody who is not there was muted")
	}
	for _, tc := range []struct {
		mute Mute
		want string
	}{
		{Mute{Audio: true}, "alice -"}, {Mute{Video: true}, "- alice"}, {Mute{true, true}, "- -"}, {Mute{}, "alice alice"}, {Mute{Audio: true}, "alice -"},
	} {
		if !s.router.Mute(s.now, "call", late, tc.mute) {
			t.Fatal("nobody to mute")
		}
		if got := w.shows(); got != tc.want {
			t.Errorf("%+v: shows %q, want %q", tc.mute, got, tc.want)
		}
		if got := s.router.Voices("call"); len(got) != 1 || got[0].Muted != tc.mute {
			t.Errorf("voices: %+v, want %+v", got, tc.mute)
		}
	}
	s.pass(11 * time.Second)
	alice.seen = s.now
	s.publish("call", "alice", "a") // by takeover
	if got := w.shows(); got != "alice -" {
		t.Errorf("taken over: shows %q, want it still muted", got)
	}
	if w.ended != nil || !w.live {
		t.Error("a muted publication counts as gone")
	}
}

func TestVoices(t *testing.T) {
	s := newStage(t, nil)
	if got := s.router.Voices("call"); len(got) != 0 {
		t.Errorf("nobody there: %v", got)
	}
	bob := s.publish("call", "bob", "b")
	silent, err := s.tryPublish("call", "alice", "a")
	if err != nil {
		t.Fatal(err)
	}
	silent.Commit(s.now, map[Kind]Codec{Video: {Name: VP8}})
	if got := s.router.Voices("call"); len(got) != 1 {
		t.Errorf("one that sends nothing yet is listed: %v", got)
	}
	silent.Live(s.now)
	got := s.router.Voices("call")
	if len(got) != 2 || got[0].Participant != "alice" || got[0].Track != nil || !got[0].Video ||
		got[1].Participant != "bob" || got[1].Track != bob.Track(Audio) || !got[1].Since.Equal(s.now) {
		t.Errorf("%+v", got)
	}
}
