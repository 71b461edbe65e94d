package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// maxUndecided bounds the connections of a TLS listener that have not said yet
	// what they want. More are closed at once.
	maxUndecided = 4096
	// acceptRetry is the pause after a failed accept (out of descriptors).
	acceptRetry = 20 * time.Millisecond
)

// splitter is a TLS listener for HTTP and STUN on one port. Every connection is
// shaken hands with, and its first byte decides: 0 to 3 begins a STUN message
// (RFC 7983 section 7), everything else is HTTP's. A client that agreed on h2 by
// ALPN goes to HTTP unread.
//
// Ownership: run owns a goroutine per undecided connection. Close ends them and
// run, closes what is undecided and waits.
type splitter struct {
	raw    net.Listener
	config *tls.Config
	// patience is for the handshake, and again for the first byte.
	patience  time.Duration
	log       *slog.Logger
	web, stun *handover

	ctx     context.Context //nolint:containedctx // ends handshakes when the listener is closed
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	undecided map[net.Conn]struct{}
}

func newSplitter(raw net.Listener, config *tls.Config, patience time.Duration, stun *handover, log *slog.Logger) *splitter {
	s := &splitter{
		raw: raw, config: config, patience: patience, log: log,
		web: newHandover(raw.Addr()), stun: stun, undecided: make(map[net.Conn]struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(s.run)
	return s
}

// Accept implements net.Listener for HTTP.
func (s *splitter) Accept() (net.Conn, error) { return s.web.Accept() }

// Addr implements net.Listener.
func (s *splitter) Addr() net.Addr { return s.raw.Addr() }

// Close implements net.Listener. Connections that were handed over live on.
func (s *splitter) Close() error {
	s.cancel()
	err := s.raw.Close()
	_ = s.web.Close()
	s.mu.Lock()
	for c := range s.undecided {
		_ = c.Close() // nobody has asked anything on it
	}
	s.mu.Unlock()
	s.running.Wait()
	return err
}

func (s *splitter) run() {
	defer s.web.Close() //nolint:errcheck // never fails
	for {
		conn, err := s.raw.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.log.Debug("accept", "err", err)
			select {
			case <-time.After(acceptRetry):
			case <-s.ctx.Done():
				return
			}
		case s.take(conn):
			s.running.Go(func() { s.decide(conn) })
		default:
			_ = conn.Close() // too many, or closing
		}
	}
}

func (s *splitter) take(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.undecided) >= maxUndecided || s.ctx.Err() != nil {
		return false
	}
	s.undecided[conn] = struct{}{}
	return true
}

// decide shakes hands and gives the connection to whom it is for, or closes it.
func (s *splitter) decide(raw net.Conn) {
	conn, to, err := s.open(raw)
	s.mu.Lock()
	delete(s.undecided, raw)
	s.mu.Unlock()
	if err != nil {
		s.log.Debug("a TLS connection came to nothing", "from", raw.RemoteAddr().String(), "err", err)
	}
	if err != nil || to == nil || !to.offer(s.ctx, conn, s.patience) {
		_ = raw.Close() // the client sees an end either way
	}
}

// open returns the connection with all its bytes still to read, and who gets it:
// nobody where it has served its purpose.
func (s *splitter) open(raw net.Conn) (net.Conn, *handover, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.patience)
	defer cancel()
	if err := raw.SetDeadline(time.Now().Add(s.patience)); err != nil {
		return nil, nil, err
	}
	conn := tls.Server(raw, s.config)
	if err := conn.HandshakeContext(ctx); err != nil {
		tellPlainHTTP(err)
		return nil, nil, err
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case "h2":
		return conn, s.web, raw.SetDeadline(time.Time{})
	case acmeProtocol: // the handshake was the answer (RFC 8737 section 3)
		return nil, nil, nil
	}
	if err := raw.SetDeadline(time.Now().Add(s.patience)); err != nil {
		return nil, nil, err
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, nil, err
	}
	to := s.web
	if first[0] <= lastSTUNByte {
		to = s.stun
	}
	return &begunConn{Conn: conn, unread: first}, to, raw.SetDeadline(time.Time{})
}

// lastSTUNByte is the largest first byte of a STUN message: its two highest bits
// are zero (RFC 8489 section 5), and the range up to 3 is what RFC 7983 leaves it.
// No request of HTTP begins so.
const lastSTUNByte = 3

// acmeProtocol is the ALPN name of the TLS-ALPN-01 challenge (RFC 8737).
const acmeProtocol = "acme-tls/1"

// tellPlainHTTP answers a client that speaks plain HTTP to the TLS port, as
// net/http does.
func tellPlainHTTP(err error) {
	r, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || r.Conn == nil {
		return
	}
	switch string(r.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PATCH", "DELET":
		_, _ = io.WriteString(r.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
}

// begunConn is a TLS connection whose first byte was looked at. net/http finds
// its TLS state by ConnectionState.
type begunConn struct {
	*tls.Conn
	unread []byte
}

// Read implements net.Conn.
func (c *begunConn) Read(p []byte) (int, error) {
	if len(c.unread) == 0 || len(p) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// handover is a listener that is fed with accepted connections. Nothing is kept:
// a connection that nobody accepts in time is not taken.
type handover struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHandover(addr net.Addr) *handover {
	return &handover{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// offer reports whether somebody accepted conn within wait, and before ctx ended.
func (h *handover) offer(ctx context.Context, conn net.Conn, wait time.Duration) bool {
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case h.conns <- conn:
		return true
	case <-h.closed:
	case <-late.C:
	case <-ctx.Done():
	}
	return false
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (h *handover) Addr() net.Addr { return h.addr }

// Close implements net.Listener.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// serverTLS is the configuration of handshakes. TURN clients name protocols of
// their own by ALPN (RFC 7443), or none; a client that names nothing we know is
// not refused, but takes what its first byte says.
func serverTLS(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols []string) *tls.Config {
	named := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get, NextProtos: protocols}
	unnamed := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get}
	named.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(protocols, p) }) {
			return nil, nil //nolint:nilnil // that is how crypto/tls is told to go on
		}
		return unnamed, nil
	}
	return named
}
