package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/httpserver"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/shutdown"
	"github.com/headgate/headgate/internal/sockets"
	"github.com/headgate/headgate/internal/turn"
	"github.com/headgate/headgate/internal/ui"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/router"
	"github.com/headgate/headgate/whep"
	"github.com/headgate/headgate/whip"
)

// Options are what a Gateway is given besides its Config.
type Options struct {
	Log     *slog.Logger
	Version string
	// Sockets are those that systemd opened. Config.HTTP must name the addresses of
	// the listeners among them.
	Sockets sockets.Inherited
	// Peer changes the media side for tests, for example to a virtual network.
	Peer func(*peer.Config)
}

// Gateway is a Headgate. New makes it, Run serves until its context ends.
//
// Ownership: the gateway owns everything it assembled and ends it in Close, in
// the order of close.
type Gateway struct {
	cfg       Config
	log       *slog.Logger
	version   string
	authority *auth.Authority
	server    *httpserver.Server
	// operations is nil without a listener of its own.
	operations *httpserver.Server
	host       *peer.Host
	egress     *egress.Pool
	router     *router.Router
	calls      *call.Service
	sessions   *session.Service
	turn       *turn.Server // nil without one
	// unasked tells that this machine alone needs no token because nothing is
	// configured, and not because openness was asked for.
	unasked bool
}

// New assembles a gateway, opens its sockets and listens; nothing is answered
// before Run. The error of a bad configuration names every fault.
func New(ctx context.Context, cfg Config, opt Options) (_ *Gateway, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	g := &Gateway{cfg: cfg, log: opt.Log, version: opt.Version}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	g.cfg.Auth.Log = g.log
	if err := g.decideAccess(); err != nil {
		return nil, err
	}
	if g.authority, err = auth.New(g.cfg.Auth, time.Now); err != nil {
		return nil, err
	}
	if cfg.HTTP.KeepsState() {
		if cfg.HTTP.StateDir, err = cfg.stateDir(); err != nil {
			return nil, err
		}
	}
	if g.server, err = httpserver.New(cfg.HTTP, httpserver.Options{Log: g.log, HTTP: opt.Sockets.HTTP, HTTPS: opt.Sockets.HTTPS}); err != nil {
		return nil, err
	}
	if cfg.Operations.Listen != "" {
		if g.operations, err = g.newOperations(); err != nil {
			return nil, err
		}
	}
	g.makeTURN()
	if err := g.openMedia(opt); err != nil {
		return nil, err
	}
	if err := g.listen(ctx); err != nil {
		return nil, errors.Join(err, g.host.Close())
	}
	g.assemble()
	if err := g.calls.Restore(); err != nil {
		return nil, errors.Join(err, g.abandon(ctx))
	}
	if err := g.startTURN(ctx); err != nil {
		return nil, errors.Join(err, g.abandon(ctx))
	}
	return g, nil
}

// abandon ends what New assembled.
func (g *Gateway) abandon(ctx context.Context) error {
	err := errors.Join(g.sessions.Close(ctx), g.calls.Close(ctx), g.server.Shutdown(ctx))
	if g.operations != nil {
		err = errors.Join(err, g.operations.Shutdown(ctx))
	}
	g.egress.Close()
	return errors.Join(err, g.host.Close())
}

// decideAccess applies the rule for gateways whose access nobody configured: to
// this machine alone they are open, elsewhere they want tokens signed with a key
// of their own. Openness elsewhere is for media: administration wants such a token.
func (g *Gateway) decideAccess() error {
	if g.cfg.openElsewhere() {
		g.closeAdministration()
	}
	if !g.cfg.noAuth() {
		return nil
	}
	if g.cfg.loopbackOnly() {
		g.cfg.Auth.Open, g.unasked = true, true
		return nil
	}
	key, madeIn, err := g.cfg.ownKey()
	if err != nil {
		return err
	}
	g.cfg.Auth.Own = key
	g.log.Warn("no tokens are configured: clients need one made by `headgate token`", "key_created", madeIn != "")
	return nil
}

