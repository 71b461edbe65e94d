package peer

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// tcpListener merges the TCP listeners of both families for the ICE-TCP mux and
// bounds what they accept.
//
// The mux files connections by the local address they came in on and finds them
// by the addresses of interfaces. Behind a NAT or a published container port
// these differ, so every connection is given the same local address per family
// and tcpMux asks for that one.
//
// Ownership: an accepting goroutine per listener, and one per connection on which
// something waits to be written; Close ends them, closes every connection and waits. The mux itself would wait half a minute for connections
// that never say anything.
type tcpListener struct {
	listeners []net.Listener
	accepted  chan net.Conn
	closed    chan struct{}
	once      sync.Once
	accepting sync.WaitGroup
	writing   sync.WaitGroup

	mu    sync.Mutex
	conns map[*tcpConn]struct{}
}

const (
	// maxTCPConns is how many ICE-TCP connections there may be, sessions or not.
	// More are closed at once.
	maxTCPConns = 4096
	// acceptRetry is the pause after a failed accept (out of descriptors).
	acceptRetry = 20 * time.Millisecond
)

func newTCPListener(listeners []net.Listener) *tcpListener {
	l := &tcpListener{
		listeners: listeners,
		accepted:  make(chan net.Conn), // the mux takes them at once
		closed:    make(chan struct{}),
		conns:     map[*tcpConn]struct{}{},
	}
	for _, from := range listeners {
		l.accepting.Go(func() { l.acceptFrom(from) })
	}
	return l
}

func (l *tcpListener) acceptFrom(from net.Listener) {
	for {
		conn, err := from.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			select {
			case <-time.After(acceptRetry):
				continue
			case <-l.closed:
				return
			}
		}
		tracked := l.track(conn)
		if tracked == nil {
			_ = conn.Close()
			continue
		}
		select {
		case l.accepted <- tracked:
		case <-l.closed:
			_ = tracked.Close()
			return
		}
	}
}

// track returns nil when there are too many connections already.
func (l *tcpListener) track(conn net.Conn) *tcpConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= maxTCPConns {
		return nil
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(tcpKernelBytes) // or it stays as it is
	}
	local := addrPortOf(conn.LocalAddr())
	c := &tcpConn{Conn: conn, owner: l, queue: tcpQueue{conn: conn, work: &l.writing}, local: &net.TCPAddr{IP: tcpLocal(local.Addr().Is6()), Port: int(local.Port())}}
	l.conns[c] = struct{}{}
	return c
}

// tcpLocal is the local address all connections of a family seem to have.
func tcpLocal(v6 bool) net.IP {
	if v6 {
		return net.IPv6unspecified
	}
	return net.IPv4zero
}

// Accept implements net.Listener.
func (l *tcpListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (l *tcpListener) Addr() net.Addr { return l.listeners[0].Addr() }

// Close implements net.Listener.
func (l *tcpListener) Close() error {
	var errs []error
	l.once.Do(func() {
		close(l.closed)
		for _, from := range l.listeners {
			errs = append(errs, from.Close())
		}
		l.accepting.Wait()
		for _, conn := range l.snapshot() {
			_ = conn.Close()
		}
		l.writing.Wait()
	})
	return errors.Join(errs...)
}

// find returns the connection from remote, nil if there is none. A client has one
// from an address, unless it has several to different addresses of ours: then it is
// any of these.
func (l *tcpListener) find(remote netip.AddrPort) *tcpConn {
	for _, c := range l.snapshot() {
		if addrPortOf(c.RemoteAddr()) == remote {
			return c
		}
	}
	return nil
}

func (l *tcpListener) snapshot() []*tcpConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	conns := make([]*tcpConn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	return conns
}

// tcpConn is an accepted connection with the local address of its family, and with a
// queue for what is written.
type tcpConn struct {
	net.Conn
	owner *tcpListener
	local net.Addr
	queue tcpQueue
}

// Write implements net.Conn. It never blocks.
func (c *tcpConn) Write(b []byte) (int, error) { return c.queue.put(b) }

// LocalAddr implements net.Conn.
func (c *tcpConn) LocalAddr() net.Addr { return c.local }

// Close implements net.Conn.
func (c *tcpConn) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.conns, c)
	c.owner.mu.Unlock()
	return c.queue.close()
}
