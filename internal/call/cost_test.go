package call

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

// What it costs to tell a channel something, whoever tells it: the router does so with
// its lock held.
func BenchmarkEvent(b *testing.B) {
	for _, members := range []int{1, 30, 1000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			h := newHall(b, func(c *Config, _ *router.Config) { c.MaxMembers = 1 << 20 })
			for i := range members {
				h.join(fmt.Sprint("p", i), fmt.Sprint(i))
			}
			v := h.onAir("cam", "main", "x")
			e := router.Event{At: h.clock(), What: router.Interrupted, Channel: "c", Participant: "cam", Source: "main", Session: v.ID}
			b.ReportAllocs()
			for b.Loop() {
				h.Observe(e)
			}
		})
	}
}

// What a newcomer costs: the snapshot, and what the others are told.
func BenchmarkJoin(b *testing.B) {
	for _, members := range []int{1, 30, 1000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			h := newHall(b, func(c *Config, _ *router.Config) { c.MaxMembers = 1 << 20 })
			for i := range members {
				h.join(fmt.Sprint("p", i), fmt.Sprint(i))
			}
			b.ReportAllocs()
			for b.Loop() {
				m, l := h.join("new", "n")
				l.left()
				if err := h.Leave(m.Secret); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a member's reader costs for each event.
func BenchmarkRead(b *testing.B) {
	h := newHall(b, nil)
	_, l := h.join("ann", "a")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		h.Tell("c", "a", EventMessage, nil)
		if _, err := l.reader.Next(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
