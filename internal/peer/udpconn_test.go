package peer

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/egress"
)

// listenUDP opens a socket on a free port.
func listenUDP(t *testing.T, network, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenPacket(network, addr)
	if err != nil {
		t.Skipf("no %s here: %v", network, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.UDPConn)
}

// eachUDPConn runs f with both ways to serve both families.
func eachUDPConn(t *testing.T, f func(t *testing.T, c *udpConn)) {
	for name, sockets := range map[string]func(t *testing.T) []*udpSocket{
		"one descriptor": func(t *testing.T) []*udpSocket {
			if !mapsIPv4() {
				t.Skip("not on this system")
			}
			return []*udpSocket{newUDPSocket(listenUDP(t, "udp", "[::]:0"), true, true, egress.Segmented)}
		},
		"two descriptors": func(t *testing.T) []*udpSocket {
			return []*udpSocket{
				newUDPSocket(listenUDP(t, "udp4", "0.0.0.0:0"), true, false, egress.Segmented),
				newUDPSocket(listenUDP(t, "udp6", "[::]:0"), false, true, egress.Segmented),
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUDPConn(sockets(t), nil)
			t.Cleanup(func() { _ = c.Close() })
			f(t, c)
		})
	}
}

// boundUDPConn has one IPv4 descriptor on a loopback address.
func boundUDPConn(t *testing.T) *udpConn {
	c := newUDPConn([]*udpSocket{newUDPSocket(listenUDP(t, "udp4", "127.0.0.1:0"), true, false, egress.Segmented)}, nil)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// at is where c is reached under a local address.
func (c *udpConn) at(local string) netip.AddrPort {
	addr := netip.MustParseAddr(local)
	for _, s := range c.sockets {
		if s.serves(addr) {
			return netip.AddrPortFrom(addr, addrPortOf(s.conn.LocalAddr()).Port())
		}
	}
	return netip.AddrPort{}
}

func TestUDPConnServesBothFamilies(t *testing.T) { eachUDPConn(t, serveBothFamilies) }

func serveBothFamilies(t *testing.T, c *udpConn) {
	for _, local := range []string{"127.0.0.1", "::1"} {
		to := c.at(local)
		client := listenUDP(t, "udp", net.JoinHostPort(local, "0"))
		if _, err := client.WriteToUDPAddrPort([]byte{0, 1, 'q'}, to); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		n, from, err := c.ReadFromAddrPort(b)
		if err != nil || string(b[:n]) != "\x00\x01q" || from != addrPortOf(client.LocalAddr()) {
			t.Fatalf("%s: got %q from %v, %v", local, b[:n], from, err)
		}
		if _, err := c.WriteToAddrPort([]byte("answer"), from); err != nil {
			t.Fatal(err)
		}
		_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, back, err := client.ReadFromUDPAddrPort(b)
		if err != nil || string(b[:n]) != "answer" || unmapped(back) != to {
			t.Fatalf("%s: answer %q from %v, %v", local, b[:n], back, err)
		}
	}
}

func TestUDPConnTakesMappedAddresses(t *testing.T) { eachUDPConn(t, takeMappedAddresses) }

func takeMappedAddresses(t *testing.T, c *udpConn) {
	client := listenUDP(t, "udp4", "127.0.0.1:0")
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), addrPortOf(client.LocalAddr()).Port())
	if _, err := c.WriteToAddrPort([]byte("x"), mapped); err != nil {
		t.Fatal(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, _, err := client.ReadFromUDPAddrPort(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
}

// A host with several addresses answers from the one it was asked at, otherwise
// clients discard the answer (RFC 8445 section 7.2.5.2.1).
func TestUDPConnAnswersFromTheAddressAsked(t *testing.T) { eachUDPConn(t, answerFromTheAddressAsked) }

func answerFromTheAddressAsked(t *testing.T, c *udpConn) {
	if c.sockets[0].paths == nil {
		t.Skip("the system does not tell the destination of datagrams")
	}
	to := c.at("127.0.0.5")
	client := listenUDP(t, "udp4", "127.0.0.1:0")
	if _, err := client.WriteToUDPAddrPort([]byte{0, 1, 0, 0}, to); err != nil {
		t.Fatal(err)
	}
	_, from, err := c.ReadFromAddrPort(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.localFor(from); got != to.Addr() {
		t.Errorf("localFor = %v, want %v", got, to.Addr())
	}
	if _, err := c.WriteToAddrPort([]byte("answer"), from); err != nil {
		t.Fatal(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, back, err := client.ReadFromUDPAddrPort(make([]byte, 100)); err != nil || back != to {
		t.Errorf("answered from %v (%v), want %v", back, err, to)
	}
}

func TestUDPConnForgetsAnAddressThatLeftTheMachine(t *testing.T) {
	eachUDPConn(t, forgetAnAddressThatLeft)
}

func forgetAnAddressThatLeft(t *testing.T, c *udpConn) {
	s := c.sockets[0]
	if s.paths == nil {
		t.Skip("the system does not tell the destination of datagrams")
	}
	client := listenUDP(t, "udp4", "127.0.0.1:0")
	remote := addrPortOf(client.LocalAddr())
	s.paths.learn(remote, netip.MustParseAddr("198.51.100.7"))
	if _, err := c.WriteToAddrPort([]byte("x"), remote); err != nil {
		t.Fatalf("not sent without the lost address: %v", err)
	}
	if got := c.localFor(remote); got.IsValid() {
		t.Errorf("still known: %v", got)
	}
}

func TestUDPConnEndsReadsOnClose(t *testing.T) {
	eachUDPConn(t, endReadsOnClose)
	endReadsOnClose(t, boundUDPConn(t))
}

func endReadsOnClose(t *testing.T, c *udpConn) {
	var work sync.WaitGroup
	work.Go(func() {
		if _, _, err := c.ReadFromAddrPort(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v", err)
		}
	})
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	work.Wait()
	_ = c.Close()
}

func TestUDPConnWithoutAFamilySaysSo(t *testing.T) {
	c := boundUDPConn(t)
	if _, err := c.WriteToAddrPort([]byte("x"), netip.MustParseAddrPort("[::1]:9")); !errors.Is(err, errNoFamily) {
		t.Errorf("got %v", err)
	}
}

func TestUDPConnIsAPacketConn(t *testing.T) {
	c := boundUDPConn(t)
	// One agent's deadline must not stop the others.
	if err := errors.Join(c.SetDeadline(time.Now()), c.SetReadDeadline(time.Now()), c.SetWriteDeadline(time.Now())); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo([]byte("self"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	n, from, err := c.ReadFrom(b)
	if err != nil || string(b[:n]) != "self" || from.String() != c.LocalAddr().String() {
		t.Errorf("%q from %v, %v", b[:n], from, err)
	}
}

func TestReturnPathsStayBounded(t *testing.T) {
	p := newReturnPaths()
	local := netip.MustParseAddr("192.0.2.1")
	remote := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5000)
	}
	for i := range 3 * maxPaths {
		p.learn(remote(i), local)
	}
	if n := len(p.hot) + len(p.old); n > 2*maxPaths {
		t.Errorf("%d entries", n)
	}
	if p.localFor(remote(3*maxPaths-1)) != local || p.localFor(remote(2*maxPaths)) != local {
		t.Error("the newest are forgotten")
	}
	if p.localFor(remote(0)).IsValid() {
		t.Error("the oldest is still there")
	}
	for i := range 2 * maxControls {
		p.learn(remote(0), netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}))
	}
	if len(p.controls) > maxControls {
		t.Errorf("%d control messages", len(p.controls))
	}
}

// BenchmarkUDPConn measures one datagram out and in again, with one and with two
// descriptors.
func BenchmarkUDPConn(b *testing.B) {
	open := func(network, addr string, v4, v6 bool) *udpSocket {
		c, err := net.ListenPacket(network, addr)
		if err != nil {
			b.Skip(err)
		}
		return newUDPSocket(c.(*net.UDPConn), v4, v6, egress.Segmented)
	}
	for name, sockets := range map[string][]*udpSocket{
		"one": {open("udp", "[::]:0", true, true)},
		"two": {open("udp4", "0.0.0.0:0", true, false), open("udp6", "[::]:0", false, true)},
	} {
		b.Run(name, func(b *testing.B) {
			c := newUDPConn(sockets, nil)
			defer func() { _ = c.Close() }()
			to := c.at("127.0.0.1")
			packet, buf := make([]byte, 1200), make([]byte, receiveBytes)
			packet[0] = 0x80
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.WriteToAddrPort(packet, to); err != nil {
					b.Fatal(err)
				}
				if _, _, err := c.ReadFromAddrPort(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
