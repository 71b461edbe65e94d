package httpserver

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// buckets is a token bucket per key, for a bounded number of keys: the one that
// was quiet longest is forgotten first.
type buckets[K comparable] struct {
	rate  rate.Limit
	burst int
	limit int

	mu    sync.Mutex
	order *list.List // of *bucket[K], most recent first
	byKey map[K]*list.Element
}

type bucket[K comparable] struct {
	key   K
	limit *rate.Limiter
}

func newBuckets[K comparable](perSecond float64, burst, limit int) *buckets[K] {
	return &buckets[K]{
		rate: rate.Limit(perSecond), burst: burst, limit: limit,
		order: list.New(), byKey: make(map[K]*list.Element),
	}
}

// take takes a token of key at now; if there is none it tells how long until
// there is one.
func (b *buckets[K]) take(now time.Time, key K) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.of(key)
	if l.AllowN(now, 1) {
		return 0, true
	}
	return b.wait(l, now), false
}

// peek is take without taking, and makes no entry for a key it does not know.
func (b *buckets[K]) peek(now time.Time, key K) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, known := b.byKey[key]
	if !known {
		return 0, true
	}
	l := e.Value.(*bucket[K]).limit
	if l.TokensAt(now) >= 1 {
		return 0, true
	}
	return b.wait(l, now), false
}

func (b *buckets[K]) wait(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	return time.Duration(missing / float64(b.rate) * float64(time.Second))
}

// of returns the limiter of key, making room for it if it is new.
func (b *buckets[K]) of(key K) *rate.Limiter {
	if e, ok := b.byKey[key]; ok {
		b.order.MoveToFront(e)
		return e.Value.(*bucket[K]).limit
	}
	if b.order.Len() >= b.limit {
		oldest := b.order.Remove(b.order.Back()).(*bucket[K])
		delete(b.byKey, oldest.key)
	}
	n := &bucket[K]{key: key, limit: rate.NewLimiter(b.rate, b.burst)}
	b.byKey[key] = b.order.PushFront(n)
	return n.limit
}
