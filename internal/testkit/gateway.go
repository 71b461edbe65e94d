package testkit

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
)

// Gateway is a gateway under test, on free loopback ports.
type Gateway struct {
	*gateway.Gateway
	t    testing.TB
	stop context.CancelFunc
	done chan error
	once sync.Once
}

// StartGateway starts a gateway that needs no token. change may set anything
// else; it ends with the test.
func StartGateway(t testing.TB, change func(*gateway.Config), options ...func(*gateway.Options)) *Gateway {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.HTTP.HTTP = "127.0.0.1:0"
	cfg.Media.Listen = "127.0.0.1:0"
	cfg.StateDir = t.TempDir()
	if change != nil {
		change(&cfg)
	}
	opt := gateway.Options{Log: slog.New(slog.DiscardHandler), Version: "test"}
	if testing.Verbose() {
		opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	for _, o := range options {
		o(&opt)
	}
	ctx, stop := context.WithCancel(context.Background())
	g, err := gateway.New(ctx, cfg, opt)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	s := &Gateway{Gateway: g, t: t, stop: stop, done: make(chan error, 1)}
	go func() { s.done <- g.Run(ctx) }() // waited for by Close
	t.Cleanup(s.Close)
	return s
}

// URL is the origin of the gateway.
func (g *Gateway) URL() string { return g.URLs()[0] }

// WHIP is the endpoint to publish to a channel, WHEP to play it.
func (g *Gateway) WHIP(channel string) string { return g.URL() + "/whip/" + channel }

// WHEP is the endpoint to play a channel.
func (g *Gateway) WHEP(channel string) string { return g.URL() + "/whep/" + channel }

// Close shuts the gateway down and waits. It may be called more than once.
func (g *Gateway) Close() {
	g.once.Do(func() {
		g.stop()
		select {
		case err := <-g.done:
			if err != nil {
				g.t.Errorf("the gateway ended with: %v", err)
			}
		case <-time.After(30 * time.Second):
			g.t.Error("the gateway does not shut down")
		}
	})
}
