package router

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSegmentsFind(t *testing.T) {
	var l segmentList
	now := time.Unix(1, 0)
	a, b := &Layer{}, &Layer{}
	if l.current() != nil || l.find(5) != nil {
		t.Error("empty list finds something")
	}
	l.open(now, segment{layer: a, first: 100, offset: 90})
	l.open(now, segment{layer: b, first: 200, offset: 10})
	for n, want := range map[int64]*Layer{99: nil, 100: a, 199: a, 200: b, 1000: b} {
		if got := l.find(n); (got == nil) != (want == nil) || got != nil && got.layer != want {
			t.Errorf("%d: %v", n, got)
		}
	}
}

func TestSegmentsPlace(t *testing.T) {
	var l segmentList
	now := time.Unix(1, 0)
	a, b := &Layer{}, &Layer{}
	l.open(now, segment{layer: a, first: 100, offset: 100, times: timestampMap{in: 1000, pace: 8000}})
	l.open(now, segment{layer: a, first: 150, offset: 100, times: timestampMap{in: 5000, pace: fullPace}})
	l.open(now, segment{layer: b, first: 200, offset: 0})
	for _, c := range []struct {
		name  string
		layer *Layer
		p     Packet
		out   int64
		want  int
	}{
		{"its own", a, Packet{Seq: 20, Timestamp: 1500}, 120, 0},
		{"late, of the frame the next segment begins with", a, Packet{Seq: 49, Timestamp: 5000}, 149, 1},
		{"another layer's number", a, Packet{Seq: 100}, 200, -1},
		{"another offset", a, Packet{Seq: 21}, 120, -1},
		{"older than all", a, Packet{Seq: -1}, 99, -1},
		{"current", b, Packet{Seq: 230}, 230, 2},
	} {
		got := l.place(c.layer, &c.p, c.out)
		if c.want < 0 && got != nil || c.want >= 0 && got != &l.list[c.want] {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestSegmentsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l segmentList
		now := time.Unix(1, 0)
		var firsts []int64
		next := int64(1)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			if rapid.Bool().Draw(t, "expire") {
				l.expire(now)
			}
			next += rapid.Int64Range(1, 50).Draw(t, "n")
			l.open(now, segment{first: next, offset: next})
			firsts = append(firsts, next)
			if l.n > maxSegments || l.n < 1 || l.current().first != next {
				t.Fatalf("%d segments, current %+v", l.n, l.current())
			}
			for i := range l.n { // the newest ones, in order
				if l.list[i].first != firsts[len(firsts)-l.n+i] {
					t.Fatalf("segment %d starts at %d", i, l.list[i].first)
				}
			}
			for i := l.n; i < maxSegments; i++ {
				if !reflect.DeepEqual(l.list[i], segment{}) {
					t.Fatal("a forgotten segment still holds its layer")
				}
			}
		}
	})
}

func TestSentWindowAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 1<<15).Draw(t, "start")
		w := sentWindow{highest: start}
		model := map[int64]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "advance") {
				n := w.highest + rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(1, 5000)).Draw(t, "by")
				w.advance(n)
				model[n] = true
			} else if n := w.highest - rapid.Int64Range(0, 3000).Draw(t, "back"); n > start && w.holds(n) {
				w.mark(n)
				model[n] = true
			}
			for n := w.highest; n > start && w.holds(n); n-- {
				if w.sent(n) != model[n] {
					t.Fatalf("%d sent: %v, want %v", n, w.sent(n), model[n])
				}
				if got := w.extend(uint16(n)); got != n {
					t.Fatalf("%d extends to %d", uint16(n), got)
				}
			}
			if w.holds(w.highest+1) || w.holds(w.highest-sentWindowSize) {
				t.Fatal("holds too much")
			}
		}
	})
}
