package call

import (
	"testing"

	"github.com/headgate/headgate/router"
)

func TestMutesAreTold(t *testing.T) {
	h := newHall(t, nil)
	cast := router.Cast{Participant: "bob", Source: "main"}
	h.refuses(h.Mute("c", cast, router.Mute{Audio: true}), "publication-unknown")
	_, ann := h.join("ann", "a")
	v, err := h.publish("bob", "main", "b")
	if err != nil {
		t.Fatal(err)
	}
	ann.next()
	for range 2 { // nobody can hear it yet
		if err := h.Mute("c", cast, router.Mute{Audio: true}); err != nil {
			t.Fatal(err)
		}
	}
	ann.expect()
	v.pub.Live(h.clock())
	list, _ := ann.next()
	if len(list) != 2 || list[1].data["muted"].(map[string]any)["audio"] != true {
		t.Errorf("told %v", list)
	}
	for range 2 {
		if err := h.Mute("c", cast, router.Mute{Video: true}); err != nil {
			t.Fatal(err)
		}
	}
	ann.expect("muted participant=bob source=main audio=false video=true")
	if got := h.Participants("c")[1].Muted["main"]; got != (Muted{Video: true}) {
		t.Errorf("roster tells %+v", got)
	}
}
