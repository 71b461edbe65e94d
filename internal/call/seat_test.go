package call

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

// place is a viewer's attachment in a test.
type place struct {
	fills [][]router.Filling
	told  []string
	deaf  string
}

func (p *place) Fill(_ time.Time, f []router.Filling) { p.fills = append(p.fills, f) }
func (p *place) Playable(_ int, c router.Cast) (sound, picture bool) {
	return c.Participant != p.deaf, c.Participant != p.deaf
}

// Tell is Viewer.Tell.
func (p *place) Tell(slots []Slot) {
	var words []string
	for _, s := range slots {
		w := s.Cast.Participant
		if s.Pinned {
			w += "*"
		}
		if s.Unplayable {
			w += "!"
		}
		words = append(words, w)
	}
	p.told = append(p.told, strings.Join(words, " "))
}

// take returns what was told since the last time.
func (p *place) take() string {
	told := strings.Join(p.told, "; ")
	p.told = nil
	return told
}

func TestSeats(t *testing.T) {
	s := newScene(t, Call, nil)
	p := &place{}
	seat := s.Seat(Viewer{Channel: "c", ID: "v", Self: "zoe", Audio: 2, Video: 2, Place: p, Tell: p.Tell})
	expect := func(want string) {
		t.Helper()
		if got := p.take(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	expect("")
	s.comes("zoe")
	expect("")
	s.comes("ann")
	expect("ann ")
	s.comes("bob", "cyd")
	expect("ann bob")
	s.says["cyd"] = 30
	s.talk(time.Second)
	expect("cyd bob")
	if f := p.fills[len(p.fills)-1]; f[1] != (router.Filling{Cast: castNamed("bob")}) || f[0] != (router.Filling{Cast: castNamed("cyd"), Priority: prioritySpeaker}) {
		t.Errorf("%v", f)
	}
	n := len(p.fills)
	s.talk(2 * time.Second)
	if len(p.fills) != n {
		t.Error("filled anew without a change")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(seat.Pin(0, castNamed("dan")))
	expect("dan* cyd")
	must(seat.Pin(0, castNamed("cyd")))
	expect("cyd* ann")
	p.deaf = "cyd"
	must(s.Mute("c", castNamed("ann"), router.Mute{Video: true}))
	s.react(s.clock())
	expect("cyd*! bob")
	if slots := seat.Slots(); len(slots) != 2 || !slots[0].Pinned || !slots[0].Unplayable || slots[1].Index != 1 {
		t.Errorf("%+v", slots)
	}
	must(seat.Unpin(0))
	expect("ann bob") // nothing else is left for the slot
	p.deaf = "ann"
	seat.Again()
	s.react(s.clock())
	expect("cyd bob")
	s.refuses(seat.Pin(2, castNamed("ann")), "slot-unknown")
	s.refuses(seat.Unpin(-1), "slot-unknown")
	s.refuses(seat.Pin(0, castNamed("zoe/screen")), "not-for-slots")
	seat.Leave()
	seat.Leave()
	s.comes("eve")
	expect("")
}

// BenchmarkChange is a change in a call of thirty with thirty viewers of nine slots.
func BenchmarkChange(b *testing.B) {
	h := newHall(b, nil)
	if _, err := h.Provision("c", Settings{Kind: Call}); err != nil {
		b.Fatal(err)
	}
	for i := range 30 {
		who := fmt.Sprint("participant-", i)
		h.onAir(who, "main", who)
		h.Seat(Viewer{Channel: "c", Self: who, Audio: 9, Video: 9, Place: nowhere{}, Tell: func([]Slot) {}})
	}
	st := h.lockStage("c")
	h.unlockStage(st)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		st.mu.Lock()
		st.refresh(h.clock())
		for i := range st.voices {
			st.speaker.voices[st.voices[i].Cast] = &voice{cast: st.voices[i].Cast, speaking: i == n%30}
		}
		st.direct(h.clock())
		st.mu.Unlock()
	}
}

type nowhere struct{}

func (nowhere) Fill(time.Time, []router.Filling)                {}
func (nowhere) Playable(int, router.Cast) (sound, picture bool) { return true, true }
