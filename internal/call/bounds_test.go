package call

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
	first, _ := h.read(m.Secret, "").next()
	if len(first) != 1 || first[0].name != EventSnapshot {
		t.Errorf("ann begins with %d events, the first one %s", len(first), first[0].name)
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
