package router

import "time"

const (
	// layerSilence is how long a layer may be silent before another one is used
	// (M-050).
	layerSilence = time.Second
	// layerPatience is how long a better layer must have been there before it is
	// used again.
	layerPatience = 3 * time.Second
)

// layerHealth is what the choice knows of one layer.
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

// fresh tells that the layer is live for the first time, and lately so: its
// publisher has only just started it.
func (h *layerHealth) fresh(now time.Time) bool {
	return h.live() && !h.fell && now.Sub(h.since) < layerPatience
}

// layerChoice chooses the layer of a track that its viewers get: the highest live
// one. It goes down at once when the current one falls silent, and up when the
// better one has been the best for a while, or has only just been started. It is
// pure; an allocator that knows each viewer's bandwidth can take its place.
type layerChoice struct {
	best  *layerHealth
	since time.Time // best has been the best since then
}

// choose returns the index of the layer to use. layers are lowest first, current
// is the index in use or -1. The answer is -1 only if there are no layers.
func (c *layerChoice) choose(now time.Time, layers []*layerHealth, current int) int {
	best := highestLive(layers)
	if best < 0 {
		if current >= 0 {
			return current
		}
		return len(layers) - 1
	}
	if c.best != layers[best] {
		c.best, c.since = layers[best], now
	}
	if current < 0 || best <= current || !layers[current].live() || layers[best].fresh(now) {
		return best
	}
	if now.Sub(c.since) >= layerPatience {
		return best
	}
	return current
}

func highestLive(layers []*layerHealth) int {
	for i := len(layers) - 1; i >= 0; i-- {
		if layers[i].live() {
			return i
		}
	}
	return -1
}
