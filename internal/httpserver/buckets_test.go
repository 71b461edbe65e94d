package httpserver

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBucketsRefill(t *testing.T) {
	b := newBuckets[string](2, 3, 10)
	now := newClock().now()
	for i := range 3 {
		if _, ok := b.take(now, "a"); !ok {
			t.Fatalf("token %d is missing", i)
		}
	}
	wait, ok := b.take(now, "a")
	if ok || wait != 500*time.Millisecond {
		t.Errorf("take = %v, %v; want to wait 500ms", wait, ok)
	}
	if left, ok := b.peek(now, "a"); ok || left != 500*time.Millisecond {
		t.Errorf("peek = %v, %v", left, ok)
	}
	if _, ok := b.take(now, "b"); !ok {
		t.Error("another key suffers")
	}
	now = now.Add(wait)
	if _, ok := b.peek(now, "a"); !ok {
		t.Error("peek after the wait")
	}
	if _, ok := b.take(now, "a"); !ok {
		t.Error("take after the wait")
	}
	if _, ok := b.peek(now, "unknown"); !ok || len(b.byKey) != 2 {
		t.Errorf("peek made an entry: %d", len(b.byKey))
	}
}

// TestBucketsAreBounded compares with a model that keeps the order in a slice.
func TestBucketsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 4
		b := newBuckets[int](1, 1, limit)
		now := newClock().now() // stands still: one token per entry
		var recent []int        // least recent first
		for _, key := range rapid.SliceOf(rapid.IntRange(0, 8)).Draw(t, "keys") {
			known := false
			for i, k := range recent {
				if k == key {
					known = true
					recent = append(recent[:i], recent[i+1:]...)
					break
				}
			}
			if recent = append(recent, key); len(recent) > limit {
				recent = recent[1:]
			}
			if _, ok := b.take(now, key); ok == known {
				t.Fatalf("take(%d) = %v, known = %v", key, ok, known)
			}
			if len(b.byKey) > limit || b.order.Len() != len(b.byKey) {
				t.Fatalf("%d entries, %d in order", len(b.byKey), b.order.Len())
			}
		}
	})
}
