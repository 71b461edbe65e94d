package peer

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// passedIn opens the sockets systemd would, with one port number or two.
func passedIn(t *testing.T, network, address string, same bool) (*net.UDPConn, net.Listener) {
	t.Helper()
	var lc net.ListenConfig
	for range portTries {
		udp, err := lc.ListenPacket(t.Context(), "udp"+network, net.JoinHostPort(address, "0"))
		if err != nil {
			t.Skipf("%s: %v", address, err)
		}
		at := net.JoinHostPort(address, "0")
		if same {
			at = udp.LocalAddr().String()
		}
		tcp, err := lc.Listen(t.Context(), "tcp"+network, at)
		if err == nil {
			return udp.(*net.UDPConn), tcp
		}
		_ = udp.Close()
	}
	t.Fatal("no port is free for both")
	return nil, nil
}

func TestSocketsOfSystemd(t *testing.T) {
	udp, tcp := passedIn(t, "4", "127.0.0.1", true)
	h := newTestHost(t, func(c *Config) {
		c.Media, c.UDP, c.TCPListeners = ":1", []*net.UDPConn{udp}, []net.Listener{tcp} // not that one
	})
	if got := h.Addr(); got != addrPortOf(udp.LocalAddr()) {
		t.Errorf("media is received at %v", got)
	}
	p := publish(t, h, newClient(t))
	if answer := string(p.conn.Answer()); !strings.Contains(answer, " udp ") || !strings.Contains(answer, "tcptype passive") {
		t.Errorf("%s", answer)
	}
	p.events.wait(t, DTLSConnected, 1)
}

func TestSocketsOfSystemdWithoutTCP(t *testing.T) {
	udp, tcp := passedIn(t, "4", "127.0.0.1", true)
	newTestHost(t, func(c *Config) {
		c.TCP, c.UDP, c.TCPListeners = false, []*net.UDPConn{udp}, []net.Listener{tcp}
	})
	if _, err := tcp.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("TCP is open though media.tcp is false: %v", err)
	}
}

func TestSocketsOfSystemdHaveOnePort(t *testing.T) {
	udp, tcp := passedIn(t, "4", "127.0.0.1", false)
	cfg := DefaultConfig()
	cfg.UDP, cfg.TCPListeners = []*net.UDPConn{udp}, []net.Listener{tcp}
	if h, err := Listen(cfg); !errors.Is(err, errPorts) {
		t.Errorf("Listen = %v, %v", h, err)
	}
	if _, err := tcp.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error("the listener is left open")
	}
}

func TestServedFamilies(t *testing.T) {
	six, sixTCP := passedIn(t, "", "::", false)
	four, fourTCP := passedIn(t, "4", "0.0.0.0", false)
	for _, c := range []io.Closer{six, sixTCP, four, fourTCP} {
		t.Cleanup(func() { _ = c.Close() })
	}
	for _, tc := range []struct {
		name   string
		conn   *net.UDPConn
		all    []*net.UDPConn
		v4, v6 bool
	}{
		{"one for both", six, []*net.UDPConn{six}, true, true},
		{"IPv4 alone", four, []*net.UDPConn{four}, true, false},
		{"one of two", six, []*net.UDPConn{six, four}, false, true},
	} {
		if v4, v6 := servedFamilies(tc.conn, tc.all); v4 != tc.v4 || v6 != tc.v6 {
			t.Errorf("%s: %v, %v", tc.name, v4, v6)
		}
	}
}
