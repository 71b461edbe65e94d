package call

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

func TestMembersAreToldWhoComesAndGoes(t *testing.T) {
	h := newHall(t, nil)
	_, ann := h.join("ann", "a")
	ann.expect("snapshot channel=c kind=broadcast self=ann speaker=<nil>")
	bob, heard := h.join("bob", "b")
	ann.expect("joined participant=bob name=BOB")
	heard.expect("snapshot self=bob")
	cam := h.onAir("cam", "main", "x")
	want := []string{"joined participant=cam name=CAM", "published participant=cam source=main state=live video=VP8 audio=opus whep=/whep/c/cam/main changed=<nil>"}
	ann.expect(want...)
	heard.expect(want...)
	h.end(cam, nil)
	if err := h.Leave(bob.Secret); err != nil {
		t.Error(err)
	}
	ann.expect("unpublished participant=cam source=main reason=<nil>", "left participant=cam reason=<nil>", "left participant=bob")
	if got := h.roster(); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("roster %v", got)
	}
	_, _, err := h.Listen(bob.Secret, "")
	h.refuses(err, "left")
	if err := h.Leave(bob.Secret); err != nil {
		t.Errorf("leaving twice: %v", err)
	}
	h.pass(rememberFor)
	_, _, err = h.Listen(bob.Secret, "")
	h.refuses(err, "stream-unknown")
}

func TestTheSnapshotHoldsWhatThereIs(t *testing.T) {
	h := newHall(t, nil)
	h.onAir("cam", "main", "x")
	h.onAir("cam", "screen", "x")
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a", Origin: "https://g.example", Call: true, Tags: map[string]string{"role": "host"}})
	if err != nil {
		t.Fatal(err)
	}
	list, _ := h.read(m.Secret, "").next()
	people := list[0].data["participants"].([]any)
	pubs := list[0].data["publications"].([]any)
	if len(list) != 1 || len(people) != 2 || len(pubs) != 2 || list[0].data["kind"] != "call" || m.Kind != Call {
		t.Fatalf("%v", list)
	}
	if got := pubs[1].(map[string]any)["whep"]; got != "https://g.example/whep/c/cam/screen" {
		t.Errorf("whep %v", got)
	}
	cam := people[1].(map[string]any)
	if cam["participant"] != "cam" || len(cam["sources"].([]any)) != 2 || people[0].(map[string]any)["tags"].(map[string]any)["role"] != "host" {
		t.Errorf("%v", people)
	}
}

func TestReadersResume(t *testing.T) {
	h := newHall(t, nil)
	m, first := h.join("ann", "a")
	first.expect("snapshot")
	h.onAir("cam", "main", "x")
	second := h.read(m.Secret, first.lastID)
	if list, err := first.next(); err == nil || len(list) > 0 {
		t.Errorf("the first reader goes on: %v, %v", list, err)
	}
	second.expect("joined", "published")
	for range streamKeeps + 1 {
		h.Tell("c", "a", "slots", map[string]string{"session": "s"})
	}
	if _, err := second.next(); err == nil {
		t.Error("a reader that is behind is not cut off")
	}
	third := h.read(m.Secret, second.lastID)
	third.expect("snapshot self=ann")
	h.Tell("c", "b", "slots", nil)
	h.Tell("c", "a", "slots", map[string]string{"session": "s"})
	third.expect("slots session=s")
}

func TestANewBeginningTellsTheStateOfSessions(t *testing.T) {
	h := newHall(t, nil)
	m, ann := h.join("ann", "a")
	of := func(session string, more any) map[string]any { return map[string]any{"session": session, "n": more} }
	leave := h.Enter(Entry{Channel: "c", Participant: "ann", Login: "a", ID: "v", Slots: true})
	for i := range streamKeeps {
		h.Tell("c", "a", "slots", of("v", i))
	}
	h.Tell("c", "a", "active", of("v", 1))
	h.Tell("c", "a", "inactive", of("v", 2))
	h.Tell("c", "a", "layers", of("gone", 3))
	h.Tell("c", "a", EventMessage, of("v", 4))
	if _, err := ann.next(); err == nil {
		t.Fatal("the reader is not behind")
	}
	last := fmt.Sprint("slots session=v n=", streamKeeps-1)
	h.read(m.Secret, "").expect("snapshot", "inactive session=v n=2", last)
	_, second := h.join("ann", "a")
	second.expect("snapshot", "inactive session=v n=2", last)
	leave(nil)
	h.read(m.Secret, "").expect("snapshot")
}

