package router

import "time"

const (
	// layerSilence is how long a layer may be silent before another one is used
	// (M-050).
	layerSilence = time.Second
	// layerPatience is how long a layer that had fallen silent must have been back
	// before it is used again.
	layerPatience = 3 * time.Second
)

// layerHealth is what the choice of layers knows of one.
type layerHealth struct {
	since time.Time // live since then; zero while silent
	fell  bool      // it was silent after it had been live
}

// note records whether the layer is live.
func (h *layerHealth) note(now time.Time, live bool) {
	switch {
	case live && h.since.IsZero():
		h.since = now
	case !live && !h.since.IsZero():
		h.since, h.fell = time.Time{}, true
	}
}

func (h *layerHealth) live() bool { return !h.since.IsZero() }

// trusted tells that the layer may be switched to: it is live, and if it had
// fallen silent, has been back for a while.
func (h *layerHealth) trusted(now time.Time) bool {
	return h.live() && (!h.fell || now.Sub(h.since) >= layerPatience)
}
