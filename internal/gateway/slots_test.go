package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/router"
	"github.com/headgate/headgate/whep"
)

// gallery is a player with slots.
type gallery struct {
	*testkit.Player
	s *stage
}

// playsSlots plays a place with n slots as somebody. No data channel: see data_test.go.
func (s *stage) playsSlots(place string, n int) *gallery {
	s.t.Helper()
	p := testkit.Play(s.t, testkit.PlayerOptions{
		Endpoint: "http://127.0.0.1/whep/" + place, Slots: n, VP8: true, HTTP: s.http, Net: s.net.Client(),
	})
	return &gallery{p, s}
}

// ask does a request on the slots resource.
func (g *gallery) ask(method, path string, body any) object {
	g.s.t.Helper()
	url := g.Session().Extension(whep.RelSlots)
	if url == "" {
		g.s.t.Fatal("no slots are announced")
	}
	return g.s.ok(200, method, url+path, body)
}

// cast is who is in the slots, "-" for nobody.
func castOf(slots any) string {
	var names []string
	list, _ := slots.([]any)
	for _, item := range list {
		name := "-"
		if slot := item.(object); slot["participant"] != nil {
			name = fmt.Sprint(slot["participant"], "/", slot["source"])
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// shows waits until these are in the slots, in this order.
func (g *gallery) shows(cast string) {
	g.s.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; <-time.After(20 * time.Millisecond) {
		now := castOf(g.ask("GET", "", nil)["slots"])
		if now == cast {
			return
		}
		if time.Now().After(end) {
			g.s.t.Fatalf("in the slots are %q, want %q", now, cast)
		}
	}
}

// sees waits until a slot shows pictures that are numbered from first on.
func (g *gallery) sees(slot int, first uint32) testkit.Seen {
	g.s.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; <-time.After(20 * time.Millisecond) {
		seen := g.Slot(slot).Eye.Seen()
		if seen.Frames >= 5 && seen.Last >= first && seen.Last < first+9000 {
			return seen
		}
		if time.Now().After(end) {
			g.s.t.Fatalf("slot %d shows %+v, want pictures from %d on", slot, seen, first)
		}
	}
}

// passes counts the pictures and the sounds of a slot in a second.
func (g *gallery) passes(slot int) (pictures, sounds int) {
	before, heard := g.Slot(slot).Eye.Seen().Frames, g.Slot(slot).Sounds()
	<-time.After(time.Second)
	return g.Slot(slot).Eye.Seen().Frames - before, g.Slot(slot).Sounds() - heard
}

func TestSlotsShowEverybodyElse(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		view := s.playsSlots("live?participant=eve", 3) // before anybody is there
		s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		view.shows("alice/main - -")
		s.publishesAs("eve", testkit.PublisherOptions{FirstFrame: 90_000})
		s.publishesAs("bob", testkit.PublisherOptions{FirstFrame: 20_000, Accent: testkit.Accent{VP8: true}})
		view.shows("alice/main bob/main -")
		for slot, first := range []uint32{10_000, 20_000} {
			view.sees(slot, first)
			if pictures, sounds := view.passes(slot); pictures < 20 || sounds < 40 {
				s.t.Errorf("slot %d: %d pictures and %d sounds in a second", slot, pictures, sounds)
			}
			want := []string{[]string{router.H264, router.VP8}[slot]}
			if got := view.Slot(slot).Codecs(); !slices.Equal(got, want) {
				s.t.Errorf("slot %d was sent %q, want %q", slot, got, want)
			}
		}
		if pictures, sounds := view.passes(2); pictures+sounds != 0 {
			s.t.Errorf("%d pictures and %d sounds in an empty slot", pictures, sounds)
		}
		for i := range 3 {
			if got := view.Slot(i).Stream(); got != fmt.Sprint("slot-", i) {
				s.t.Errorf("slot %d is the stream %q", i, got)
			}
		}
	})
}

// A slot that is filled by one after another changes its codec, not its SSRC, and
// begins with a key frame each time.
func TestSlotChangesItsCodec(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		view := s.playsSlots("live", 2)
		first := s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		view.sees(0, 10_000)
		s.ok(200, "DELETE", first.Session().Location, nil)
		view.shows("- -")
		second := s.publishesAs("bob", testkit.PublisherOptions{FirstFrame: 20_000, Accent: testkit.Accent{VP8: true}})
		view.sees(0, 20_000)
		s.ok(200, "DELETE", second.Session().Location, nil)
		view.shows("- -")
		s.publishesAs("carol", testkit.PublisherOptions{FirstFrame: 30_000})
		seen := view.sees(0, 30_000)
		if got := view.Slot(0).Codecs(); !slices.Equal(got, []string{router.H264, router.VP8, router.H264}) || seen.Mixed+seen.Backwards != 0 {
			s.t.Errorf("codecs %q, %+v", got, seen)
		}
	})
}

