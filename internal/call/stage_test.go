package call

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

// scene is a hall whose channel is a call, with people who make sounds.
type scene struct {
	*hall
	*testing.T
	mics map[string]*microphone // by participant/source
	// says are the levels of now, by the same; whoever is not in it is silent.
	says map[string]uint8
	// plays is Opus to send instead of a level.
	plays map[string][]byte
}

func newScene(t *testing.T, kind Kind, change func(*Config)) *scene {
	h := newHall(t, func(c *Config, _ *router.Config) {
		if change != nil {
			change(c)
		}
	})
	if _, err := h.Provision("c", Settings{Kind: kind}); err != nil {
		t.Fatal(err)
	}
	return &scene{hall: h, T: t, mics: make(map[string]*microphone), says: make(map[string]uint8), plays: make(map[string][]byte)}
}

// comes makes somebody publish.
func (s *scene) comes(who ...string) *visitor {
	s.Helper()
	var last *visitor
	for _, w := range who {
		c := castNamed(w)
		last = s.onAir(c.Participant, c.Source, "login-"+c.Participant)
		m := microphoneOf(s.T, last.pub.Track(router.Audio))
		m.now = s.clock
		s.mics[w] = m
		s.hall.mu.Lock()
		s.now = s.now.Add(time.Millisecond) // so that they have come in an order
		s.hall.mu.Unlock()
	}
	s.react(s.clock())
	return last
}

// talk lets people say something for a time, as a packet every 20 ms and a look every 100 ms.
func (s *scene) talk(d time.Duration) {
	s.Helper()
	for n := 1; d > 0; n++ {
		s.hall.mu.Lock()
		s.now = s.now.Add(20 * time.Millisecond)
		s.hall.mu.Unlock()
		d -= 20 * time.Millisecond
		for who, m := range s.mics {
			if payload := s.plays[who]; payload != nil {
				m.send(s.T, payload, 20*time.Millisecond)
				continue
			}
			level, says := s.says[who]
			if !says {
				level = 100
			}
			m.send(s.T, []byte{0xfc, 1, 2}, 20*time.Millisecond, level)
		}
		if n%5 == 0 {
			s.listen(s.clock())
			s.settleMeasuring()
		}
	}
}

// settleMeasuring decodes what waits for it: nothing else does in these tests.
func (s *scene) settleMeasuring() {
	for len(s.director.measurer.work) > 0 {
		s.director.measurer.take(<-s.director.measurer.work)
	}
}

// shows is the program in words.
func (s *scene) shows() string {
	p := s.Program("c")
	word := func(c router.Cast) string {
		if c == (router.Cast{}) {
			return "-"
		}
		return c.Participant + "/" + c.Source
	}
	return fmt.Sprintf("%s %s %s %q", word(p.Pinned), word(p.Video), word(p.Audio), p.Speaker)
}

func (s *scene) showing(want string) {
	s.Helper()
	if got := s.shows(); got != want {
		s.Errorf("shows %s, want %s", got, want)
	}
}

// TestMembersAreToldWhoSpeaks: speaking, speaker, the roster and the snapshot.
func TestMembersAreToldWhoSpeaks(t *testing.T) {
	s := newScene(t, Call, nil)
	s.comes("ann", "bob")
	_, page := s.join("zoe", "z")
	page.expect("snapshot speaker=<nil>")
	s.talk(time.Second)
	page.expect()
	s.says["bob"] = 30
	s.talk(sec(0.5))
	page.expect("speaking participant=bob speaking=true level=30", "speaker participant=bob")
	if people := s.Participants("c"); !people[1].Speaking || people[0].Speaking {
		t.Errorf("%+v", people)
	}
	delete(s.says, "bob")
	s.talk(sec(0.5))
	page.expect()
	s.talk(sec(0.5))
	page.expect("speaking participant=bob speaking=false level=<nil>")
	_, late := s.join("yan", "y")
	late.expect("snapshot speaker=bob")
	page.expect("joined participant=yan")
	s.showing(`- bob/main bob/main "bob"`)
}

