package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/router"
)

// witness keeps the roster by what it is told.
type witness struct {
	t     *testing.T
	there map[string]bool
	// knows is closed when it is told of the participant "last".
	knows chan struct{}
}

func (w *witness) take(e events.Event) {
	var data struct {
		Participant  string
		Changed      bool
		Participants []struct{ Participant string }
	}
	if e.Name != EventSnapshot && e.Name != EventJoined && e.Name != EventLeft {
		return
	}
	if err := json.Unmarshal(e.Data.(json.RawMessage), &data); err != nil {
		w.t.Error(err)
	}
	was := w.there[data.Participant]
	switch e.Name {
	case EventSnapshot:
		w.there = make(map[string]bool)
		for _, p := range data.Participants {
			w.there[p.Participant] = true
		}
	case EventJoined:
		if was != data.Changed {
			w.t.Errorf("%s joined, changed %v, and was there %v", data.Participant, data.Changed, was)
		}
		w.there[data.Participant] = true
	case EventLeft:
		if !was {
			w.t.Errorf("%s left twice", data.Participant)
		}
		delete(w.there, data.Participant)
	}
	if w.there["last"] && w.knows != nil {
		close(w.knows)
		w.knows = nil
	}
}

// read reads a stream until it ends, and begins anew where it was too slow.
func (w *witness) read(ctx context.Context, h *hall, secret string) {
	last := ""
	for {
		reader, left, err := h.Listen(secret, last)
		if err != nil {
			return
		}
		for {
			e, err := reader.Next(ctx)
			if err != nil {
				left()
				if errors.Is(err, io.EOF) {
					return
				}
				break
			}
			last = e.ID
			w.take(e)
		}
		if ctx.Err() != nil {
			w.t.Error("the stream did not end")
			return
		}
	}
}

// Whoever comes, goes, takes over and is put out at the same time: members are told of
// nobody twice, and of no ghosts.
func TestNobodyIsToldTwiceAtTheSameTime(t *testing.T) {
	h := newHall(t, func(_ *Config, c *router.Config) { c.Duplicates = router.ReplaceDuplicates })
	m, err := h.Join(JoinRequest{Channel: "c", Participant: "witness", Login: "w"})
	if err != nil {
		t.Fatal(err)
	}
	knows := make(chan struct{})
	w := &witness{t: t, knows: knows}
	var reading, busy sync.WaitGroup
	reading.Go(func() { w.read(t.Context(), h, m.Secret) })
	for i := range 4 {
		busy.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(i)))
			for range 200 {
				h.act(random)
				if random.IntN(10) == 0 {
					_ = h.Kick("c", fmt.Sprint("p", random.IntN(4)), "", 1)
				}
			}
		})
	}
	busy.Wait()
	// A witness that leaves before it has read everything is told no more.
	if _, err := h.Join(JoinRequest{Channel: "c", Participant: "last", Login: "l"}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-knows:
	case <-time.After(20 * time.Second):
		t.Fatal("the witness is not told of the last one")
	}
	var roster []string
	for _, p := range h.Participants("c") {
		if p.ID != "witness" {
			roster = append(roster, p.ID)
		}
	}
	if err := h.Leave(m.Secret); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	delete(w.there, "witness")
	if told := slices.Sorted(maps.Keys(w.there)); !slices.Equal(told, roster) {
		t.Errorf("told of %v, there are %v", told, roster)
	}
}
