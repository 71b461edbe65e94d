package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

var everything = []string{
	signaling.EventActive, signaling.EventInactive, signaling.EventLayers, signaling.EventReconnect, signaling.EventViewerCount,
}

// hall is an audience with a clock.
type hall struct {
	*audience
	t   *testing.T
	now time.Time
}

func newHall(t *testing.T) *hall { return &hall{&audience{}, t, time.Unix(1000, 0)} }

// listen makes a stream and reads it.
func (h *hall) listen(names ...string) *events.Reader {
	h.t.Helper()
	if len(names) == 0 {
		names = everything
	}
	secret := newSecret()
	must(h.t, h.admit(h.now, secret, names))
	r, ok := h.open(secret, "")
	if !ok {
		h.t.Fatal("the stream is not there")
	}
	return r
}

// heard is what a reader has for now: names, and numbers behind those that have any.
// An end is named "end".
func heard(t *testing.T, r *events.Reader) (list []string) {
	t.Helper()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		e, err := r.Next(over)
		switch {
		case errors.Is(err, context.Canceled):
			return list
		case errors.Is(err, io.EOF):
			return append(list, "end")
		case err != nil:
			t.Fatal(err)
		}
		if n, counted := e.Data.(int); counted {
			e.Name += fmt.Sprint(" ", n)
		}
		list = append(list, e.Name)
	}
}