// TestWhoeverLeavesSpeaksNoMore: at once, and not only when somebody listens.
func TestWhoeverLeavesSpeaksNoMore(t *testing.T) {
	s := newScene(t, Call, nil)
	s.comes("ann")
	bob := s.comes("bob")
	_, page := s.join("zoe", "z")
	s.says["bob"] = 30
	s.talk(time.Second)
	page.expect("snapshot", "speaking participant=bob speaking=true", "speaker participant=bob")
	delete(s.mics, "bob")
	s.end(bob, nil)
	s.react(s.clock())
	page.expect("unpublished participant=bob", "left participant=bob", "speaker participant=<nil>")
	s.showing(`- ann/main ann/main ""`)
}

// TestABroadcastFollowsNobody but a pin.
func TestABroadcastFollowsNobody(t *testing.T) {
	s := newScene(t, Broadcast, nil)
	s.comes("ann", "bob")
	_, page := s.join("zoe", "z")
	page.expect("snapshot")
	s.says["bob"] = 20
	s.talk(3 * time.Second)
	page.expect()
	s.showing(`- ann/main ann/main ""`)
	if n := len(s.director.all()); n > 0 {
		t.Errorf("%d stages for a broadcast", n)
	}
	s.Pin("c", castNamed("bob"))
	s.showing(`bob/main bob/main bob/main ""`)
	s.Pin("c", router.Cast{})
	s.showing(`- ann/main ann/main ""`)
}

// TestAPinComesFirst, waits for its publication, and outlives it.
func TestAPinComesFirst(t *testing.T) {
	s := newScene(t, Call, nil)
	s.comes("ann", "bob")
	s.says["ann"] = 30
	s.talk(sec(2))
	s.Pin("c", castNamed("cyd"))
	s.showing(`cyd/main ann/main ann/main "ann"`)
	cyd := s.comes("cyd")
	s.showing(`cyd/main cyd/main cyd/main "ann"`)
	delete(s.mics, "cyd")
	s.end(cyd, nil)
	s.react(s.clock())
	s.showing(`cyd/main ann/main ann/main "ann"`)
	_, page := s.join("zoe", "z")
	list, _ := page.next()
	if got := fmt.Sprint(list[0].data["program"]); got != "map[audio:map[participant:ann source:main] pinned:map[participant:cyd source:main] video:map[participant:ann source:main]]" {
		t.Error(got)
	}
	s.Pin("c", router.Cast{})
	s.showing(`- ann/main ann/main "ann"`)
}

