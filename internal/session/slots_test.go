package session

import (
	"reflect"
	"strings"
	"testing"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

func slotsOffer(audio, video int, place auth.Place) signaling.Offer {
	o := offerOf("chrome-play", "")
	o.Place, o.SDP = place, []byte(offers.WithSections(offers.Get("chrome-play"), audio, video))
	return o
}

func playSlots(b *bench, audio, video int) signaling.Created {
	b.t.Helper()
	created, err := b.Play(b.t.Context(), slotsOffer(audio, video, auth.Place{Channel: "live"}))
	must(b.t, err)
	return created
}

func (b *bench) viewing(secret string) *viewing {
	b.t.Helper()
	sess, _ := b.find(secret)
	return sess.media.(*viewing)
}

func TestSlotsSession(t *testing.T) {
	b := newBench(t, nil)
	b.Service.parts.MaxSlots = 9
	created := playSlots(b, 3, 2) // nobody publishes: it waits, as people do
	answer := string(created.SDP)
	for _, want := range []string{"a=msid:slot-0 ", "a=msid:slot-1 ", "a=msid:slot-2 "} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
	if !created.Slots || strings.Count(answer, "a=sendonly") != 5 || strings.Count(answer, "VP8/90000") != 2 || strings.Contains(answer, "PCMU") {
		t.Errorf("slots %v\n%s", created.Slots, answer)
	}
	if got := b.viewing(created.Secret).seat.slots; !reflect.DeepEqual(got, []int{0, 0, 1, 1, 2}) {
		t.Errorf("sections are of the slots %v", got)
	}
	all, err := b.Slots(t.Context(), created.Secret, request(""))
	if err != nil || len(all) != 3 || all[2].Index != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

func waiting(_ *Config, _ *auth.Config, r *router.Config) { r.Idle = router.WaitIdle }

func TestSlotsAreRefusedWhereOnePublicationPlays(t *testing.T) {
	b := newBench(t, waiting)
	b.Service.parts.MaxSlots = 3
	for place, code := range map[auth.Place]string{
		{Channel: "live"}:                                        "",
		{Channel: "live", Participant: "bob"}:                    "",
		{Channel: "live", Participant: "bob", Source: "main"}:    "too-many-sections",
		{Channel: "other", Participant: "bob", Source: "screen"}: "too-many-sections",
	} {
		_, err := b.Play(t.Context(), slotsOffer(2, 2, place))
		expect(t, err, code)
	}
	_, err := b.Play(t.Context(), slotsOffer(4, 4, auth.Place{Channel: "live"}))
	expect(t, err, "too-many-sections")
}

func TestPlainSessionsHaveNoSlots(t *testing.T) {
	b := newBench(t, waiting)
	b.Service.parts.MaxSlots = 9
	created, err := b.Play(t.Context(), offerOf("chrome-play", ""))
	must(t, err)
	if created.Slots || strings.Contains(string(created.SDP), "slot-") {
		t.Errorf("slots in\n%s", created.SDP)
	}
	_, err = b.Slots(t.Context(), created.Secret, request(""))
	expect(t, err, "slot-unknown")
	_, err = b.ShowSlots(t.Context(), created.Secret, request(""), nil)
	expect(t, err, "slot-unknown")
	_, err = b.PinSlot(t.Context(), created.Secret, request(""), 0, "bob", "")
	expect(t, err, "slot-unknown")
}

func TestSlotsThatAreNotThere(t *testing.T) {
	b := newBench(t, nil)
	b.Service.parts.MaxSlots = 9
	created := playSlots(b, 3, 1)
	for _, slot := range []int{-1, 3} {
		_, err := b.PinSlot(t.Context(), created.Secret, request(""), slot, "bob", "")
		expect(t, err, "slot-unknown")
		_, err = b.FreeSlot(t.Context(), created.Secret, request(""), slot)
		expect(t, err, "slot-unknown")
	}
	_, err := b.FreeSlot(t.Context(), created.Secret, request(""), 2)
	expect(t, err, "")
	hidden := true
	views := []signaling.SlotView{{Slot: 0, Hidden: &hidden}, {Slot: 2, Hidden: &hidden}} // slot 2 has sound only
	_, err = b.ShowSlots(t.Context(), created.Secret, request(""), views)
	expect(t, err, "slot-unknown")
	if v := b.viewing(created.Secret); v.selections[1].Hidden {
		t.Error("half of a refused request was done")
	}
}

// TestShownSlotsKeepWhatIsNotNamed also with a selection of layers in between.
func TestShownSlotsKeepWhatIsNotNamed(t *testing.T) {
	b := newBench(t, nil)
	b.Service.parts.MaxSlots = 9
	created := playSlots(b, 2, 2)
	v, width, hidden := b.viewing(created.Secret), 320, true
	show := func(view signaling.SlotView) {
		t.Helper()
		_, err := b.ShowSlots(t.Context(), created.Secret, request(""), []signaling.SlotView{view})
		must(t, err)
	}
	show(signaling.SlotView{Slot: 1, MaxWidth: &width})
	show(signaling.SlotView{Slot: 1, Hidden: &hidden})
	want := router.Automatic()
	want.MaxWidth, want.Hidden = width, true
	section := v.picture(1)
	if v.selections[section] != want || v.media[section] != 3 {
		t.Errorf("section %d of line %d: %+v", section, v.media[section], v.selections[section])
	}
	choice := signaling.LayerChoice{Request: request(""), Media: 3, RID: "low", Spatial: -1, Temporal: -1, MaxSpatial: -1, MaxTemporal: -1}
	must(t, b.SelectLayer(t.Context(), created.Secret, choice))
	if sel := v.selections[section]; !sel.Hidden || sel.RID != "low" || sel.MaxWidth != 0 {
		t.Errorf("a selection of layers shows a hidden slot: %+v", sel)
	}
	if v.selections[v.picture(0)] != router.Automatic() {
		t.Error("the other slot changed too")
	}
}

func TestSlotsAreToldWhole(t *testing.T) {
	s := &seat{count: 3}
	got := s.told([]call.Slot{{Index: 1, Cast: router.Cast{Participant: "bob", Source: "main"}, Pinned: true}, {Index: 7}})
	want := signaling.Slots{{Index: 0}, {Index: 1, Participant: "bob", Source: "main", Pinned: true}, {Index: 2}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestSlotsAreToldOnceEachTime(t *testing.T) {
	var told []string
	a := audience{member: func(name string, data any) { told = append(told, name) }}
	bob := signaling.Slots{{Index: 0, Participant: "bob", Source: "main"}}
	for _, slots := range []signaling.Slots{bob, bob, {{Index: 0}}, bob} {
		a.setSlots(slots)
	}
	a.setLive(true)
	a.end(false)
	a.setSlots(nil)
	if got := strings.Join(told, " "); got != "slots slots slots active" {
		t.Errorf("told %q", got)
	}
}

// TestAMemberIsToldWhatHoldsAtFirst: its stream began before the session did.
func TestAMemberIsToldWhatHoldsAtFirst(t *testing.T) {
	for live, want := range map[bool]string{true: "active inactive active", false: "active"} {
		var told []string
		a := audience{live: live, member: func(name string, _ any) { told = append(told, name) }}
		for _, now := range []bool{live, live, !live, true} {
			a.setLive(now)
		}
		if got := strings.Join(told, " "); got != want {
			t.Errorf("live at first %v: told %q, want %q", live, got, want)
		}
	}
}

// TestLoginOfAViewer: its member stream is found whether a token says who it is, or it
// says so itself.
func TestLoginOfAViewer(t *testing.T) {
	b := newBench(t, func(_ *Config, a *auth.Config, _ *router.Config) {
		a.Open = false
		a.Tokens = []auth.TokenConfig{{Token: pubToken, Publish: true, Play: true, Channels: []string{"live"}}}
	})
	joined, err := b.parts.Authority.Authorize(t.Context(), auth.Credential{Token: pubToken}, auth.Join, auth.Place{Channel: "live", Participant: "eve"})
	must(t, err)
	b.Service.parts.MaxSlots = 2
	o := slotsOffer(2, 2, auth.Place{Channel: "live"})
	o.Credential, o.As = auth.Credential{Token: pubToken}, "eve"
	created, err := b.Play(t.Context(), o)
	must(t, err)
	if v := b.viewing(created.Secret); v.sess.part.login != joined.Login || v.self != "eve" {
		t.Errorf("%q logs in as %q, its member stream as %q", v.self, v.sess.part.login, joined.Login)
	}
}
