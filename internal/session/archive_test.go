package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/diagnose"
	"pgregory.net/rapid"
)

// kept is a record that ended at a time.
func kept(id string, at time.Time) *record {
	return &record{id: id, facts: diagnose.Session{At: at}, until: at.Add(archiveFor)}
}

func TestTheArchiveKeepsTheNewestThousand(t *testing.T) {
	a, noon := newArchive(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range archiveMax + 5 {
		a.keep(kept(fmt.Sprint(i), noon))
	}
	for id, want := range map[string]bool{"0": false, "4": false, "5": true, fmt.Sprint(archiveMax + 4): true} {
		if _, ok := a.get(id); ok != want {
			t.Errorf("%s: %v", id, ok)
		}
	}
	if len(a.order) != 1000 || len(a.byID) != 1000 {
		t.Errorf("%d in order, %d by id", len(a.order), len(a.byID))
	}
}

func TestTheArchiveForgetsAfterTenMinutes(t *testing.T) {
	a, noon := newArchive(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	a.keep(kept("first", noon))
	a.keep(kept("second", noon.Add(time.Second)))
	for _, step := range []struct {
		at            time.Duration
		first, second bool
	}{
		{0, true, true}, {10*time.Minute - 1, true, true}, {10 * time.Minute, false, true},
		{10*time.Minute + time.Second, false, false}, {time.Hour, false, false},
	} {
		a.sweep(noon.Add(step.at))
		_, first := a.get("first")
		_, second := a.get("second")
		if first != step.first || second != step.second {
			t.Errorf("after %v: %v, %v", step.at, first, second)
		}
	}
	a.keep(kept("third", noon.Add(time.Hour)))
	if _, ok := a.get("third"); !ok || len(a.order) != 1 {
		t.Error("nothing can be kept after everything was forgotten")
	}
}

func TestTheArchiveCountsWhoComesTooLate(t *testing.T) {
	a, noon := newArchive(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	a.keep(kept("one", noon))
	before, _ := a.get("one")
	a.late("one", noon.Add(3*time.Second))
	a.late("one", noon.Add(7*time.Second))
	a.late("nobody", noon)
	if got, _ := a.get("one"); got.facts.Late != 2 || got.facts.LastLate != 7*time.Second {
		t.Errorf("%d, %v", got.facts.Late, got.facts.LastLate)
	}
	if before.facts.Late != 0 {
		t.Error("a copy that was handed out changed")
	}
}

// Whatever is kept when, the archive holds exactly the newest thousand of those that
// are young enough.
func TestTheArchiveAgainstAModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, now := newArchive(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		var model []*record
		next := 0
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			for range rapid.IntRange(0, 200).Draw(r, "ended") {
				rec := kept(fmt.Sprint("session ", next), now)
				next++
				a.keep(rec)
				model = append(model, rec)
			}
			model = model[max(len(model)-archiveMax, 0):]
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(r, "seconds")) * time.Second)
			a.sweep(now)
			for len(model) > 0 && now.Sub(model[0].facts.At) >= 10*time.Minute {
				model = model[1:]
			}
			if len(a.order) != len(model) || len(a.byID) != len(model) {
				r.Fatalf("%d and %d, want %d", len(a.order), len(a.byID), len(model))
			}
			for _, rec := range model {
				if got, ok := a.get(rec.id); !ok || got.id != rec.id {
					r.Fatalf("%s is gone", rec.id)
				}
			}
		}
	})
}
