package router

import (
	"testing"
	"time"
)

// TestLayerHealth M-050: a layer that falls silent is left at once, and used again only when it has been back for a while.
func TestLayerHealth(t *testing.T) {
	type step struct {
		lasts         time.Duration
		live          bool
		wantLive      bool
		wantTrustedAt time.Duration // within the step, -1 for never
	}
	for name, steps := range map[string][]step{
		"only just started":      {{time.Second, true, true, 0}},
		"never there":            {{time.Second, false, false, -1}},
		"came late":              {{time.Second, false, false, -1}, {time.Second, true, true, 0}},
		"falls silent":           {{5 * time.Second, true, true, 0}, {time.Second, false, false, -1}},
		"is back":                {{5 * time.Second, true, true, 0}, {time.Second, false, false, -1}, {5 * time.Second, true, true, layerPatience}},
		"patience starts anew":   {{time.Second, true, true, 0}, {time.Second, false, false, -1}, {2 * time.Second, true, true, -1}, {time.Second, false, false, -1}, {2 * time.Second, true, true, -1}},
		"silent, back and stays": {{time.Second, true, true, 0}, {time.Second, false, false, -1}, {2 * time.Second, true, true, -1}, {2 * time.Second, true, true, time.Second}},
	} {
		var h layerHealth
		now := time.Unix(1, 0)
		for i, s := range steps {
			for begun := now; now.Before(begun.Add(s.lasts)); now = now.Add(chooseEvery) {
				h.note(now, s.live)
				want := s.wantTrustedAt >= 0 && now.Sub(begun) >= s.wantTrustedAt
				if h.live() != s.wantLive || h.trusted(now) != want {
					t.Fatalf("%s: step %d after %v: live %v, trusted %v, want %v and %v", name, i, now.Sub(begun), h.live(), h.trusted(now), s.wantLive, want)
				}
			}
		}
	}
}