// Whose picture a player did not negotiate is heard all the same.
func TestSlotsLetBeHeardWhoCannotBeSeen(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		view := &gallery{testkit.Play(s.t, testkit.PlayerOptions{
			Endpoint: "http://127.0.0.1/whep/live", Slots: 2, HTTP: s.http, Net: s.net.Client(),
		}), s}
		s.publishesAs("bob", testkit.PublisherOptions{FirstFrame: 20_000, Accent: testkit.Accent{VP8: true}})
		view.shows("bob/main -")
		s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		view.shows("bob/main alice/main")
		view.sees(1, 10_000)
		if pictures, sounds := view.passes(0); pictures != 0 || sounds < 40 {
			s.t.Errorf("bob: %d pictures and %d sounds in a second", pictures, sounds)
		}
		slots := view.ask("GET", "", nil)["slots"].([]any)
		if bob, alice := slots[0].(object), slots[1].(object); bob["unplayable"] != true || alice["unplayable"] == true {
			s.t.Errorf("%v", slots)
		}
	})
}

func TestSlotsArePinned(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		view := s.playsSlots("live", 2)
		s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		view.shows("alice/main -")
		pinned := view.ask("PUT", "/1", object{"participant": "bob", "source": "screen"})
		if !contains(pinned, object{"slot": 1, "participant": "bob", "source": "screen", "pinned": true}) {
			s.t.Errorf("pinned: %v", pinned)
		}
		s.publishesAs("carol", testkit.PublisherOptions{FirstFrame: 30_000}) // finds no room: the slot waits
		s.publishesAs("bob/screen", testkit.PublisherOptions{FirstFrame: 20_000, NoAudio: true})
		view.sees(1, 20_000)
		view.shows("alice/main bob/screen")
		view.ask("PUT", "/0", object{"participant": "carol"})
		view.shows("carol/main bob/screen")
		view.sees(0, 30_000)
		if freed := view.ask("DELETE", "/0", nil); freed["pinned"] == true {
			s.t.Errorf("freed: %v", freed)
		}
		view.shows("carol/main bob/screen") // whoever is there stays
		s.refused("slot-unknown", "PUT", view.Session().Extension(whep.RelSlots)+"/2", object{"participant": "bob"})
	})
}

func TestAHiddenSlotIsHeardAndNotSeen(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		view := s.playsSlots("live", 2)
		s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		s.publishesAs("bob", testkit.PublisherOptions{FirstFrame: 20_000})
		view.sees(0, 10_000)
		view.sees(1, 20_000)
		view.ask("PATCH", "", []object{{"slot": 0, "hidden": true}})
		<-time.After(time.Second)
		if pictures, sounds := view.passes(0); pictures != 0 || sounds < 40 {
			s.t.Errorf("hidden: %d pictures and %d sounds in a second", pictures, sounds)
		}
		if pictures, _ := view.passes(1); pictures < 20 {
			s.t.Errorf("the other slot: %d pictures in a second", pictures)
		}
		view.ask("PATCH", "", []object{{"slot": 0, "hidden": false}})
		<-time.After(time.Second)
		if pictures, _ := view.passes(0); pictures < 20 {
			s.t.Errorf("shown again: %d pictures in a second", pictures)
		}
	})
}