func TestStreamsWithoutReadersEnd(t *testing.T) {
	h := newHall(t, nil)
	_, watch := h.join("watch", "w")
	never, err := h.Join(JoinRequest{Channel: "c", Participant: "never", Login: "n"})
	if err != nil {
		t.Fatal(err)
	}
	_, gone := h.join("gone", "g")
	page, sender := h.join("sender", "s")
	v := h.onAir("sender", "main", "s")
	watch.next()
	gone.left()
	sender.left()
	for range 9 {
		v.seen = h.clock()
		h.pass(time.Second)
	}
	watch.expect()
	v.seen = h.clock()
	h.pass(time.Second)
	watch.expect("left participant=gone reason=lost")
	for range 20 {
		v.seen = h.clock()
		h.pass(time.Second)
	}
	watch.expect("left participant=never")
	_, _, err = h.Listen(never.Secret, "")
	h.refuses(err, "left")
	if got := h.roster(); !slices.Equal(got, []string{"sender", "watch"}) {
		t.Errorf("roster %v", got)
	}
	_, _, err = h.Listen(page.Secret, "") // after 30 seconds, though it is on air
	h.refuses(err, "left")
}

func TestTheStreamOfAPublisherMayBeUnreadForLonger(t *testing.T) {
	h := newHall(t, nil)
	m, ann := h.join("ann", "a")
	v := h.onAir("ann", "main", "a")
	ann.left()
	for range 29 {
		v.seen = h.clock()
		h.pass(time.Second)
	}
	h.read(m.Secret, ann.lastID)
}

func TestTheEndOfAStreamIsTold(t *testing.T) {
	h := newHall(t, nil)
	ended := 0
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a", Left: func() { ended++ }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.Leave(m.Secret); err != nil {
			t.Error(err)
		}
	}
	if ended != 1 {
		t.Errorf("told %d times", ended)
	}
}

func TestNothingIsMissedBeforeTheFirstReader(t *testing.T) {
	h := newHall(t, nil)
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a"})
	if err != nil {
		t.Fatal(err)
	}
	h.Tell("c", "a", "slots", map[string]string{"session": "s"})
	h.read(m.Secret, "").expect("snapshot", "slots session=s")
}

// A cable is pulled: of a participant with a member stream, whose reader was noticed
// to be gone after 17 seconds.
func TestAPulledCable(t *testing.T) {
	h := newHall(t, nil)
	_, watch := h.join("watch", "w")
	_, ann := h.join("ann", "a")
	h.onAir("ann", "main", "a")
	watch.next()
	h.pass(6 * time.Second)
	watch.expect("interrupted participant=ann source=main")
	h.pass(11 * time.Second)
	ann.left()
	h.pass(12 * time.Second)
	watch.expect()
	h.mu.Lock()
	h.now = h.now.Add(time.Second)
	h.mu.Unlock()
	h.router.Sweep(h.clock()) // both at once, whoever looks first
	watch.expect("unpublished participant=ann reason=lost", "left participant=ann reason=lost")
}

// Behind a proxy a pulled cable is not seen on the member stream.
func TestAPulledCableBehindAProxy(t *testing.T) {
	h := newHall(t, nil)
	_, watch := h.join("watch", "w")
	m, ann := h.join("ann", "a")
	_, other := h.join("ann", "a")
	v := h.onAir("ann", "main", "a")
	watch.next()
	ann.next()
	other.next()
	h.end(v, router.ErrLost)
	if _, err := ann.next(); err == nil {
		t.Error("the reader goes on")
	}
	watch.expect("unpublished participant=ann reason=lost")
	again := h.read(m.Secret, ann.lastID)
	again.expect("unpublished participant=ann")
	h.pass(goneFor)
	watch.expect() // one of its pages came back
	again.left()
	h.pass(goneFor)
	watch.expect("left participant=ann")
}

func TestALogin(t *testing.T) {
	h := newHall(t, nil)
	expires := h.clock().Add(2 * time.Minute)
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a", Expires: expires})
	if err != nil {
		t.Fatal(err)
	}
	ann := h.read(m.Secret, "")
	_, bob := h.join("bob", "b")
	ann.next()
	bob.next()
	h.pass(59 * time.Second)
	ann.expect()
	h.pass(2 * time.Second)
	ann.expect("token-expiring expires=2026-05-01T12:02:00Z")
	h.Extend("c", "ann", "a", expires.Add(time.Minute))
	h.pass(time.Minute)
	ann.expect("token-expiring expires=2026-05-01T12:03:00Z")
	h.pass(time.Minute)
	ann.expect("closed reason=token-expired")
	bob.expect("left participant=ann reason=token-expired")
	_, _, err = h.Listen(m.Secret, "")
	h.refuses(err, "token-expired")
}

func TestAChannelIsACallWhileSomethingIsInIt(t *testing.T) {
	h := newHall(t, nil)
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a", Call: true})
	if err != nil {
		t.Fatal(err)
	}
	v := h.onAir("bob", "main", "b")
	if err := h.Leave(m.Secret); err != nil {
		t.Fatal(err)
	}
	v.seen = h.clock()
	h.pass(time.Second)
	if h.KindOf("c") != Call {
		t.Error("a broadcast with somebody in it")
	}
	h.end(v, nil)
	h.pass(time.Second)
	if h.KindOf("c") != Broadcast || len(h.channels) != 0 {
		t.Errorf("%s with nobody in it, %d channels", h.KindOf("c"), len(h.channels))
	}
}
