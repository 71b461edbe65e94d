package router

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/fault"
)

// crowd is a channel with publishers and viewers that do what they like.
type crowd struct {
	*stage
	actors   []*crowdActor
	viewers  []*spectator
	standbys int // the most there may be of a source; 0 without the policy
}

type crowdActor struct {
	*Publisher
	seen      time.Time
	ended     int // how often it was told
	committed bool
	left      bool // it ended by itself
	source    string
}

func (a *crowdActor) gone() bool { return a.ended > 0 || a.left }

func newCrowd(t *rapid.T) *crowd {
	c := &crowd{stage: &stage{t: t, now: time.Unix(1_000_000, 0)}}
	cfg := DefaultConfig()
	cfg.Duplicates = rapid.SampledFrom([]Duplicates{RejectDuplicates, ReplaceDuplicates}).Draw(t, "duplicates")
	if c.standbys = rapid.IntRange(0, 2).Draw(t, "standbys"); c.standbys > 0 {
		cfg.Standby, cfg.MaxStandbys = []string{"*"}, c.standbys
	}
	cfg.ViewerLinger = time.Hour
	c.router = New(cfg)
	return c
}

func (c *crowd) post(t *rapid.T) {
	a := &crowdActor{source: rapid.SampledFrom([]string{"camera", "screen"}).Draw(t, "source")}
	p, err := c.router.Publish(c.now, PublishRequest{
		Channel: "live", Participant: "main", Source: a.source,
		Login:    rapid.SampledFrom([]string{"one", "two"}).Draw(t, "login"),
		Session:  fmt.Sprint(len(c.actors)),
		LastSeen: func() time.Time { return a.seen },
		End:      func(*fault.Error) { a.ended++ },
	})
	if err != nil {
		return
	}
	a.Publisher = p
	c.actors = append(c.actors, a)
}

// one draws an actor that pass takes.
func (c *crowd) one(t *rapid.T, pass func(*crowdActor) bool) *crowdActor {
	var some []*crowdActor
	for _, a := range c.actors {
		if pass(a) {
			some = append(some, a)
		}
	}
	if len(some) == 0 {
		t.Skip("nobody")
	}
	return rapid.SampledFrom(some).Draw(t, "actor")
}

func (c *crowd) actions() map[string]func(*rapid.T) {
	negotiating := func(a *crowdActor) bool { return !a.committed && !a.left }
	running := func(a *crowdActor) bool { return a.committed && !a.gone() }
	return map[string]func(*rapid.T){
		"post": c.post,
		"commit": func(t *rapid.T) {
			a := c.one(t, negotiating)
			a.committed = true
			a.Commit(c.now, map[Kind]Codec{Video: {Name: H264, ClockRate: 90000}})
		},
		"abort": func(t *rapid.T) {
			a := c.one(t, negotiating)
			a.left = true
			a.Abort()
		},
		"send": func(t *rapid.T) {
			a := c.one(t, running)
			a.seen = c.now
			a.pulse.beat(c.now)
			a.Live(c.now)
		},
		"check": func(t *rapid.T) { c.one(t, running).seen = c.now },
		"bye": func(t *rapid.T) {
			a := c.one(t, func(a *crowdActor) bool { return a.committed && !a.left })
			a.left = true // a session that was told ends, too, and says so
			a.End(c.now)
		},
		"pass": func(t *rapid.T) {
			ms := rapid.SampledFrom([]int{1, 20, 200, 460, 1100, 7000, 31_000}).Draw(t, "ms")
			c.now = c.now.Add(time.Duration(ms) * time.Millisecond)
		},
		"watch": func(*rapid.T) { c.router.Watch(c.now) },
		"sweep": func(*rapid.T) { c.router.Sweep(c.now) },
		"view": func(t *rapid.T) {
			if len(c.viewers) < 3 {
				sel := Selector{}
				if rapid.Bool().Draw(t, "named") {
					sel = Selector{"main", "camera"}
				}
				c.viewers = append(c.viewers, c.watch("live", sel, ""))
			}
		},
		"": c.check,
	}
}

// check compares the router with what every actor was told.
func (c *crowd) check(t *rapid.T) {
	r := c.router
	r.mu.Lock()
	defer r.mu.Unlock()
	held := make(map[*Publisher]bool)
	if channel := r.channels["live"]; channel != nil {
		for key, pub := range channel.publications {
			c.checkPublication(t, pub)
			for _, p := range pub.publishers() {
				if held[p] || p.pub != pub || pub.key != key {
					t.Fatalf("publisher %s is held twice, or in a wrong place", p.req.Session)
				}
				held[p] = true
			}
		}
	}
	for _, a := range c.actors {
		if a.ended > 1 {
			t.Fatalf("publisher %s was told %d times that it ended", a.req.Session, a.ended)
		}
		if held[a.Publisher] == a.gone() {
			t.Fatalf("publisher %s: held %v, gone %v", a.req.Session, held[a.Publisher], a.gone())
		}
	}
	c.checkViewers(t, held)
}

func (c *crowd) checkPublication(t *rapid.T, pub *publication) {
	switch {
	case len(pub.publishers()) == 0:
		t.Fatal("a publication without a publisher")
	case len(pub.standbys) > c.standbys:
		t.Fatalf("%d standbys, at most %d are allowed", len(pub.standbys), c.standbys)
	case len(pub.standbys) > 0 && pub.active == nil:
		t.Fatal("standbys, and nobody on air")
	case pub.onAir() && pub.active == nil:
		t.Fatal("on air without a publisher")
	case len(pub.standbys) > 0 && !slices.ContainsFunc(c.watched(), func(w *publication) bool { return w == pub }):
		t.Fatal("a publication with standbys that is not watched")
	}
	if pub.active != nil && pub.active.standby || slices.ContainsFunc(pub.standbys, func(p *Publisher) bool { return !p.standby }) {
		t.Fatal("a publisher does not know its place")
	}
}

func (c *crowd) watched() (list []*publication) {
	for pub := range c.router.watched {
		list = append(list, pub)
	}
	return list
}

func (c *crowd) checkViewers(t *rapid.T, held map[*Publisher]bool) {
	for _, w := range c.viewers {
		switch {
		case w.ended != nil:
			t.Fatalf("a viewer ended with %v", w.ended)
		case w.sources[0] != nil && !held[w.sources[0]]:
			t.Fatal("a viewer is fed by a publisher that ended")
		case w.sources[0] != nil && w.sources[0].pub.active != w.sources[0]:
			t.Fatal("a viewer is fed by a publisher that is not on air")
		}
	}
}

func TestLifecycleProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCrowd(t)
		for range 10 { // long lives
			t.Repeat(c.actions())
		}
	})
}
