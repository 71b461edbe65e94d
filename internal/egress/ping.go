package egress

import (
	"context"
	"errors"
	"time"

	"github.com/headgate/headgate/router"
)

// ErrStuck is returned by Ping.
var ErrStuck = errors.New("a worker does not answer")

// Ping waits until every worker has come to its inbox, or for ctx; then the error
// is ErrStuck.
func (p *Pool) Ping(ctx context.Context) error {
	answers := make(chan struct{}, len(p.workers)) // one each, so nobody blocks
	for _, w := range p.workers {
		w.Do(func(time.Time, *router.Shard, *router.Out) { answers <- struct{}{} })
	}
	for range p.workers {
		select {
		case <-answers:
		case <-ctx.Done():
			return ErrStuck
		}
	}
	return nil
}
