package peer

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// udpConn is the one connection below the ICE mux. It owns all UDP descriptors:
// one, which serves both families where media listens on all addresses, or one
// per family where the system can't do that.
//
// Ownership: with several descriptors, or a relay, each descriptor has a reader
// goroutine; Close ends them and waits.
type udpConn struct {
	local   net.Addr
	sockets []*udpSocket
	// relay takes what goes to its addresses; nil without one.
	relay Relay
	// arrived hands datagrams from the readers to ReadFromAddrPort. When it is
	// full the readers wait and the kernel's buffers take what comes.
	arrived chan *datagram
	pool    sync.Pool
	closed  chan struct{}
	// questions are ours to STUN servers; their answers are not ICE's.
	questions questions
	// feedback finds viewers whose RTCP is taken out of what is read.
	feedback feedbackTable
	once     sync.Once
	readers  sync.WaitGroup
}

// datagram is what one read brought, in a pooled buffer.
type datagram struct {
	buf  [receiveBytes]byte
	n    int
	from netip.AddrPort
}

const (
	// receiveBytes is what the stack's own mux reads at most.
	receiveBytes = 8192
	// arrivedQueue is in datagrams: some 30 ms of ten 10 Mbit/s publishers.
	arrivedQueue = 256
	// socketBufferBytes is asked for in both directions; the kernel may give less.
	socketBufferBytes = 4 << 20
	// readRetry is the pause after an unexpected read error; the mux would end
	// for good on one.
	readRetry = 5 * time.Millisecond
)

// newUDPConn takes over the sockets. Its LocalAddr is unspecified with several
// of them, which is what the mux needs to pass both families. relay may be nil.
func newUDPConn(sockets []*udpSocket, relay Relay) *udpConn {
	c := &udpConn{
		local:   sockets[0].conn.LocalAddr(),
		sockets: sockets,
		relay:   relay,
		arrived: make(chan *datagram, arrivedQueue),
		closed:  make(chan struct{}),
	}
	c.pool.New = func() any { return new(datagram) }
	if len(sockets) > 1 {
		c.local = &net.UDPAddr{IP: net.IPv6unspecified, Port: int(addrPortOf(c.local).Port())}
	}
	if c.collects() {
		for _, s := range sockets {
			c.readers.Go(func() { c.collect(s) })
		}
	}
	return c
}

// collects tells whether datagrams have more sources than one socket.
func (c *udpConn) collects() bool { return len(c.sockets) > 1 || c.relay != nil }

// collect reads one socket until the connection is closed.
func (c *udpConn) collect(s *udpSocket) {
	for {
		d := c.pool.Get().(*datagram)
		var err error
		if d.n, d.from, err = c.readSocket(s, d.buf[:]); err != nil {
			return
		}
		if c.relay != nil && c.relay.Owns(d.from) {
			c.pool.Put(d) // nobody on the network has such an address
			continue
		}
		select {
		case c.arrived <- d:
		case <-c.closed:
			return
		}
	}
}

// readSocket reads one datagram. The only error it returns is net.ErrClosed.
func (c *udpConn) readSocket(s *udpSocket, b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := s.read(b)
		switch {
		case err == nil && c.questions.answered(b[:n], from):
			continue
		case err == nil:
			if rest, pass := c.feedback.inspect(b[:n], from); pass {
				return rest, from, nil
			}
			continue
		case errors.Is(err, net.ErrClosed):
			return 0, netip.AddrPort{}, net.ErrClosed
		}
		select {
		case <-c.closed:
			return 0, netip.AddrPort{}, net.ErrClosed
		case <-time.After(readRetry):
		}
	}
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter. Addresses are unmapped.
func (c *udpConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	if !c.collects() {
		return c.readSocket(c.sockets[0], b)
	}
	select {
	case d := <-c.arrived:
		n, from := copy(b, d.buf[:d.n]), d.from
		c.pool.Put(d)
		return n, from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (c *udpConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	to = unmapped(to)
	if c.relay != nil && c.relay.Owns(to) {
		_ = c.relay.Send(b, to) // what a datagram may meet; the relay counts it
		return len(b), nil
	}
	for _, s := range c.sockets {
		if s.serves(to.Addr()) {
			if isClientHello(b) {
				// FFmpeg loses the first ClientHello whenever it comes and answers the
				// second; everybody else discards a copy.
				_, _ = s.WriteTo(b, to)
			}
			return s.WriteTo(b, to)
		}
	}
	return 0, errNoFamily
}

// isClientHello tells a datagram that begins with a DTLS ClientHello (RFC 6347
// section 4.2.2): content type 22, message type 1.
func isClientHello(b []byte) bool { return len(b) > 13 && b[0] == 22 && b[13] == 1 }

var errNoFamily = errors.New("no socket of this address family")

// families tells which ones there are descriptors for.
func (c *udpConn) families() (v4, v6 bool) {
	for _, s := range c.sockets {
		v4, v6 = v4 || s.v4, v6 || s.v6
	}
	return v4, v6
}

// localFor returns the local address a remote one was last heard on, invalid if
// unknown.
func (c *udpConn) localFor(remote netip.AddrPort) netip.Addr {
	for _, s := range c.sockets {
		if s.serves(remote.Addr()) {
			return s.localFor(remote)
		}
	}
	return netip.Addr{}
}

// ReadFrom implements net.PacketConn.
func (c *udpConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo implements net.PacketConn.
func (c *udpConn) WriteTo(b []byte, to net.Addr) (int, error) {
	return c.WriteToAddrPort(b, addrPortOf(to))
}

// LocalAddr implements net.PacketConn.
func (c *udpConn) LocalAddr() net.Addr { return c.local }

// SetDeadline does nothing, and neither do the other two: the descriptors are
// shared, and the agent of one session sets deadlines when it is closed.
func (c *udpConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *udpConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *udpConn) SetWriteDeadline(time.Time) error { return nil }

// Close closes every descriptor and waits for the readers.
func (c *udpConn) Close() error {
	var errs []error
	c.once.Do(func() {
		close(c.closed)
		for _, s := range c.sockets {
			errs = append(errs, s.conn.Close())
		}
		c.readers.Wait()
	})
	return errors.Join(errs...)
}

// addrPortOf converts the address of a UDP or TCP socket, unmapped.
func addrPortOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return unmapped(a.AddrPort())
	case *net.TCPAddr:
		return unmapped(a.AddrPort())
	}
	return netip.AddrPort{}
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
