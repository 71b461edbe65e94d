package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/events"
)

// waiting returns what a reader has for now, and the error after it.
func waiting(t *testing.T, r *events.Reader) (names []string, err error) {
	t.Helper()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		e, err := r.Next(over)
		if errors.Is(err, context.Canceled) {
			return names, nil
		}
		if err != nil {
			return names, err
		}
		names = append(names, e.Name)
	}
}

func expect(t *testing.T, r *events.Reader, want ...string) {
	t.Helper()
	if got, err := waiting(t, r); err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v, %v; want %v", got, err, want)
	}
}

func TestManyReadersOfOneLog(t *testing.T) {
	log := events.NewLog(8)
	log.Tell("before", nil)
	early := log.Open("", []events.Event{{Name: "state"}})
	log.Tell("a", nil)
	late := log.Open("", []events.Event{{Name: "state"}, {Name: "more"}})
	log.Tell("b", nil)
	expect(t, early, "state", "a", "b")
	expect(t, late, "state", "more", "b")
	expect(t, log.Open(log.Start(), nil), "before", "a", "b")
	expect(t, log.Open("", nil))
	expect(t, log.OpenAll([]events.Event{{Name: "state"}}), "state", "before", "a", "b")
}

func TestLastEventID(t *testing.T) {
	log, other := events.NewLog(2), events.NewLog(2)
	snapshot := []events.Event{{Name: "state"}}
	r := log.Open("", snapshot)
	state, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 4 {
		log.Tell(fmt.Sprint(i), nil)
		e, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	for id, want := range map[string][]string{
		ids[3]: nil, ids[2]: {"3"}, ids[1]: {"2", "3"},
		ids[0]:   {"state"}, // 1 is not kept any more
		state.ID: {"state"},
		"":       {"state"}, "x": {"state"}, "-1": {"state"}, log.Start(): {"state"}, other.Start(): {"state"},
		strings.Split(ids[0], "-")[0] + "-5": {"state"}, // not told yet
	} {
		t.Run(id, func(t *testing.T) { expect(t, log.Open(id, snapshot), want...) })
	}
	expect(t, other.Open(ids[3], snapshot), "state")
}

func TestTheIDsOfASnapshotGoOnAfterIt(t *testing.T) {
	log := events.NewLog(4)
	log.Tell("a", nil)
	e, err := log.Open("", []events.Event{{Name: "state"}}).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log.Tell("b", nil)
	expect(t, log.Open(e.ID, nil), "b")
}

func TestASlowReaderIsCutOffAndNobodyWaitsForIt(t *testing.T) {
	log := events.NewLog(3)
	slow, quick := log.Open("", nil), log.Open("", nil)
	for i := range 4 {
		log.Tell(fmt.Sprint(i), nil)
		expect(t, quick, fmt.Sprint(i))
	}
	if got, err := waiting(t, slow); !errors.Is(err, events.ErrBehind) || got != nil {
		t.Errorf("read %v, %v", got, err)
	}
}

func TestEndAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := events.NewLog(4)
		r, closed := log.Open("", nil), log.Open("", nil)
		log.Tell("last", nil)
		var got []string
		var err error
		var reading sync.WaitGroup
		reading.Go(func() {
			for err == nil {
				var e events.Event
				if e, err = r.Next(t.Context()); err == nil {
					got = append(got, e.Name)
				}
			}
		})
		synctest.Wait()
		log.End()
		log.End()
		log.Tell("too late", nil)
		reading.Wait()
		if !errors.Is(err, io.EOF) || !slices.Equal(got, []string{"last"}) {
			t.Errorf("read %v, %v", got, err)
		}
		closed.Close()
		closed.Close()
		if got, err := waiting(t, closed); !errors.Is(err, io.EOF) || got != nil {
			t.Errorf("a closed reader reads %v, %v", got, err)
		}
	})
}

func TestCloseWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := events.NewLog(1).Open("", nil)
		done := make(chan error)
		go func() { _, err := r.Next(t.Context()); done <- err }()
		synctest.Wait()
		r.Close()
		if err := <-done; !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

// Whatever happens, a reader reads consecutive events, beginning where it was
// opened, or is told that it is behind.
func TestReadersMissNothingUnseen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 6).Draw(t, "size")
		log := events.NewLog(size)
		told, read, lastID := 0, 0, log.Start()
		r := log.Open(lastID, nil)
		over, cancel := context.WithCancel(context.Background())
		cancel()
		t.Repeat(map[string]func(*rapid.T){
			"tell": func(*rapid.T) { told++; log.Tell("e", told) },
			"read": func(t *rapid.T) {
				e, err := r.Next(over)
				switch {
				case err == nil && e.Name == "e" && e.Data.(int) != read+1:
					t.Fatalf("read %v after %d", e.Data, read)
				case err == nil:
					read, lastID = e.Data.(int), e.ID
				case errors.Is(err, events.ErrBehind) && told-read <= size:
					t.Fatalf("cut off with %d unread of %d", told-read, size)
				case errors.Is(err, context.Canceled) && read != told:
					t.Fatalf("nothing to read after %d of %d", read, told)
				}
			},
			"again": func(*rapid.T) {
				r.Close()
				r = log.Open(lastID, []events.Event{{Name: "state", Data: told}})
			},
		})
	})
}

// What is kept is bounded by its bytes too. The newest event stays, whatever its size,
// and who has not read what was dropped learns so.
func TestBytesOfALogAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size, limit = 4, 100
		log := events.NewBoundedLog(size, limit)
		var sizes []int
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 150), 1, 30).Draw(t, "sizes") {
			log.Tell("e", json.RawMessage(strings.Repeat("1", n)))
			sizes = append(sizes, n)
			want, sum := 1, n
			for want < min(size, len(sizes)) && sum+sizes[len(sizes)-1-want] <= limit {
				sum += sizes[len(sizes)-1-want]
				want++
			}
			start := log.Start()
			tag, _, _ := strings.Cut(start, "-")
			for back := range sizes {
				if keeps := log.Keeps(fmt.Sprintf("%s-%d", tag, len(sizes)-1-back)); keeps != (back < want) {
					t.Fatalf("of %v the last %d: kept %v, want %d", sizes, back+1, keeps, want)
				}
			}
			r := log.Open(fmt.Sprintf("%s-%d", tag, len(sizes)-want), nil)
			for i := range want {
				e, err := r.Next(context.Background())
				if err != nil || len(e.Data.(json.RawMessage)) != sizes[len(sizes)-want+i] {
					t.Fatalf("event %d of %v: %v %v", i, sizes, e, err)
				}
			}
			r.Close()
		}
	})
}