// TestTheProgramHasRecentSpeakers for those who are the speaker themselves, or cannot
// play him.
func TestTheProgramHasRecentSpeakers(t *testing.T) {
	s := newScene(t, Call, nil)
	s.comes("ann", "bob", "bob/screen", "bob/camera", "cyd/mic", "cyd/screen")
	for _, who := range []string{"ann", "cyd/mic", "bob/screen"} {
		s.says = map[string]uint8{who: 30}
		s.talk(sec(2))
	}
	st := s.lockStage("c")
	got := fmt.Sprint(st.program.Video, st.program.Audio)
	s.unlockStage(st)
	// The seen one first: a face before a screen, and main before camera.
	if want := "[{bob main} {cyd mic} {ann main}] [{bob screen} {cyd mic} {ann main}]"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestPictureOfASpeaker: main, camera, another, the screen.
func TestPictureOfASpeaker(t *testing.T) {
	s := newScene(t, Call, nil)
	for _, c := range []struct{ comes, want string }{
		{"ann/screen", "screen"}, {"ann/cam2", "cam2"}, {"ann/camera", "camera"}, {"ann", "main"}, {"ann/aaa", "main"},
	} {
		s.comes(c.comes)
		st := s.lockStage("c")
		if got := st.seenOf("ann"); got.Source != c.want {
			t.Errorf("%v, want %s", got, c.want)
		}
		s.unlockStage(st)
	}
}

// TestMutedIsNotASpeaker, and members are told of it once.
func TestMutedIsNotASpeaker(t *testing.T) {
	s := newScene(t, Call, nil)
	s.comes("ann", "bob")
	_, page := s.join("zoe", "z")
	s.says["bob"] = 30
	s.talk(time.Second)
	page.expect("snapshot", "speaking", "speaker")
	for range 2 {
		if err := s.Mute("c", castNamed("bob"), router.Mute{Audio: true}); err != nil {
			t.Fatal(err)
		}
	}
	s.react(s.clock())
	s.talk(sec(0.2))
	page.expect("muted participant=bob source=main audio=true video=false", "speaking participant=bob speaking=false")
	s.showing(`- bob/main ann/main "bob"`)
	s.talk(3 * time.Second)
	page.expect()
	if err := s.Mute("c", castNamed("bob"), router.Mute{}); err != nil {
		t.Fatal(err)
	}
	s.react(s.clock())
	s.talk(time.Second)
	page.expect("muted participant=bob audio=false", "speaking participant=bob speaking=true")
	s.refuses(s.Mute("c", castNamed("bob/x"), router.Mute{}), "publication-unknown")
	s.refuses(s.Mute("d", castNamed("bob"), router.Mute{}), "publication-unknown")
}

// TestLevelsAreMeasuredInCalls of two or more, unless that is switched off.
func TestLevelsAreMeasuredInCalls(t *testing.T) {
	voice := opusFiles(t)["silk-nb-mono"][5].Data
	for name, c := range map[string]struct {
		kind  Kind
		comes []string
		off   bool
		want  string
	}{
		"a call":         {Call, []string{"ann", "bob"}, false, "bob"},
		"alone":          {Call, []string{"bob"}, false, ""},
		"a broadcast":    {Broadcast, []string{"ann", "bob"}, false, ""},
		"it is off":      {Call, []string{"ann", "bob"}, true, ""},
		"several others": {Call, []string{"bob", "ann", "cyd", "dan"}, false, "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.kind, func(cfg *Config) { cfg.MeasureLevels = !c.off })
			s.comes(c.comes...)
			s.plays["bob"] = voice
			s.talk(2 * time.Second)
			if got := s.Program("c").Speaker; got != c.want {
				t.Errorf("speaker %q, want %q", got, c.want)
			}
			s.director.measurer.keep(nil)
		})
	}
}

// TestAnEmptyStageIsDropped: nothing grows with the names that were asked for.
func TestAnEmptyStageIsDropped(t *testing.T) {
	s := newScene(t, Call, nil)
	ann := s.comes("ann")
	p := &place{}
	seat := s.Seat(Viewer{Channel: "c", Audio: 1, Video: 2, Place: p, Tell: p.Tell})
	s.Program("elsewhere")
	s.Pin("d", castNamed("ann"))
	if n := len(s.director.all()); n != 2 {
		t.Errorf("%d stages, want those of c and d", n)
	}
	seat.Leave()
	delete(s.mics, "ann")
	s.end(ann, nil)
	s.Pin("d", router.Cast{})
	s.react(s.clock())
	if n := len(s.director.all()); n != 0 {
		t.Errorf("%d stages", n)
	}
}

// TestEverybodyAtOnce changes everything at the same time; for the race detector, and
// for locks that wait for each other.
func TestEverybodyAtOnce(t *testing.T) {
	s := newScene(t, Call, nil)
	s.Start(s.hall)
	defer s.Close(context.Background())
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for n := range 20 {
				who := fmt.Sprint("p", i)
				v := s.onAir(who, "main", who)
				s.Mute("c", castNamed(who), router.Mute{Audio: n%2 == 0})
				s.Pin("c", castNamed(who))
				s.end(v, nil)
			}
		})
		work.Go(func() {
			for range 20 {
				p := &lockedPlace{}
				seat := s.Seat(Viewer{Channel: "c", Self: fmt.Sprint("p", i), Audio: 3, Video: 3, Place: p, Tell: p.Tell})
				_ = seat.Pin(i%3, castNamed(fmt.Sprint("p", (i+1)%4)))
				_, _, _ = seat.Slots(), seat.Unpin(0), s.Program("c")
				p.mu.Lock()
				seat.Leave() // under a lock that Tell takes
				p.mu.Unlock()
			}
		})
	}
	work.Wait()
}

type lockedPlace struct {
	mu sync.Mutex
	place
}

func (p *lockedPlace) Tell(slots []Slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.place.Tell(slots)
}
