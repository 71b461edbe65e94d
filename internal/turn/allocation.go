package turn

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// allocation is the relay's side of a client: what pion takes for its relay
// socket. It has none.
type allocation struct {
	server  *Server
	addr    netip.AddrPort // made up
	user    string
	cred    credential
	created time.Time
	// client is set once, under the table's lock, when pion has filed the allocation.
	client clientKey

	// heard is the media address the client checked last: what media sends comes
	// from there. Nothing is sent to a client that checked none.
	heard atomic.Pointer[net.UDPAddr]
	// queue is what waits for the client; when it is full datagrams are dropped.
	queue    chan *datagram
	up, down *rate.Limiter
	channels atomic.Int32
	// doomed is since when the allocation is about to end, in Unix nanoseconds; 0 if
	// it is not.
	doomed atomic.Int64
	closed chan struct{}
	once   sync.Once

	mu sync.Mutex
	// permitted are the addresses pion has a permission for.
	permitted map[netip.Addr]bool
}

// datagram waits in a pooled buffer.
type datagram struct {
	buf [datagramBytes]byte
	n   int
}

const (
	// datagramBytes is what pion reads from a relay socket at most.
	datagramBytes = 1600
	// queueLength is in datagrams: a large key frame.
	queueLength = 256
	// burst is how much of a second's bits may come at once.
	burst = 0.5
	// maxChannels is far more than there are media addresses.
	maxChannels = 64
)

var (
	errGone = errors.New("no such allocation, or nothing was heard from it")
	errFull = errors.New("more than the allocation may carry, or its client takes")
)

func newAllocation(s *Server, addr netip.AddrPort, user string, now time.Time) *allocation {
	cred, _ := parseUser(user)
	bytes := float64(s.cfg.MaxBitrate) / 8
	limiter := func() *rate.Limiter {
		return rate.NewLimiter(rate.Limit(bytes), max(int(bytes*burst), 2*datagramBytes))
	}
	return &allocation{
		server: s, addr: addr, user: user, cred: cred, created: now,
		queue: make(chan *datagram, queueLength), up: limiter(), down: limiter(),
		closed: make(chan struct{}), permitted: map[netip.Addr]bool{},
	}
}

// send queues what media sends to the client. It never blocks.
func (a *allocation) send(b []byte) error {
	if a.heard.Load() == nil || a.ended() {
		return errGone
	}
	if len(b) > datagramBytes || !a.down.AllowN(a.server.opt.Now(), len(b)) {
		a.server.count.dropped.Add(1)
		return errFull
	}
	d := a.server.pool.Get().(*datagram)
	d.n = copy(d.buf[:], b)
	select {
	case a.queue <- d:
		a.server.count.toClients.Add(uint64(len(b)))
		return nil
	default:
		a.server.pool.Put(d)
		a.server.count.dropped.Add(1)
		return errFull
	}
}

// ReadFrom implements net.PacketConn: pion asks for what goes to the client.
func (a *allocation) ReadFrom(b []byte) (int, net.Addr, error) {
	if a.ended() {
		return 0, nil, net.ErrClosed
	}
	select {
	case d := <-a.queue:
		n := copy(b, d.buf[:d.n])
		a.server.pool.Put(d)
		return n, a.heard.Load(), nil
	case <-a.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn: the client sends. Whatever permissions pion
// may have given, nothing passes but to our media addresses. What is dropped is no
// error, as on a network.
func (a *allocation) WriteTo(b []byte, to net.Addr) (int, error) {
	s := a.server
	dest := addrPortOf(to)
	switch {
	case a.ended():
		return 0, net.ErrClosed
	case !s.destinations.contain(s.opt.Now(), dest):
		s.count.strayed.Add(1)
		return len(b), nil
	case !a.up.AllowN(s.opt.Now(), len(b)):
		s.count.dropped.Add(1)
		return len(b), nil
	}
	if len(b) > 0 && b[0] < 4 { // STUN (RFC 7983): a check moves the path
		if h := a.heard.Load(); h == nil || h.AddrPort() != dest {
			a.heard.Store(net.UDPAddrFromAddrPort(dest))
		}
	}
	if s.media.Deliver(b, a.addr) {
		s.count.fromClients.Add(uint64(len(b)))
	}
	return len(b), nil
}

// doom lets the allocation end with one of the next sweeps.
func (a *allocation) doom(now time.Time) { a.doomed.CompareAndSwap(0, now.UnixNano()) }

// end makes pion let go of the allocation, which then calls Close.
func (a *allocation) end() { a.once.Do(func() { close(a.closed) }) }

func (a *allocation) ended() bool {
	select {
	case <-a.closed:
		return true
	default:
		return false
	}
}

// Close implements net.PacketConn. Pion calls it when the allocation is over.
func (a *allocation) Close() error {
	a.end()
	a.server.table.remove(a)
	return nil
}

// LocalAddr implements net.PacketConn.
func (a *allocation) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(a.addr) }

// SetDeadline does nothing, and neither do the other two: pion sets none.
func (a *allocation) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (a *allocation) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (a *allocation) SetWriteDeadline(time.Time) error { return nil }

// permit notes that pion has, or no longer has, a permission.
func (a *allocation) permit(ip netip.Addr, has bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if has {
		a.permitted[ip] = true
	} else {
		delete(a.permitted, ip)
	}
}

func (a *allocation) permits(ip netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.permitted[ip]
}