// closeAdministration makes the key of administrators' tokens. Where none can be
// kept the gateway is as open as it was told to be, and nobody administers it.
func (g *Gateway) closeAdministration() {
	key, _, err := g.cfg.ownKey()
	if err != nil {
		g.log.Warn("nobody can administer this open gateway: the key of such tokens cannot be kept; set state_dir or HEADGATE_KEY", "err", err)
		key = auth.NewKey()
	}
	g.cfg.Auth.Own = key
}

// stateDir is where state is kept when the configuration names no place.
func (c Config) stateDir() (string, error) {
	if c.StateDir != "" {
		return c.StateDir, nil
	}
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" { // set by systemd
		return dir, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("state_dir: name a directory, since the system names none: %w", err)
	}
	return filepath.Join(dir, "headgate"), nil
}

// channelsFile is where channels that are provisioned over the API are kept. A
// gateway for this machine alone that was told of no place leaves none behind.
func (c Config) channelsFile() string {
	if c.StateDir == "" && os.Getenv("STATE_DIRECTORY") == "" && c.loopbackOnly() {
		return ""
	}
	dir, err := c.stateDir()
	if err != nil {
		return "" // and in memory only: nothing else needs the directory, or New has failed
	}
	return filepath.Join(dir, "channels.json")
}

func (g *Gateway) openMedia(opt Options) (err error) {
	cfg := g.cfg.peer(g.log)
	cfg.UDP, cfg.TCPListeners = opt.Sockets.UDP, opt.Sockets.TCP
	if g.turn != nil {
		cfg.Relay = g.turn
	}
	if opt.Peer != nil {
		opt.Peer(&cfg)
	}
	g.host, err = peer.Listen(cfg)
	return err
}

func (g *Gateway) listen(ctx context.Context) error {
	if err := g.server.Listen(ctx); err != nil || g.operations == nil {
		return err
	}
	if err := g.operations.Listen(ctx); err != nil {
		return errors.Join(err, g.server.Shutdown(ctx))
	}
	return nil
}

func (g *Gateway) assemble() {
	g.egress = egress.Start(g.cfg.Egress)
	channels := g.cfg.Channels
	channels.Observe = g.observe
	if channels.CacheTotal == 0 {
		channels.CacheTotal = cacheFor(memory(os.DirFS("/")))
	}
	g.router = router.New(channels)
	calls := g.cfg.Calls
	calls.ChannelsFile = g.cfg.channelsFile()
	g.calls = call.New(calls, call.Parts{Router: g.router, Log: g.log, Now: time.Now})
	g.sessions = session.Start(g.cfg.Sessions, session.Parts{
		Authority: g.authority, Router: g.router, Calls: g.calls, MaxSlots: g.cfg.Calls.MaxSlots, Host: g.host, Egress: g.egress, Saturated: g.egress.Saturated,
		ICEServers: g.iceServers,
		Exempt:     func(a netip.Addr) bool { return g.server.Exempt(a) },
		Log:        g.log, Now: time.Now,
	})
	g.calls.Start(g.sessions)
	g.routes()
	g.operate()
}

func (g *Gateway) observe(e router.Event) {
	g.log.Info("publication", "event", e.What, "channel", e.Channel, "participant", e.Participant, "source", e.Source, "session", e.Session)
	g.calls.Observe(e) // nobody publishes before assemble has returned
}

func (g *Gateway) routes() {
	e := g.server.Echo()
	cfg := wish.Config{
		CORS: g.cors(), Origin: g.server.Origin, Gate: g.server.Gate, Redirect: g.cfg.RedirectPosts, Extensions: g.server.AnnouncesExtensions,
		MaxBodyBytes: g.cfg.HTTP.MaxBodyBytes, AcceptRawToken: g.cfg.Auth.AcceptRawToken,
		CounterOffers: g.cfg.Sessions.CounterOffer != session.CounterNever,
	}
	cfg.Links = whep.Links(cfg)
	wish.Register(e, cfg, g.sessions)
	whip.Register(e, cfg, g.sessions)
	whep.Register(e, cfg, g.sessions)
	api.Register(e, api.Config{Version: g.version, Origin: g.server.Origin, AcceptRawToken: g.cfg.Auth.AcceptRawToken, Gate: g.server.Gate, Forwarded: g.server.Forwarded, Origins: g.cfg.CORS.Origins, Own: httpserver.OwnRequest}, roster{g})
	ui.Register(e, g.pages())
}

