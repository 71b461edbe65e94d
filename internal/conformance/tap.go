package conformance

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// datagram classes, by first byte (RFC 7983) and what matters beneath.
type class uint8

const (
	classOther class = iota
	classSTUN
	classClientHello
	classAlert
	classDTLS
	classMedia
	classes
)

func classify(b []byte) class {
	switch {
	case len(b) == 0:
		return classOther
	case b[0] <= 3:
		return classSTUN
	case b[0] == 21:
		return classAlert
	case b[0] == 22 && len(b) > 13 && b[13] == 1 && b[3] == 0 && b[4] == 0: // epoch 0
		return classClientHello
	case b[0] >= 20 && b[0] <= 63:
		return classDTLS
	case b[0] >= 128 && b[0] <= 191:
		return classMedia
	}
	return classOther
}

// tap is the UDP socket of a client. It counts what passes, can lose what a test
// wants lost, and can move to another port in the middle of a session, as a NAT
// does. It is safe for concurrent use.
type tap struct {
	mu   sync.Mutex
	conn net.PacketConn
	// lose decides about a datagram; nil lets all pass.
	lose   func(in bool, b []byte) bool
	seen   [2][classes]int // by direction
	last   [classes]time.Time
	closed bool
}

// newTap opens a socket on every address of ip's family, so that it reaches
// media addresses other than that of HTTP.
func newTap(ip netip.Addr) (*tap, error) {
	conn, err := listenUDP(ip)
	if err != nil {
		return nil, err
	}
	return &tap{conn: conn}, nil
}

func listenUDP(ip netip.Addr) (net.PacketConn, error) {
	if ip.Is6() {
		return net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6unspecified})
	}
	return net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
}

func (t *tap) current() (net.PacketConn, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn, t.closed
}

// note counts a datagram and reports whether it passes.
func (t *tap) note(in bool, b []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, direction := classify(b), 0
	if in {
		direction = 1
	}
	if t.lose != nil && t.lose(in, b) {
		return false
	}
	t.seen[direction][c]++
	if in {
		t.last[c] = time.Now()
	}
	return true
}

// ReadFrom implements net.PacketConn.
func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		conn, _ := t.current()
		n, from, err := conn.ReadFrom(b)
		if err != nil {
			if now, closed := t.current(); !closed && now != conn {
				continue // moved meanwhile
			}
			return n, from, err
		}
		if t.note(true, b[:n]) {
			return n, from, nil
		}
	}
}

// WriteTo implements net.PacketConn.
func (t *tap) WriteTo(b []byte, to net.Addr) (int, error) {
	if !t.note(false, b) {
		return len(b), nil
	}
	conn, _ := t.current()
	return conn.WriteTo(b, to)
}

// move goes on from another port.
func (t *tap) move(ip netip.Addr) error {
	conn, err := listenUDP(ip)
	if err != nil {
		return err
	}
	t.mu.Lock()
	old := t.conn
	t.conn = conn
	t.mu.Unlock()
	return old.Close()
}

// losing sets what is lost from now on; nil loses nothing.
func (t *tap) losing(lose func(in bool, b []byte) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lose = lose
}

// received counts the datagrams of a class that came in, sent those that went
// out.
func (t *tap) received(c class) int { return t.count(1, c) }

func (t *tap) sent(c class) int { return t.count(0, c) }

func (t *tap) count(direction int, c class) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[direction][c]
}

// Close implements net.PacketConn.
func (t *tap) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	return t.conn.Close()
}

// LocalAddr implements net.PacketConn.
func (t *tap) LocalAddr() net.Addr {
	conn, _ := t.current()
	return conn.LocalAddr()
}

// SetDeadline, SetReadDeadline and SetWriteDeadline implement net.PacketConn.
func (t *tap) SetDeadline(at time.Time) error {
	conn, _ := t.current()
	return conn.SetDeadline(at)
}

// SetReadDeadline implements net.PacketConn.
func (t *tap) SetReadDeadline(at time.Time) error {
	conn, _ := t.current()
	return conn.SetReadDeadline(at)
}

// SetWriteDeadline implements net.PacketConn.
func (t *tap) SetWriteDeadline(at time.Time) error {
	conn, _ := t.current()
	return conn.SetWriteDeadline(at)
}
