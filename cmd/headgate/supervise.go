package main

import (
	"context"
	"log/slog"
	"os"
	"sync"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/notify"
)

// supervise tells systemd, where it wants to know, that the gateway is ready, that
// it works, and that it ends. stop waits until nothing is told any more.
func supervise(ctx context.Context, con *console, log *slog.Logger, g *gateway.Gateway) (stop func(), err error) {
	s, err := notify.FromEnvironment(con.env, os.Getpid())
	if err != nil {
		return nil, err
	}
	if err := s.Tell(notify.Ready); err != nil {
		return nil, err
	}
	ending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var telling sync.WaitGroup
	telling.Go(func() {
		s.Watch(ending, g.Alive, func(err error) { log.Error("the gateway does not work", "err", err) })
	})
	telling.Go(func() {
		select {
		case <-ctx.Done():
			if err := s.Tell(notify.Stopping); err != nil {
				log.Warn("cannot say that the gateway ends", "err", err)
			}
		case <-ending.Done():
		}
	})
	return func() { cancel(); telling.Wait() }, nil
}