// pages lets the pages reach the public URL, where their sessions are, from
// whatever address they were opened with.
func (g *Gateway) pages() ui.Config {
	c := ui.Config(g.cfg.Pages)
	if u, err := url.Parse(g.cfg.HTTP.PublicURL); err == nil && u.Host != "" {
		c.ConnectSources = append(slices.Clone(c.ConnectSources), u.Scheme+"://"+u.Host)
	}
	return c
}

// cors opens WHIP and WHEP to every page where a token is required or openness
// was asked for, and otherwise to pages of this machine only.
func (g *Gateway) cors() wish.CORS {
	c := g.cfg.CORS
	c.AllowAny = len(c.Origins) == 0 && !g.unasked
	c.EchoLoopback = !c.AllowAny
	return c
}

// Handler serves everything, without listeners.
func (g *Gateway) Handler() http.Handler { return g.server.Handler() }

// URLs are the origins HTTP is served at, for somebody on this machine.
func (g *Gateway) URLs() []string { return g.server.URLs() }

// Fingerprint is the SHA-256 fingerprint of a self-signed certificate of HTTPS;
// empty with any other one.
func (g *Gateway) Fingerprint() string { return g.server.Fingerprint() }

// Media are the addresses advertised now.
func (g *Gateway) Media() []netip.AddrPort { return g.host.Addresses() }

// TokenRequired tells whether publishing and playing need a token.
func (g *Gateway) TokenRequired() bool { return g.authority.Required() }

// Sessions tells about every live session.
func (g *Gateway) Sessions() []session.Info { return g.sessions.Sessions() }

// Channels tells about every channel.
func (g *Gateway) Channels() []router.ChannelInfo { return g.router.Channels() }

// Run serves until ctx ends or a listener fails, then shuts down in order and
// within bounds.
func (g *Gateway) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer g.startOperations(context.WithoutCancel(ctx))() // last, so that it tells how the end goes
	served := make(chan error, 1)
	go func() { served <- g.server.Serve(serving) }() // waited for below
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
		served <- nil // for the step below
	}
	return errors.Join(failed, g.close(stop, served))
}

// Drain refuses new sessions from now on, with 503; those there are go on. Run
// drains by itself when its context ends.
func (g *Gateway) Drain() {
	g.server.Drain()
	g.sessions.Drain()
}

// close ends everything: first nobody new comes, then those here are told, and
// the sockets go last, because closing connections still send.
func (g *Gateway) close(stopServing context.CancelFunc, served <-chan error) error {
	quick := func(f func()) func(context.Context) error {
		return func(context.Context) error { f(); return nil }
	}
	return shutdown.Run(context.Background(), g.log,
		shutdown.Step{Name: "readiness", Limit: time.Second, Stop: quick(g.Drain)},
		shutdown.Step{Name: "calls", Limit: time.Second, Stop: g.calls.Close}, // members are told before they see everybody go
		shutdown.Step{Name: "sessions", Limit: 5 * time.Second, Stop: g.sessions.Close},
		shutdown.Step{Name: "http", Limit: g.cfg.HTTP.ShutdownTimeout + time.Second, Stop: func(ctx context.Context) error {
			stopServing()
			select {
			case err := <-served:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}},
		shutdown.Step{Name: "egress", Limit: time.Second, Stop: quick(g.egress.Close)},
		shutdown.Step{Name: "turn", Limit: 2 * time.Second, Stop: func(context.Context) error { return g.closeTURN() }},
		shutdown.Step{Name: "media", Limit: time.Second, Stop: func(context.Context) error { return g.host.Close() }},
	)
}
