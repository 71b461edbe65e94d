package call

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/router"
)

// What waits for somebody who does not read is bounded by its bytes, not only by the
// number of events, and whoever comes late begins with a snapshot.
func TestWhatWaitsIsBounded(t *testing.T) {
	h := newHall(t, nil)
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a"})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("<", maxText) // six bytes each in JSON
	for i := range streamKeeps - 2 {
		if _, err := h.Say("c", "", Message{From: fmt.Sprint("p", i), To: "ann", Text: text}); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Second / crowdRate)
	}
	list, _ := h.read(m.Secret, "").next()
	if fit := streamBytes / (6 * maxText); len(list) < 2 || len(list) > 1+fit || list[0].name != EventSnapshot {
		t.Fatalf("ann begins with %d events, the first one %s; %d messages fit", len(list), list[0].name, fit)
	}
	if from := list[len(list)-1].data["from"]; from != fmt.Sprint("p", streamKeeps-3) {
		t.Errorf("the newest message is from %v", from)
	}
}

// Who joins and never reads costs no snapshot, whatever happens meanwhile; the first
// reader is told how things are when it comes, and goes on from there.
func TestAStreamThatNobodyReadsCostsNothing(t *testing.T) {
	h := newHall(t, nil)
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a"})
	if err != nil {
		t.Fatal(err)
	}
	bob := h.onAir("bob", "main", "b")
	if err := h.Mute("c", router.Cast{Participant: "bob", Source: "main"}, router.Mute{Audio: true}); err != nil {
		t.Fatal(err)
	}
	if log := h.streams[m.Secret].log; !log.Keeps(log.Start()) || len(waiting(log)) > 0 {
		t.Errorf("kept for nobody: %v", waiting(log))
	}
	if _, err := h.Say("c", "", Message{From: "bob", Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	page := h.read(m.Secret, "")
	list, _ := page.next()
	if len(list) != 2 || list[0].name != EventSnapshot || list[1].name != EventMessage {
		t.Fatalf("begins with %v", list)
	}
	if known := list[0].data["publications"].([]any); len(known) != 1 || known[0].(map[string]any)["muted"].(map[string]any)["audio"] != true {
		t.Errorf("the snapshot is an old one: %v", list[0].data)
	}
	page.left()
	h.end(bob, nil)
	page = h.read(m.Secret, page.lastID)
	page.expect("unpublished", "left")
}

// TestASnapshotAloneIsAPlaceToGoOnFrom: a reader that broke off behind it misses none of
// what was said before.
func TestASnapshotAloneIsAPlaceToGoOnFrom(t *testing.T) {
	h := newHall(t, nil)
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "ann", Login: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Say("c", "", Message{From: "bob", Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	first := h.read(m.Secret, "")
	e, err := first.reader.Next(t.Context())
	if err != nil || e.Name != EventSnapshot {
		t.Fatal(e.Name, err)
	}
	first.left()
	h.read(m.Secret, e.ID).expect("message text=hello")
}

// Readers that were cut off and do not go hold a snapshot each: they are few.
func TestReadersOfAStreamAreBounded(t *testing.T) {
	h := newHall(t, nil)
	m, first := h.join("ann", "a")
	for range maxReaders - 1 {
		h.read(m.Secret, "")
	}
	_, _, err := h.Listen(m.Secret, "")
	h.refuses(err, "too-many-event-streams")
	if wait := faultOf(err).RetryAfter; wait != readersGo {
		t.Errorf("Retry-After %v", wait)
	}
	first.left()
	h.read(m.Secret, "").expect("snapshot")
}

// waiting is all that a log keeps.
func waiting(log *events.Log) (names []string) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	reader := log.OpenAll(nil)
	defer reader.Close()
	for {
		e, err := reader.Next(over)
		if err != nil {
			return names
		}
		names = append(names, e.Name)
	}
}

// Streams in ever new channels are bounded all together; and a place is free again when one ends.
func TestStreamsOfAllChannelsAreBounded(t *testing.T) {
	h := newHall(t, func(c *Config, _ *router.Config) { c.MaxStreams = 3 })
	join := func(channel string) (Membership, error) {
		return h.Join(JoinRequest{Channel: channel, Participant: "ann", Login: "a"})
	}
	var one Membership
	for i := range 3 {
		var err error
		if one, err = join(fmt.Sprint("c", i)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := join("another")
	h.refuses(err, "limit-reached")
	if len(h.channels) != 3 {
		t.Errorf("%d channels", len(h.channels))
	}
	if err := h.Leave(one.Secret); err != nil {
		t.Fatal(err)
	}
	if _, err := join("another"); err != nil {
		t.Errorf("with room: %v", err)
	}
}
