package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// chooser runs a choice over a script of which layers are live.
type chooser struct {
	now     time.Time
	choice  layerChoice
	health  []*layerHealth
	current int
}

func newChooser(n int) *chooser {
	c := &chooser{now: time.Unix(1, 0), current: -1}
	for range n {
		c.health = append(c.health, &layerHealth{})
	}
	return c
}

// step lets d pass with the given layers live, lowest first, looking four times a
// second as a shard does.
func (c *chooser) step(d time.Duration, live string) int {
	for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(250 * time.Millisecond) {
		for i, h := range c.health {
			h.note(c.now, live[i] == 'x')
		}
		c.current = c.choice.choose(c.now, c.health, c.current)
	}
	return c.current
}

func TestLayerChoice(t *testing.T) {
	type step struct {
		for_ time.Duration
		live string
		want int
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"highest live", []step{{time.Second, "xx-", 1}}},
		{"none live yet: the highest", []step{{time.Second, "---", 2}, {250 * time.Millisecond, "x--", 0}}},
		{"a publisher starts its layers one by one", []step{{250 * time.Millisecond, "x--", 0}, {250 * time.Millisecond, "xx-", 1}, {250 * time.Millisecond, "xxx", 2}}},
		{"M-050 falls back at once", []step{{5 * time.Second, "xxx", 2}, {250 * time.Millisecond, "xx-", 1}, {250 * time.Millisecond, "x--", 0}}},
		{"M-049 back up with patience", []step{{5 * time.Second, "xxx", 2}, {250 * time.Millisecond, "xx-", 1}, {2 * time.Second, "xxx", 1}, {1500 * time.Millisecond, "xxx", 2}}},
		{"patience starts anew", []step{{5 * time.Second, "xx", 1}, {time.Second, "x-", 0}, {2 * time.Second, "xx", 0}, {250 * time.Millisecond, "x-", 0}, {2 * time.Second, "xx", 0}, {2 * time.Second, "xx", 1}}},
		{"all silent: stays", []step{{5 * time.Second, "xx", 1}, {5 * time.Second, "--", 1}, {250 * time.Millisecond, "x-", 0}}},
		{"one layer pauses and returns", []step{{time.Second, "x", 0}, {10 * time.Second, "-", 0}, {250 * time.Millisecond, "x", 0}}},
		{"current silent, better one just back", []step{{5 * time.Second, "xx", 1}, {time.Second, "x-", 0}, {time.Second, "xx", 0}, {250 * time.Millisecond, "-x", 1}}},
	} {
		ch := newChooser(len(c.steps[0].live))
		for i, s := range c.steps {
			if got := ch.step(s.for_, s.live); got != s.want {
				t.Errorf("%s: step %d chooses %d, want %d", c.name, i, got, s.want)
			}
		}
	}
	if got := newChooser(0).choice.choose(time.Unix(1, 0), nil, -1); got != -1 {
		t.Errorf("no layers: %d", got)
	}
}

func TestLayerChoiceIsLive(t *testing.T) {
	// Whatever happens: a live layer if there is one, and never up twice within the patience.
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "layers")
		c := newChooser(n)
		var wentUp time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			live := ""
			for range n {
				live += rapid.SampledFrom([]string{"x", "x", "-"}).Draw(t, "live")
			}
			before, alive := c.current, c.current >= 0 && c.health[c.current].live()
			got := c.step(250*time.Millisecond, live)
			if highestLive(c.health) >= 0 && !c.health[got].live() {
				t.Fatalf("chose %d of %s", got, live)
			}
			voluntary := before >= 0 && got > before && alive && live[before] == 'x' && !c.health[got].fresh(c.now)
			if voluntary && !wentUp.IsZero() && c.now.Sub(wentUp) < layerPatience {
				t.Fatal("flaps")
			}
			if voluntary {
				wentUp = c.now
			}
		}
	})
}
