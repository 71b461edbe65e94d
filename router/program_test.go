package router

import (
	"testing"
	"time"
)

func casts(participants ...string) (list []Cast) {
	for _, p := range participants {
		list = append(list, Cast{p, "main"})
	}
	return list
}

func TestTheProgramChoosesPictureAndSoundApart(t *testing.T) {
	s := newStage(t, nil)
	s.publish("call", "alice", "a")
	s.pass(time.Second)
	s.publish("call", "bob", "b")
	s.publish("call", "carol", "c")
	stranger, carol := s.watch("call", Selector{}, ""), s.watch("call", Selector{}, "carol")
	named := s.watch("call", Selector{Participant: "alice"}, "")
	for _, tc := range []struct {
		what                   string
		program                Program
		stranger, carol, named string
	}{
		{"nobody chosen", Program{}, "alice alice", "alice alice", "alice alice"},
		{"a speaker with a picture", Program{casts("bob"), casts("bob")}, "bob bob", "bob bob", "alice alice"},
		{"sound before the picture", Program{casts("bob"), casts("carol", "bob")}, "bob carol", "bob bob", "alice alice"},
		{"oneself and then somebody else", Program{casts("carol", "bob"), casts("carol", "bob")}, "carol carol", "bob bob", "alice alice"},
		{"only oneself", Program{casts("carol"), nil}, "carol alice", "alice alice", "alice alice"},
		{"somebody who is not there", Program{casts("dave", "bob"), casts("dave")}, "bob alice", "bob alice", "alice alice"},
		{"back to the rule", Program{}, "alice alice", "alice alice", "alice alice"},
	} {
		s.router.SetProgram(s.now, "call", tc.program)
		for _, v := range []struct {
			w    *spectator
			want string
		}{{stranger, tc.stranger}, {carol, tc.carol}, {named, tc.named}} {
			if got := v.w.shows(); got != v.want {
				t.Errorf("%s: shows %q, want %q", tc.what, got, v.want)
			}
		}
	}
}

func TestTheProgramIsKeptWhileNobodyIsThere(t *testing.T) {
	s := newStage(t, nil)
	s.router.SetProgram(s.now, "live", Program{casts("bob"), casts("bob")})
	alice := s.publish("live", "alice", "a")
	bob := s.publish("live", "bob", "b")
	alice.End(s.now)
	bob.End(s.now)
	if got := s.router.Channels(); len(got) != 0 {
		t.Fatalf("a program alone makes a channel: %v", got)
	}
	s.publish("live", "alice", "a")
	s.pass(time.Second)
	s.publish("live", "bob", "b")
	if w := s.watch("live", Selector{}, ""); w.shows() != "bob bob" {
		t.Errorf("shows %q, want the program of before", w.shows())
	}
}

func TestAnInterruptedProgramGivesWay(t *testing.T) {
	s := newStage(t, nil)
	s.router.SetProgram(s.now, "live", Program{casts("bob"), casts("bob")})
	bob := s.publish("live", "bob", "b")
	alice := s.publish("live", "alice", "a")
	w := s.watch("live", Selector{}, "")
	alice.seen = s.now.Add(6 * time.Second)
	s.pass(6 * time.Second)
	if w.shows() != "alice alice" {
		t.Fatalf("bob is interrupted: shows %q", w.shows())
	}
	bob.seen = s.now
	s.pass(time.Second)
	if w.shows() != "bob bob" {
		t.Errorf("bob is back: shows %q", w.shows())
	}
}

func TestTermsNameTheCodecsOfTheProgram(t *testing.T) {
	s := newStage(t, nil)
	s.publish("live", "alice", "a")
	bob, err := s.tryPublish("live", "bob", "b")
	if err != nil {
		t.Fatal(err)
	}
	bob.Commit(s.now, map[Kind]Codec{Video: {Name: VP8}})
	bob.Live(s.now)
	s.router.SetProgram(s.now, "live", Program{Video: casts("bob")})
	terms, err := s.router.Terms("live", Selector{}, "")
	if err != nil || terms.Fixed || terms.Codecs[Video].Name != VP8 || terms.Codecs[Audio].Name != Opus {
		t.Errorf("%+v, %v; want the picture of bob and the sound of alice", terms, err)
	}
}
