package call

import (
	"fmt"
	"strings"
	"testing"
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
	}
	first, _ := h.read(m.Secret, "").next()
	if len(first) != 1 || first[0].name != EventSnapshot {
		t.Errorf("ann begins with %d events, the first one %s", len(first), first[0].name)
	}
}
