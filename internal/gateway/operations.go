package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/httpserver"
	"github.com/headgate/headgate/internal/metrics"
)

// Operations says where those who run the gateway find /metrics, /healthz, /readyz
// and /debug/pprof/.
type Operations struct {
	// Listen is the address of a listener of their own, which answers everybody who
	// reaches it. Empty: all but the profiles are on the listeners of HTTP, /metrics
	// only for this machine and for tokens that may administer.
	Listen string `yaml:"listen"`
}

func (o Operations) validate() error {
	if o.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return fmt.Errorf("operations.listen: must look like HOST:PORT or :PORT: %w", err)
	}
	return nil
}

// longestProfile bounds answers of the operations listener: profiles take as long
// as they are asked to.
const longestProfile = 10 * time.Minute

// newOperations makes the listener of its own.
func (g *Gateway) newOperations() (*httpserver.Server, error) {
	cfg := httpserver.DefaultConfig()
	cfg.HTTP, cfg.HTTPS = g.cfg.Operations.Listen, ""
	cfg.Hosts = []string{"*"} // Prometheus uses whatever name it was given
	cfg.WriteTimeout = longestProfile
	cfg.ShutdownTimeout = time.Second
	return httpserver.New(cfg, httpserver.Options{Log: g.log, Ready: g.ready})
}

var errStopping = errors.New("the gateway shuts down")

func (g *Gateway) ready(context.Context) error {
	if g.server.Draining() {
		return errStopping
	}
	return nil
}

// operate registers what the operations listener answers, or without one the main
// listeners.
func (g *Gateway) operate() {
	page := metrics.Handler(metrics.Sources{
		Version: g.version, Started: time.Now(), Now: time.Now,
		Sessions: g.sessions.Tally, Channels: g.router.Channels, Calls: g.calls.Tally, Egress: g.egress.Stats, TURN: g.TURN, Draining: g.server.Draining,
	})
	if g.operations == nil {
		g.server.Metrics(page, g.mayReadMetrics)
		return
	}
	g.operations.Metrics(page, nil)
	g.operations.Profiles()
}

// mayReadMetrics lets this machine and administrators read. Where the configuration
// says that a proxy brings others in, requests of this machine are anybody's.
func (g *Gateway) mayReadMetrics(client netip.Addr, r *http.Request) error {
	if !g.cfg.behindProxy() && httpserver.OwnRequest(client, r) {
		return nil
	}
	if !g.cfg.hasCredentials() {
		return auth.ErrNoToken // openness is for media
	}
	cred := auth.CredentialFrom(r.Header.Get("Authorization"), g.cfg.Auth.AcceptRawToken)
	_, err := g.authority.Authorize(r.Context(), cred, auth.Admin, auth.Place{})
	return err
}

// startOperations serves until stop is called, which waits. If it fails the gateway
// goes on, since media does not need it.
func (g *Gateway) startOperations(ctx context.Context) (stop func()) {
	if g.operations == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // waited for by stop
		defer close(done)
		if err := g.operations.Serve(ctx); err != nil {
			g.log.Error("the operations listener has failed", "err", err)
		}
	}()
	return func() { cancel(); <-done }
}

// OperationsURL is the origin of the operations listener, empty without one.
func (g *Gateway) OperationsURL() string {
	if g.operations == nil {
		return ""
	}
	return g.operations.URLs()[0]
}

// Alive tells whether the parts of the gateway still take turns: it takes every
// lock of the control plane, and waits for every worker or for ctx.
func (g *Gateway) Alive(ctx context.Context) error {
	locks := make(chan struct{})
	go func() { // ends with the locks; if they are stuck so is the gateway
		g.sessions.Count()
		g.router.InUse("")
		close(locks)
	}()
	select {
	case <-locks:
	case <-ctx.Done():
		return errors.New("the control plane is stuck")
	}
	return g.egress.Ping(ctx)
}
