package peer

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/fault"
)

// ErrClosed is what a Host or a Conn answers after it was closed.
var ErrClosed = fault.New(fault.Unavailable, "shutting-down", "The gateway is shutting down; try another one or come back later.").
	After(2 * time.Second)

// Host owns the media sockets and what all connections share: the ICE muxes, the
// certificate and the prepared settings.
//
// Ownership: Close closes every Conn first, then the sockets, and waits for the
// goroutines of both. Safe for concurrent use.
type Host struct {
	cfg  Config
	log  *slog.Logger
	book *addressBook
	addr netip.AddrPort

	sockets     *udpConn       // nil on a virtual network
	virtual     *egress.Socket // instead of sockets there
	udp         *udpMux
	tcp         *tcpMux // nil without ICE-TCP
	certificate webrtc.Certificate
	settings    prepared

	// seen is how STUN servers saw the media port last; nil while nobody was asked.
	seen atomic.Pointer[[]netip.AddrPort]

	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[*Conn]struct{}
}

// Listen opens the sockets of cfg and prepares what connections share. On error
// nothing is left open.
func Listen(cfg Config) (*Host, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.lookup == nil {
		cfg.lookup = lookupName
	}
	if cfg.discoverTimeout == 0 {
		cfg.discoverTimeout = discoverTimeout
	}
	if cfg.interfaces == nil {
		cfg.interfaces = machineInterfaces
	}
	h := &Host{cfg: cfg, log: cfg.logger(), conns: map[*Conn]struct{}{}}
	var err error
	if h.certificate, err = newCertificate(time.Now()); err != nil {
		return nil, err
	}
	if cfg.Net == nil {
		if h.cfg.Net, err = stdnet.NewNet(); err != nil {
			return nil, err
		}
	}
	if err := checkKeyHooks(); err != nil {
		return nil, err
	}
	if err := h.open(); err != nil {
		return nil, err
	}
	h.settings = h.prepare()
	h.startResolving()
	return h, nil
}

// open makes sockets, muxes and the address book.
func (h *Host) open() error {
	if h.cfg.UDPConn != nil {
		local := addrPortOf(h.cfg.UDPConn.LocalAddr())
		h.addr = local
		h.openBook(local.Port(), local.Addr(), local.Addr().Is4(), local.Addr().Is6())
		h.openUDP(h.cfg.UDPConn)
		h.virtual = egress.NewSocket(h.cfg.UDPConn, nil, egress.Single)
		return nil
	}
	s, err := openSockets(context.Background(), h.cfg)
	if err != nil {
		return err
	}
	h.sockets = newUDPConn(s.udp, h.cfg.Relay)
	h.addr = addrPortOf(h.sockets.LocalAddr())
	bound := h.addr.Addr()
	if bound.IsUnspecified() {
		bound = netip.Addr{}
	}
	v4, v6 := h.sockets.families()
	h.openBook(s.port, bound, v4, v6)
	h.openUDP(h.sockets)
	if len(s.tcp) > 0 {
		h.openTCP(s.tcp)
	}
	return nil
}

func (h *Host) openBook(port uint16, bound netip.Addr, v4, v6 bool) {
	h.book = &addressBook{cfg: h.cfg, log: h.log, port: port, bound: bound, v4: v4, v6: v6, resolved: map[string][]netip.Addr{}}
}

func (h *Host) openUDP(conn net.PacketConn) {
	h.udp = &udpMux{primary: h.primary, UDPMuxDefault: ice.NewUDPMuxDefault(ice.UDPMuxParams{
		Logger: h.stackLog(), UDPConn: conn, Net: h.cfg.Net,
	})}
}

const (
	// firstCheckTimeout closes a TCP connection that says nothing.
	firstCheckTimeout = 10 * time.Second
	// tcpReadQueue is in packets per session.
	tcpReadQueue = 32
)

func (h *Host) openTCP(listeners []net.Listener) {
	listener := newTCPListener(listeners)
	h.tcp = &tcpMux{listener: listener, conns: map[tcpKey]net.PacketConn{}, mux: ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener:                     listener,
		Logger:                       h.stackLog(),
		ReadBufferSize:               tcpReadQueue,
		FirstStunBindTimeout:         firstCheckTimeout,
		AliveDurationForConnFromStun: firstCheckTimeout,
	})}
}

func (h *Host) stackLog() *stackLogger { return &stackLogger{log: h.log, errors: slog.LevelDebug} }

// startResolving looks public names up, once before anybody is answered, and
// asks STUN servers.
func (h *Host) startResolving() {
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	if h.book.hasNames() {
		all := h.book.resolve(ctx)
		h.work.Go(func() { h.book.keepResolving(ctx, all) })
	}
	h.startDiscovering(ctx)
}

// Addr is where media is received, with the real port. The address is
// unspecified when media is bound to all.
func (h *Host) Addr() netip.AddrPort { return h.addr }

// Addresses are those advertised now, in the order of the answer.
func (h *Host) Addresses() []netip.AddrPort { return h.book.list(time.Now()) }

func (h *Host) primary() []netip.AddrPort { return firstOfFamily(h.Addresses()) }

// candidates are the lines that go into an answer now.
func (h *Host) candidates() []string { return localCandidates(h.Addresses(), h.tcp != nil) }

// adopt files a new connection, unless the host is closed.
func (h *Host) adopt(c *Conn) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.conns[c] = struct{}{}
	return nil
}

func (h *Host) forget(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// Close closes every connection and the sockets, and waits for all goroutines.
// It must not be called from Notify.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	open := make([]*Conn, 0, len(h.conns))
	for c := range h.conns {
		open = append(open, c)
	}
	h.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	h.stop()
	h.work.Wait()
	errs := []error{h.udp.Close()}
	if h.tcp != nil {
		errs = append(errs, h.tcp.Close())
	}
	return errors.Join(errs...)
}
