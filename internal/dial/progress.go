package dial

import (
	"sync"
	"time"
)

// Progress tells every second how far a tool is, until the returned function is
// called, which waits for the last time. Without tell it does nothing.
func Progress[S any](tell func(S), summary func() S) (stop func()) {
	if tell == nil {
		return func() {}
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell(summary())
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}
