package audience

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// maxEarly bounds the media kept until the keys are there: about what a replayed
// group of pictures puts on the wire in one round trip.
const maxEarly = 512

// link is the net.PacketConn of a handshake: it reads the viewer's socket, hands
// on what is DTLS, answers checks and keeps media for later.
//
// When the handshake is over it is sealed: the close_notify that the stack wants
// to send is kept, to be sent when the viewer leaves. So the stack's connection
// and its goroutines end at once.
type link struct {
	conn   *net.UDPConn
	keys   *credentials
	remote netip.AddrPort
	peer   net.Addr
	now    func() time.Time

	mu     sync.Mutex
	sealed bool
	closed bool
	// goodbye is the record that the stack sent last, once sealed.
	goodbye []byte
	// flight is what was sent since the server was last heard.
	flight [][]byte
	early  []arrival
}

// arrival is a datagram that came before the viewer was ready for it.
type arrival struct {
	at   time.Time
	data []byte
}

func newLink(conn *net.UDPConn, keys *credentials, remote netip.AddrPort, now func() time.Time) *link {
	return &link{conn: conn, keys: keys, remote: remote, peer: net.UDPAddrFromAddrPort(remote), now: now}
}

// ReadFrom returns the next datagram of the handshake.
func (l *link) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if l.isClosed() {
			return 0, nil, net.ErrClosed
		}
		n, from, err := l.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return 0, nil, err
		}
		if netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != l.remote {
			continue // another address of the server, before we chose
		}
		switch d := b[:n]; {
		case isDTLS(d):
			l.heard()
			return n, l.peer, nil
		case isSTUN(d):
			l.stun(d)
		case isMedia(d):
			l.keep(d)
		}
	}
}

func (l *link) stun(b []byte) {
	m := stun.Message{Raw: b}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return
	}
	if reply := l.keys.answer(&m, l.remote); reply != nil {
		_, _ = l.conn.WriteToUDPAddrPort(reply, l.remote) // it will ask again
	}
}

func (l *link) keep(b []byte) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.early) < maxEarly {
		l.early = append(l.early, arrival{now, append([]byte(nil), b...)})
	}
}

func (l *link) heard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight = nil
}

// WriteTo sends a datagram of the handshake.
func (l *link) WriteTo(b []byte, _ net.Addr) (int, error) {
	l.mu.Lock()
	record := append([]byte(nil), b...)
	if l.sealed {
		l.goodbye = record
		l.mu.Unlock()
		return len(b), nil
	}
	l.flight = append(l.flight, record)
	l.mu.Unlock()
	return l.conn.WriteToUDPAddrPort(b, l.remote)
}

// seal keeps what is sent from now on.
func (l *link) seal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sealed = true
}

// Close ends reading; the socket stays open.
func (l *link) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.conn.SetReadDeadline(time.Unix(1, 0))
}

func (l *link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// LocalAddr, SetDeadline, SetReadDeadline and SetWriteDeadline are those of the
// socket.
func (l *link) LocalAddr() net.Addr                { return l.conn.LocalAddr() }
func (l *link) SetDeadline(t time.Time) error      { return l.conn.SetDeadline(t) }
func (l *link) SetReadDeadline(t time.Time) error  { return l.conn.SetReadDeadline(t) }
func (l *link) SetWriteDeadline(t time.Time) error { return l.conn.SetWriteDeadline(t) }
