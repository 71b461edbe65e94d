package call

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

func TestWhatIsToldAnew(t *testing.T) {
	before := Publication{
		Video: "VP8", Audio: "opus", Width: 1280, Height: 720,
		Layers: []Layer{{RID: "l", Width: 640, Height: 360, Bits: 1}, {RID: "h", Width: 1280, Height: 720, Bits: 1}},
	}
	for name, tc := range map[string]struct {
		change func(*Publication)
		told   bool
	}{
		"nothing":       {func(*Publication) {}, false},
		"a rate":        {func(p *Publication) { p.Layers[0].Bits = 2 }, false},
		"a state":       {func(p *Publication) { p.State = "interrupted" }, false},
		"a codec":       {func(p *Publication) { p.Video = "H264" }, true},
		"sound":         {func(p *Publication) { p.Audio = "" }, true},
		"a size":        {func(p *Publication) { p.Height = 700 }, true},
		"a layer goes":  {func(p *Publication) { p.Layers = p.Layers[:1] }, true},
		"a layer ends":  {func(p *Publication) { p.Layers[1].Bits = 0 }, true},
		"a layer grows": {func(p *Publication) { p.Layers[0].Width = 800 }, true},
		"another layer": {func(p *Publication) { p.Layers[0].RID = "m" }, true},
	} {
		next := before
		next.Layers = append([]Layer(nil), before.Layers...)
		tc.change(&next)
		if next.differs(before) != tc.told {
			t.Errorf("%s is told: %v", name, !tc.told)
		}
	}
}

func TestNamesAreCut(t *testing.T) {
	for name, want := range map[string]int{"": 0, "Ann": 3, "\xffx": 4} {
		if got := len(cut(name)); got != want {
			t.Errorf("%q: %d bytes", name, got)
		}
	}
	long := ""
	for len(long) < 200 {
		long += "é"
	}
	if got := cut("x" + long); len(got) != 127 {
		t.Errorf("%d bytes of %q", len(got), got)
	}
}

// Everything at once: for the race detector, and for locks in the wrong order.
func TestAtTheSameTime(t *testing.T) {
	h := newHall(t, func(_ *Config, c *router.Config) { c.Duplicates = router.ReplaceDuplicates })
	h.Start(h)
	var busy sync.WaitGroup
	for i := range 6 {
		busy.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 150 {
				h.act(random)
			}
		})
	}
	busy.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
	if n := len(h.streams); n != 0 {
		t.Errorf("%d streams after Close", n)
	}
}

// act does something that anybody may do at any time.
func (h *hall) act(random *rand.Rand) {
	who := fmt.Sprint("p", random.IntN(4))
	login := who + fmt.Sprint(random.IntN(2))
	switch random.IntN(10) {
	case 0, 1, 2:
		if m, err := h.Join(JoinRequest{Channel: "c", Participant: who, Login: login, Call: true}); err == nil {
			if reader, left, err := h.Listen(m.Secret, ""); err == nil {
				over, cancel := context.WithCancel(context.Background())
				cancel()
				_, _ = reader.Next(over)
				left()
			}
			if random.IntN(2) == 0 {
				_ = h.Leave(m.Secret)
			}
		}
	case 3, 4, 5:
		if v, err := h.publish(who, "main", login); err == nil {
			v.pub.Live(h.clock())
		}
	case 6:
		h.EndSessions(Match{Participant: who}, nil)
	case 7:
		_ = h.Kick("c", who, "", 0)
	case 8:
		h.router.Sweep(h.clock())
		h.sweep(h.clock())
		_ = h.Mute("c", router.Cast{Participant: who, Source: "main"}, router.Mute{Audio: true})
	case 9:
		h.Participants("c")
		_, _ = h.Say("c", login, Message{From: who, Text: "hello"})
		h.Pin("c", router.Cast{Participant: who, Source: "main"})
	}
}
