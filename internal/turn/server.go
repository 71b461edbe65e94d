package turn

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	pion "github.com/pion/turn/v5"

	"github.com/headgate/headgate/internal/sockets"
)

// Media is the gateway's media side. Its methods are safe for concurrent use.
type Media interface {
	// Addresses are those advertised now, and the only ones anything is relayed to.
	Addresses() []netip.AddrPort
	// Deliver takes a datagram as if it had been received from that address. It is
	// false if it was not taken.
	Deliver(datagram []byte, from netip.AddrPort) bool
	// Uses tells whether a session's media goes to that address now.
	Uses(netip.AddrPort) bool
}

// Options are what a Server is given besides its Config. Lives and ListenPacket
// are required.
type Options struct {
	// TTL is how long a bound credential works.
	TTL time.Duration
	// Lives tells whether there is a session with this public id.
	Lives func(session string) bool
	// ListenPacket opens the UDP port.
	ListenPacket func(ctx context.Context, address string) (net.PacketConn, error)
	// TLS is for Config.TLSListen; nil only without it.
	TLS *tls.Config
	// Log gets each allocation at debug level; nil discards.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Server is a TURN server whose relay has no socket. New makes it, so that the
// media host can be given it; Start opens its ports.
//
// Ownership: it has a goroutine per listener and a sweeper; pion has one per
// connection and allocation, and one for UDP. Close ends all of them and waits.
// Methods are safe for concurrent use, but Start comes before ServeConn and Close.
type Server struct {
	cfg    Config
	opt    Options
	secret string
	madeUp madeUp

	media        Media
	destinations destinations
	table        *table
	streams      *streams
	feed         *feed
	pool         sync.Pool
	count        counters

	pion        *pion.Server
	udp         net.PacketConn
	listeners   []net.Listener
	plainPort   uint16
	securePorts []uint16
	stop        context.CancelFunc
	// accepting and sweeping are the goroutines.
	accepting, sweeping sync.WaitGroup
}

// New makes a server that is not started. cfg must be valid.
func New(cfg Config, opt Options) *Server {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Server{
		cfg: cfg, opt: opt, secret: rand.Text(), madeUp: newMadeUp(), table: newTable(), streams: newStreams(),
		feed: &feed{accepted: make(chan net.Conn), closed: make(chan struct{})},
	}
	s.pool.New = func() any { return new(datagram) }
	return s
}

// Secret makes credentials by the scheme of internal/iceservers. It is new with
// each process.
func (s *Server) Secret() string { return s.secret }

// Owns tells whether an address is from those of allocations.
func (s *Server) Owns(a netip.AddrPort) bool { return s.madeUp.owns(a) }

// Send takes a datagram to the client of the allocation at an address. It does
// not block and keeps nothing; an error means that the datagram is gone.
func (s *Server) Send(datagram []byte, to netip.AddrPort) error {
	a := s.table.at(to)
	if a == nil {
		return errGone
	}
	return a.send(datagram)
}

// Start opens the ports and serves, and so it does with what shared accepts: TLS
// connections on a port that somebody else listens on; nil for none. On error
// nothing is left open.
func (s *Server) Start(ctx context.Context, media Media, shared net.Listener) (err error) {
	s.media, s.destinations.ask = media, media.Addresses
	if shared != nil {
		s.addSecure(shared)
	}
	if err := s.listen(ctx); err != nil {
		return errors.Join(err, s.closeSockets())
	}
	if s.pion, err = s.newPion(); err != nil {
		return errors.Join(err, s.closeSockets())
	}
	for _, l := range s.listeners {
		s.accepting.Go(func() { s.accept(l) })
	}
	sweeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.sweeping.Go(func() { s.keepSweeping(sweeping) })
	return nil
}

// portTries is how often a free port is looked for that UDP and TCP both have.
const portTries = 16

func (s *Server) listen(ctx context.Context) error {
	host, wanted, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("turn.listen: %w", err)
	}
	var lc net.ListenConfig
	for try := 1; ; try++ {
		if s.udp, err = s.opt.ListenPacket(ctx, s.cfg.Listen); err != nil {
			return sockets.Explain(err, s.cfg.Listen, "turn.listen")
		}
		s.plainPort = addrPortOf(s.udp.LocalAddr()).Port()
		tcp, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(s.plainPort)))
		if err == nil {
			s.listeners = append(s.listeners, tcp)
			break
		}
		if wanted != "0" || try == portTries {
			return sockets.Explain(err, s.cfg.Listen, "turn.listen")
		}
		_ = s.udp.Close()
	}
	return s.listenTLS(ctx)
}

func (s *Server) listenTLS(ctx context.Context) error {
	if s.cfg.TLSListen == "" {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.TLSListen)
	if err != nil {
		return sockets.Explain(err, s.cfg.TLSListen, "turn.tls_listen")
	}
	s.addSecure(tls.NewListener(l, s.opt.TLS))
	return nil
}

func (s *Server) addSecure(l net.Listener) {
	s.listeners = append(s.listeners, l)
	s.securePorts = append(s.securePorts, addrPortOf(l.Addr()).Port())
}

func (s *Server) closeSockets() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	if s.udp != nil {
		errs = append(errs, s.udp.Close())
	}
	return errors.Join(errs...)
}

// acceptRetry is the pause after a failed accept (out of descriptors).
const acceptRetry = 20 * time.Millisecond

func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.ServeConn(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-time.After(acceptRetry):
			case <-s.feed.closed:
				return
			}
		}
	}
}

// local is what pion takes for the address that clients come to. Pion gives
// allocations of its family to clients that ask for none (RFC 6156 has IPv4), and
// the family has to be one that media has.
func (s *Server) local(port uint16) netip.AddrPort {
	if s.destinations.onlyIPv6(s.opt.Now()) {
		return netip.AddrPortFrom(netip.IPv6Loopback(), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// Close ends every allocation and connection, and the sockets, and waits.
func (s *Server) Close() error {
	s.stop()
	s.sweeping.Wait()
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	s.streams.close() // before the feed: pion ends allocations while others are served
	errs = append(errs, s.pion.Close())
	s.accepting.Wait()
	s.table.left.Wait()
	return errors.Join(errs...)
}

// URLs are the server's addresses under the given hosts (RFC 7065): plain ones for
// UDP and TCP, secure ones for TLS, if that is served.
func (s *Server) URLs(plain, secure []string) []string {
	var urls []string
	for _, h := range plain {
		at := "turn:" + net.JoinHostPort(h, fmt.Sprint(s.plainPort))
		urls = append(urls, at+"?transport=udp", at+"?transport=tcp")
	}
	for _, port := range s.securePorts {
		for _, h := range secure {
			urls = append(urls, "turns:"+net.JoinHostPort(h, fmt.Sprint(port))+"?transport=tcp")
		}
	}
	return urls
}
