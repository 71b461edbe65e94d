package peer

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

func listenTCP(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("no %s here: %v", network, err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func dialTCP(t *testing.T, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr.String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestTCPListenerMergesAndHidesTheLocalAddress(t *testing.T) {
	v4, v6 := listenTCP(t, "tcp4", "127.0.0.1:0"), listenTCP(t, "tcp6", "[::1]:0")
	l := newTCPListener([]net.Listener{v4, v6})
	defer func() { _ = l.Close() }()
	for _, tc := range []struct {
		from net.Listener
		want net.IP
	}{{v4, net.IPv4zero}, {v6, net.IPv6unspecified}} {
		client := dialTCP(t, tc.from.Addr())
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if conn.RemoteAddr().String() != client.LocalAddr().String() {
			t.Errorf("accepted %v, dialled from %v", conn.RemoteAddr(), client.LocalAddr())
		}
		if got := conn.LocalAddr().(*net.TCPAddr); !got.IP.Equal(tc.want) || got.Port != tc.from.Addr().(*net.TCPAddr).Port {
			t.Errorf("local address %v, want %v", got, tc.want)
		}
	}
}

func TestTCPListenerBoundsConnections(t *testing.T) {
	l := newTCPListener([]net.Listener{listenTCP(t, "tcp4", "127.0.0.1:0")})
	defer func() { _ = l.Close() }()
	l.mu.Lock()
	for range maxTCPConns {
		l.conns[&tcpConn{owner: l}] = struct{}{}
	}
	l.mu.Unlock()
	client := dialTCP(t, l.Addr())
	_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := client.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("one too many is not closed: %v", err)
	}
	l.mu.Lock()
	clear(l.conns)
	l.mu.Unlock()
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestTCPListenerClosesWhatItAccepted(t *testing.T) {
	l := newTCPListener([]net.Listener{listenTCP(t, "tcp4", "127.0.0.1:0")})
	taken := dialTCP(t, l.Addr())
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	waiting := dialTCP(t, l.Addr()) // nobody accepts it
	var work sync.WaitGroup
	for _, c := range []net.Conn{taken, waiting} {
		work.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
				t.Errorf("not closed: %v", err)
			}
		})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	work.Wait()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	if len(l.conns) != 0 {
		t.Errorf("%d connections are still listed", len(l.conns))
	}
	_ = l.Close()
}

func TestTCPConnCloseFreesItsPlace(t *testing.T) {
	l := newTCPListener([]net.Listener{listenTCP(t, "tcp4", "127.0.0.1:0")})
	defer func() { _ = l.Close() }()
	client := dialTCP(t, l.Addr())
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if len(l.snapshot()) != 0 {
		t.Error("still listed")
	}
	_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("client sees %v", err)
	}
}
