package call

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

func TestSelfMuteIsTold(t *testing.T) {
	h := newHall(t, nil)
	cast := router.Cast{Participant: "bob", Source: "main"}
	h.refuses(h.MuteSelf("c", cast, "b", Muted{Audio: true}), "publication-unknown")
	_, ann := h.join("ann", "a")
	bob := h.onAir("bob", "main", "b")
	ann.next()
	for range 2 {
		h.mustMute(cast, "b", Muted{Audio: true})
	}
	ann.expectMutes("muted bob/main server= self=audio by=self")
	if p := h.Participants("c")[1]; p.SelfMuted["main"] != (Muted{Audio: true}) || p.Muted != nil {
		t.Errorf("the roster tells %+v", p)
	}
	h.refuses(h.MuteSelf("c", cast, "a", Muted{}), "publication-unknown")
	h.refuses(h.MuteSelf("c", router.Cast{Participant: "bob", Source: "screen"}, "b", Muted{Audio: true}), "publication-unknown")
	ann.expect()
	h.end(bob, nil)
	ann.expect("unpublished", "left")
	h.onAir("bob", "main", "b")
	ann.expectMutes("joined", "published bob/main server= self=")
}

// Neither of the two who may mute undoes what the other did.
func TestSelfMuteAndTheServersAreApart(t *testing.T) {
	h := newHall(t, nil)
	cast := router.Cast{Participant: "bob", Source: "main"}
	_, ann := h.join("ann", "a")
	h.onAir("bob", "main", "b")
	ann.next()
	if err := h.Mute("c", cast, router.Mute{Audio: true}); err != nil {
		t.Fatal(err)
	}
	ann.expectMutes("muted bob/main server=audio self= by=administrator")
	h.mustMute(cast, "b", Muted{Audio: true, Video: true})
	ann.expectMutes("muted bob/main server=audio self=audio+video by=self")
	h.mustMute(cast, "b", Muted{})
	ann.expectMutes("muted bob/main server=audio self= by=self")
	if voices := h.router.Voices("c"); !voices[0].Muted.Audio {
		t.Error("the holder undid what an administrator muted")
	}
	h.mustMute(cast, "b", Muted{Video: true})
	if err := h.Mute("c", cast, router.Mute{}); err != nil {
		t.Fatal(err)
	}
	ann.expectMutes("muted bob/main server=audio self=video by=self", "muted bob/main server= self=video by=administrator")
}

// What is said before the first packet holds from it on, and ends with the session even
// where the publication goes on.
func TestSelfMuteIsOfASession(t *testing.T) {
	h := newHall(t, nil)
	cast := router.Cast{Participant: "bob", Source: "main"}
	_, ann := h.join("ann", "a")
	first, err := h.publish("bob", "main", "b")
	if err != nil {
		t.Fatal(err)
	}
	h.mustMute(cast, "b", Muted{Video: true})
	ann.next()
	first.pub.Live(h.clock())
	ann.expectMutes("joined", "published bob/main server= self=video")
	h.pass(time.Second)
	ann.expect()
	second := h.onAir("bob", "main", "b") // the same login takes over
	if second.ID == first.ID {
		t.Fatal("one session")
	}
	ann.expectMutes("published bob/main server= self=")
	if said := h.SelfMuted("c"); said != nil {
		t.Errorf("still said: %v", said)
	}
	h.mustMute(cast, "b", Muted{Audio: true})
	ann.expectMutes("muted bob/main server= self=audio by=self")
	h.pass(2 * time.Second)
	ann.expect()
}

func (h *hall) mustMute(c router.Cast, login string, m Muted) {
	h.t.Helper()
	if err := h.MuteSelf("c", c, login, m); err != nil {
		h.t.Fatal(err)
	}
}

// expectMutes reads on and compares what is said to be muted, by the server and by the
// holder.
func (l *listener) expectMutes(want ...string) {
	l.h.t.Helper()
	list, _ := l.next()
	var got []string
	for _, e := range list {
		s := e.name
		if server, ok := e.data["muted"]; ok || e.name == EventMuted {
			if !ok {
				server = e.data
			}
			s += fmt.Sprintf(" %s server=%s self=%s", key(e.data), kinds(server), kinds(e.data["self_muted"]))
		}
		if by, ok := e.data["by"]; ok {
			s += fmt.Sprint(" by=", by)
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		l.h.t.Errorf("told %q, want %q", got, want)
	}
}

func kinds(of any) string {
	var on []string
	for _, kind := range []string{"audio", "video"} {
		if members, _ := of.(map[string]any); members[kind] == true {
			on = append(on, kind)
		}
	}
	return strings.Join(on, "+")
}

// TestACameraThatIsOffIsNoPicture: the program goes on to somebody who can be seen, and
// slots want no picture of it.
func TestACameraThatIsOffIsNoPicture(t *testing.T) {
	s := newScene(t, Call, nil)
	s.comes("ann", "bob")
	s.says["bob"] = 30
	s.talk(3 * time.Second)
	s.showing(`- bob/main bob/main "bob"`)
	s.mustMute(castNamed("bob"), "login-bob", Muted{Video: true})
	s.react(s.clock())
	s.talk(3 * time.Second)
	s.showing(`- ann/main bob/main "bob"`)
	s.mustMute(castNamed("bob"), "login-bob", Muted{Audio: true}) // he is heard all the same
	s.react(s.clock())
	s.talk(3 * time.Second)
	s.showing(`- bob/main bob/main "bob"`)
}

// Each change is told to everybody: who flaps is refused, and what was said last holds.
func TestSelfMutesAreBounded(t *testing.T) {
	h := newHall(t, nil)
	cast := router.Cast{Participant: "bob", Source: "main"}
	_, ann := h.join("ann", "a")
	h.onAir("bob", "main", "b")
	ann.next()
	off := Muted{}
	for range messageBurst {
		off.Audio = !off.Audio
		h.mustMute(cast, "b", off)
	}
	h.refuses(h.MuteSelf("c", cast, "b", Muted{Video: true}), "too-many-mutes")
	h.mustMute(cast, "b", off) // nothing new costs nothing
	if p := h.Participants("c")[1]; p.SelfMuted["main"] != off {
		t.Errorf("the roster tells %+v, want %+v", p.SelfMuted["main"], off)
	}
	h.pass(time.Second)
	h.mustMute(cast, "b", Muted{Video: true})
}
