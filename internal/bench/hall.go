package bench

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/headgate/headgate/internal/bench/audience"
)

// joinLimit bounds one viewer's way in.
const joinLimit = 20 * time.Second

// leaveParallel is how many viewers say goodbye at once.
const leaveParallel = 16

// hall holds the viewers of a run. Its methods are for one goroutine, except
// swap.
type hall struct {
	crowd crowd
	s     *Scenario

	mu      sync.Mutex
	present []viewer
	gone    []audience.Timings // of those who left since forget
	failed  int                // joins since forget
	first   error              // of those
	next    int                // the number of the next viewer
}

// size is how many viewers there are.
func (h *hall) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.present)
}

// forget begins a new book of joins.
func (h *hall) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone, h.failed, h.first = nil, 0, nil
}

// fill lets viewers join or leave until there are n, and returns how long that
// took. A viewer that cannot join is counted and not tried again.
func (h *hall) fill(ctx context.Context, n int) time.Duration {
	start := time.Now()
	if surplus := h.size() - n; surplus > 0 {
		h.leave(ctx, surplus)
		return time.Since(start)
	}
	limiter := rate.NewLimiter(rate.Inf, 1)
	if h.s.JoinRate > 0 {
		limiter.SetLimit(rate.Limit(h.s.JoinRate))
	}
	parallel(h.s.JoinParallel, n-h.size(), func(int) {
		if limiter.Wait(ctx) == nil {
			h.join(ctx)
		}
	})
	return time.Since(start)
}

// parallel calls f with 0 to n-1, width at a time, and waits.
func parallel(width, n int, f func(int)) {
	var work sync.WaitGroup
	numbers := make(chan int) // handed over, never kept
	for range min(width, n) {
		work.Go(func() {
			for i := range numbers {
				f(i)
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	work.Wait()
}

// join brings the next viewer in.
func (h *hall) join(ctx context.Context) {
	h.mu.Lock()
	endpoint, token := h.s.playing(h.next)
	h.next++
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	v, err := h.crowd.Join(ctx, endpoint, token)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.failed++
		if h.first == nil || errors.Is(h.first, context.Canceled) {
			h.first = err
		}
		return
	}
	h.present = append(h.present, v)
}

// leave lets the n oldest viewers go.
func (h *hall) leave(ctx context.Context, n int) {
	h.mu.Lock()
	leaving := h.present[:n]
	h.present = append([]viewer(nil), h.present[n:]...)
	for _, v := range leaving {
		h.gone = append(h.gone, v.Timings())
	}
	h.mu.Unlock()
	parallel(leaveParallel, n, func(i int) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = leaving[i].Leave(ctx) // a server that is gone or busy ends the session by itself
	})
}

// swap lets the oldest viewer go and a new one come.
func (h *hall) swap(ctx context.Context) {
	h.mu.Lock()
	if len(h.present) == 0 {
		h.mu.Unlock()
		return
	}
	oldest := h.present[0]
	h.present = append([]viewer(nil), h.present[1:]...)
	h.gone = append(h.gone, oldest.Timings())
	h.mu.Unlock()
	_ = oldest.Leave(ctx) // as in leave
	h.join(ctx)
}

// book returns the timings of all who joined since forget or are present, and
// how many could not.
func (h *hall) book() (timings []audience.Timings, failed int, first error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	timings = append(timings, h.gone...)
	for _, v := range h.present {
		timings = append(timings, v.Timings())
	}
	return timings, h.failed, h.first
}