// The size of a tile bounds the layer, slot by slot.
func TestTilesBoundTheirLayers(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		view := s.playsSlots("live", 2)
		for i, who := range []string{"alice", "bob"} {
			s.publishesAs(who, testkit.PublisherOptions{Simulcast: testkit.Simulcast{Layers: testkit.BrowserLayers()}})
			view.shows([]string{"alice/main -", "alice/main bob/main"}[i])
		}
		view.ask("PATCH", "", []object{{"slot": 0, "maxWidth": 320, "maxHeight": 180}, {"slot": 1, "maxWidth": 640}})
		<-time.After(10 * time.Second)
		for slot, want := range []int{0, 1} {
			if seen := view.Slot(slot).Eye.Seen(); seen.Layer != want || seen.Frames < 100 {
				s.t.Errorf("slot %d: %+v, want layer %d", slot, seen, want)
			}
		}
	})
}

func TestSlotsOfOneParticipant(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publishesAs("bob", testkit.PublisherOptions{FirstFrame: 20_000})
		s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		s.publishesAs("alice/screen", testkit.PublisherOptions{FirstFrame: 30_000, NoAudio: true})
		view := s.playsSlots("live/alice", 3)
		view.shows("alice/main alice/screen -")
		view.sees(1, 30_000)
		_, err := testkit.TryPlay(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live/alice/main", Slots: 2, HTTP: s.http, Net: s.net.Client()})
		if got := refusalOf(err); got != "too-many-sections" {
			s.t.Errorf("one publication in two slots: %q", got)
		}
	})
}

func TestAPlainPlayerHasNoSlots(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Calls.MaxSlots = 2 }, func(s *stage) {
		s.publishesAs("alice", testkit.PublisherOptions{FirstFrame: 10_000})
		s.playsSlots("live", 2)
		plain := s.plays("live")
		plain.Wait(5*time.Second, "picture", moving(20))
		if plain.Session().Extension(whep.RelSlots) != "" || strings.Contains(plain.Session().Answer, "slot-") {
			s.t.Errorf("slots in\n%s", plain.Session().Answer)
		}
		_, err := testkit.TryPlay(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", Slots: 3, HTTP: s.http, Net: s.net.Client()})
		if got := refusalOf(err); got != "too-many-sections" {
			s.t.Errorf("more slots than there may be: %q", got)
		}
	})
}

// Who is in the slots is told on the session's stream and on the member's.
func TestSlotsAreTold(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		eve, other := s.joins(object{"participant": "eve"}), s.joins(object{"participant": "other"})
		view := s.playsSlots("live?participant=eve", 2)
		own, _ := s.listen(view.Player, "slots")
		quiet, _ := s.listen(view.Player) // all, by no name
		alice := s.publishesAs("alice", testkit.PublisherOptions{})
		own.waits(5*time.Second, "alice in a slot", func(list []event) bool {
			return castOf(search(list, "slots", nil)["slots"]) == "alice/main -"
		})
		told := eve.told("slots", nil)
		eve.waits(5*time.Second, "alice in a slot", func(list []event) bool {
			told = search(list, "slots", nil)
			return castOf(told["slots"]) == "alice/main -"
		})
		if told["session"] == nil || told["at"] == nil {
			s.t.Errorf("a member is told %v", told)
		}
		for _, name := range []string{"active", "layers"} {
			eve.told(name, object{"session": told["session"]})
		}
		s.ok(200, "DELETE", alice.Session().Location, nil)
		eve.waits(5*time.Second, "nobody in the slots", func(list []event) bool {
			return castOf(search(list, "slots", nil)["slots"]) == "- -"
		})
		eve.told("inactive", object{"session": told["session"]})
		if other.heardOf("slots", nil) || slices.Contains(quiet.names(), "slots") {
			s.t.Error("somebody else is told of the slots")
		}
	})
}
