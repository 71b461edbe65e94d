package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/problem"
	"github.com/headgate/headgate/internal/sockets"
)

// Options are what a Server is given besides its Config. The zero value works.
type Options struct {
	// Log takes the access log and what goes wrong; nil means slog.Default.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Ready is asked by /readyz; nil means always ready until Drain.
	Ready func(context.Context) error
	// HTTP and HTTPS are listeners that were opened before, instead of those of
	// the same fields of Config, which then only say what they are. The Server
	// closes them.
	HTTP, HTTPS net.Listener
}

// Server serves HTTP on its listeners. Register routes on Echo before Serve.
//
// Ownership: Serve owns a goroutine per listener and waits for them. Methods are
// safe for concurrent use, but Listen comes before Serve and each is called once.
type Server struct {
	cfg      Config
	log      *slog.Logger
	now      func() time.Time
	ready    func(context.Context) error
	echo     *echo.Echo
	http     *http.Server
	cert     certificates
	peers    peers
	hosts    hosts
	limits   *limits
	draining atomic.Bool
	fresh    freshConns
	given    [2]net.Listener // plain and TLS
	stun     *handover
	proxies  proxySeen

	mu        sync.Mutex
	listeners []listener
}

type listener struct {
	net.Listener
	tls bool
}

// New makes a Server. The error names every fault of cfg, or the certificate
// that cannot be read.
func New(cfg Config, opt Options) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: opt.Log, now: opt.Now, ready: opt.Ready, given: [2]net.Listener{opt.HTTP, opt.HTTPS}}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.peers = newPeers(cfg)
	s.hosts = newHosts(cfg)
	s.limits = newLimits(cfg.Limits)
	if cfg.HTTPS != "" {
		cert, err := s.loadCertificates()
		if err != nil {
			return nil, fmt.Errorf("http.tls: %w", err)
		}
		s.cert = cert
	}
	s.stun = newHandover(nil)
	_ = s.stun.Close() // until somebody wants them, STUN connections are refused
	s.echo = s.newEcho()
	s.http = s.newHTTP()
	return s, nil
}

func (s *Server) newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.HTTPErrorHandler = problem.Handler(s.log)
	e.IPExtractor = s.peers.clientIP
	e.Pre(s.logAccess, s.recoverPanics, securityHeaders, s.noteProxy, s.checkHost, s.redirectToTLS, s.limitBody)
	s.registerHealth(e)
	s.registerChallenge(e)
	return e
}

func (s *Server) newHTTP() *http.Server {
	srv := &http.Server{
		Handler:           s.echo,
		ReadHeaderTimeout: s.cfg.ReadHeaderTimeout,
		ReadTimeout:       s.cfg.ReadTimeout,
		WriteTimeout:      s.cfg.WriteTimeout,
		IdleTimeout:       s.cfg.IdleTimeout,
		MaxHeaderBytes:    s.cfg.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnState:         s.fresh.watch,
		ConnContext:       limitLoss,
	}
	if s.cert != nil {
		srv.TLSConfig = serverTLS(s.cert.get, s.protocols())
	}
	return srv
}

// Echo is where routes are registered.
func (s *Server) Echo() *echo.Echo { return s.echo }

// STUN returns a listener of the TLS connections that begin with a STUN message,
// for a TURN server on the port of HTTPS. Closing it refuses them, as if STUN had
// never been called. It comes after Listen and before Serve, and is nil without
// HTTPS.
func (s *Server) STUN() net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		if l.tls {
			s.stun = newHandover(l.Addr())
			return s.stun
		}
	}
	return nil
}

// Handler serves everything registered, without listeners.
func (s *Server) Handler() http.Handler { return s.echo }

// Exempt reports whether limits per address do not count addr.
func (s *Server) Exempt(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsLoopback() && !s.cfg.LimitLoopback || s.peers.trustedNetwork(addr)
}

// AnnouncesExtensions reports whether the listener that r came by is one where the
// extensions of WHEP are announced: there are players that do not get over a Link
// they do not know.
func (s *Server) AnnouncesExtensions(r *http.Request) bool {
	name := "http"
	if r.TLS != nil {
		name = "https"
	}
	return slices.Contains(s.cfg.WHEPExtensions, name)
}

// Listen opens the listeners. An error says what to do about it.
func (s *Server) Listen(ctx context.Context) error {
	for _, l := range []struct {
		given            net.Listener
		address, setting string
		tls              bool
	}{{s.given[0], s.cfg.HTTP, "http.http", false}, {s.given[1], s.cfg.HTTPS, "http.https", true}} {
		ln := l.given
		switch {
		case l.address == "":
			continue
		case ln == nil:
			var err error
			var lc net.ListenConfig
			if ln, err = lc.Listen(ctx, "tcp", l.address); err != nil {
				return errors.Join(sockets.Explain(err, l.address, l.setting), s.closeListeners())
			}
		}
		s.mu.Lock()
		s.listeners = append(s.listeners, listener{ln, l.tls})
		s.mu.Unlock()
	}
	return nil
}

func (s *Server) closeListeners() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	s.listeners = nil
	return errors.Join(errs...)
}

// URLs returns the origin of every listener, plain ones first, for somebody on
// this machine: an unspecified address is written as loopback.
func (s *Server) URLs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := make([]string, 0, len(s.listeners))
	for _, l := range s.listeners {
		scheme := "http"
		if l.tls {
			scheme = "https"
		}
		urls = append(urls, scheme+"://"+reachable(l.Addr()))
	}
	return urls
}

func reachable(a net.Addr) string {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	if ap.Addr().IsUnspecified() {
		ap = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port())
	}
	return ap.String()
}

// Serve answers requests until ctx ends or Shutdown is called, then returns nil;
// or until a listener fails. It always leaves everything closed: when ctx ends,
// requests under way have Config.ShutdownTimeout to finish.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	listeners := s.listeners
	s.mu.Unlock()
	failed := make(chan error, len(listeners)) // one each, so nobody blocks
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() { failed <- s.serve(l) })
	}
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if a, ok := s.cert.(*acmeCertificates); ok {
		serving.Go(func() { a.keep(keeping) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownTimeout)
	defer cancel()
	err = errors.Join(err, s.Shutdown(limit))
	serving.Wait()
	return err
}

func (s *Server) serve(l listener) error {
	var ln net.Listener = l
	if l.tls {
		ln = newSplitter(l, s.http.TLSConfig, s.cfg.ReadHeaderTimeout, s.stun, s.log)
	}
	err := s.http.Serve(ln)
	_ = ln.Close() // again, for when Serve did not come to it
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// Drain makes /readyz fail and refuses new sessions with 503; those there are go
// on.
func (s *Server) Drain() { s.draining.Store(true) }

// Shutdown drains, stops listening and waits for requests under way; when ctx
// ends first their connections are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	s.fresh.closeAll()
	err := s.http.Shutdown(ctx)
	_ = s.closeListeners() // for those that were never served; the others are closed
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.http.Close())
}