func hears(t *testing.T, r *events.Reader, want ...string) {
	t.Helper()
	if got := heard(t, r); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestActiveAndInactive(t *testing.T) {
	h := newHall(t)
	early := h.listen()
	hears(t, early) // T-109
	h.setLive(false)
	hears(t, early)
	h.setLive(true)
	h.setLive(true)
	late := h.listen()
	hears(t, late, "active")
	h.setLive(false)
	h.setLive(false)
	hears(t, early, "active", "inactive")
	hears(t, late, "inactive")
	h.setLive(true)
	hears(t, late, "active")
	h.setLive(false)
	hears(t, h.listen())
}

func TestOnlyWhatWasAskedForV05(t *testing.T) {
	h := newHall(t)
	h.setLive(true)
	h.show(h.now, 3, layersOf(1))
	none, some := h.listen(signaling.EventReconnect), h.listen(signaling.EventInactive, signaling.EventViewerCount)
	h.setLive(false)
	h.show(h.now, 4, nil)
	h.end(true)
	hears(t, none, "reconnect", "end")
	hears(t, some, "viewercount 3", "inactive", "viewercount 4", "end")
}

// layersOf makes layers with these rates, lowest first.
func layersOf(bits ...int) signaling.Layers {
	var list []signaling.Layer
	for i, b := range bits {
		list = append(list, signaling.Layer{RID: fmt.Sprint(i), Spatial: -1, Temporal: -1, Bits: b, Width: 320 << i, Height: 180 << i})
	}
	return signaling.Layers{{Media: 0, Layers: list}}
}

func TestLayersAreToldOnChangeAndNowAndThen(t *testing.T) {
	h := newHall(t)
	r := h.listen(signaling.EventLayers)
	look := func(after time.Duration, layers signaling.Layers, want ...string) {
		t.Helper()
		h.now = h.now.Add(after)
		h.show(h.now, 1, layers)
		hears(t, r, want...)
	}
	second := time.Second
	look(0, nil)
	look(second, layersOf(), "layers")
	look(second, layersOf())
	look(time.Minute, layersOf())
	look(second, layersOf(100), "layers")
	look(second, layersOf(100, 500), "layers")
	look(second, layersOf(110, 490)) // rates alone wait
	look(second, layersOf(120, 480))
	look(3*second, layersOf(130, 470), "layers")
	look(second, layersOf(130, 0), "layers") // inactive
	look(second, layersOf(130, 0))
	look(second, layersOf(130, 1), "layers")
	wider := layersOf(130, 1)
	wider[0].Layers[1].Width++
	look(second, wider, "layers")
	sent := layersOf(130, 1)
	sent[0].Layers[1].Width++
	sent[0].Layers[0].Sent = true
	look(second, sent, "layers")
	look(second, layersOf(), "layers")
	look(time.Minute, layersOf())
}

func TestViewersAreCountedOnChange(t *testing.T) {
	h := newHall(t)
	r := h.listen(signaling.EventViewerCount)
	for _, n := range []int{1, 1, 2, 2, 2, 1} {
		h.show(h.now, n, nil)
	}
	hears(t, r, "viewercount 1", "viewercount 2", "viewercount 1")
	hears(t, h.listen(signaling.EventViewerCount), "viewercount 1")
}

func TestEventsWaitForTheirReader(t *testing.T) {
	h := newHall(t)
	h.setLive(true)
	must(t, h.admit(h.now, "s", everything))
	h.setLive(false)
	h.setLive(true)
	r, _ := h.open("s", "made up")
	hears(t, r, "active", "inactive", "active")
}

func TestOneReaderAtATime(t *testing.T) {
	h := newHall(t)
	must(t, h.admit(h.now, "s", everything))
	first, _ := h.open("s", "")
	h.setLive(true)
	hears(t, first, "active")
	h.setLive(false)
	h.setLive(true)
	second, _ := h.open("s", "") // knows nothing: is told how it is
	hears(t, first, "end")
	hears(t, second, "active")
	h.left(h.now, "s", first) // late, and of no consequence
	if gone := h.expire(h.now.Add(streamUnread)); gone != nil {
		t.Error("a stream that is read was ended")
	}
}

func TestReadersComeBackV10(t *testing.T) {
	h := newHall(t)
	must(t, h.admit(h.now, "s", everything))
	first, _ := h.open("s", "")
	h.setLive(true)
	e, err := first.Next(t.Context())
	must(t, err)
	first.Close()
	h.left(h.now, "s", first)
	h.setLive(false)
	again, ok := h.open("s", e.ID)
	if !ok {
		t.Fatal("the stream is gone")
	}
	hears(t, again, "inactive")
	for n := range 2 * streamKeeps {
		h.show(h.now, n, nil)
	}
	h.setLive(true)
	last, _ := h.open("s", e.ID) // much has been dropped since
	hears(t, last, "active", fmt.Sprint("viewercount ", 2*streamKeeps-1))
}

func TestStreamsWithoutAReaderEnd(t *testing.T) {
	h := newHall(t)
	must(t, h.admit(h.now, "never", everything))
	must(t, h.admit(h.now, "left", everything))
	r, _ := h.open("left", "")
	if gone := h.expire(h.now.Add(streamUnread - 1)); gone != nil {
		t.Errorf("%q ended early", gone)
	}
	later := h.now.Add(streamUnread)
	if gone := h.expire(later); !slices.Equal(gone, []string{"never"}) {
		t.Errorf("%q ended", gone)
	}
	r.Close()
	h.left(later, "left", r)
	if gone := h.expire(later.Add(streamUnread - 1)); gone != nil {
		t.Errorf("%q ended early", gone)
	}
	if gone := h.expire(later.Add(streamUnread)); !slices.Equal(gone, []string{"left"}) {
		t.Errorf("%q ended", gone)
	}
	if _, ok := h.open("left", ""); ok {
		t.Error("an ended stream was opened")
	}
}

func TestFewStreamsForASession(t *testing.T) {
	h := newHall(t)
	for i := range maxStreams {
		must(t, h.admit(h.now, fmt.Sprint(i), everything))
	}
	expect(t, h.admit(h.now, "more", everything), "too-many-event-streams")
	h.dismiss("0")
	expect(t, h.admit(h.now, "more", everything), "")
	h.end(false)
	expect(t, h.admit(h.now, "late", everything), "session-unknown")
}

func TestTheEndOfASession(t *testing.T) {
	for _, tc := range []struct {
		reason *fault.Error
		want   []string
	}{
		{errShutdown, []string{"reconnect", "end"}}, {router.ErrCodecChanged, []string{"reconnect", "end"}},
		{errDeleted, []string{"end"}}, {errLost, []string{"end"}}, {router.ErrLinger, []string{"end"}},
	} {
		h := newHall(t)
		r := h.listen()
		if secrets := h.end(comeAgain(tc.reason)); len(secrets) != 1 {
			t.Errorf("%q ended", secrets)
		}
		hears(t, r, tc.want...)
	}
}
