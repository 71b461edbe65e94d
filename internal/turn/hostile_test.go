package turn

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// canary is a UDP port on this machine that nothing may be relayed to.
func canary(t *testing.T, address string) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	var lc net.ListenConfig
	c, err := lc.ListenPacket(t.Context(), "udp", address)
	if err != nil {
		t.Skipf("no port at %s: %v", address, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.UDPConn), addrPortOf(c.LocalAddr())
}

func silent(t *testing.T, c *net.UDPConn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // loopback delivers at once
	b := make([]byte, 64)
	if n, from, err := c.ReadFromUDPAddrPort(b); err == nil {
		t.Errorf("%q from %v came through", b[:n], from)
	}
}

// A client with a good credential that wants to reach anything but our media gets
// nothing through, by permissions, channels or indications, in either spelling.
func TestHostileClient(t *testing.T) {
	s := serve(t)
	port, portAddr := canary(t, "127.0.0.1:0")
	six, sixAddr := canary(t, "[::1]:0")
	tcp, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	neighbour := s.allocated(t, "udp")
	for name, target := range map[string]netip.AddrPort{
		"another port of ours":      portAddr,
		"DNS on this machine":       netip.MustParseAddrPort("127.0.0.1:53"),
		"HTTP on this machine":      addrPortOf(tcp.Addr()),
		"TURN itself":               netip.AddrPortFrom(mediaAddr.Addr(), s.plainPort),
		"another loopback address":  netip.MustParseAddrPort("127.0.0.2:8190"),
		"cloud metadata":            netip.MustParseAddrPort("169.254.169.254:80"),
		"unspecified":               netip.AddrPortFrom(netip.IPv4Unspecified(), mediaAddr.Port()),
		"broadcast":                 netip.MustParseAddrPort("255.255.255.255:8190"),
		"multicast":                 netip.MustParseAddrPort("224.0.0.1:8190"),
		"somebody on the internet":  netip.MustParseAddrPort("203.0.113.9:8190"),
		"another allocation":        neighbour.relayed,
		"IPv6 loopback":             sixAddr,
		"IPv6 metadata":             netip.MustParseAddrPort("[fd00:ec2::254]:80"),
		"media's IPv6 cousin":       netip.MustParseAddrPort("[::1]:8190"),
		"media by NAT64":            netip.MustParseAddrPort("[64:ff9b::7f00:1]:8190"),
		"media by compatible IPv6":  netip.MustParseAddrPort("[::7f00:1]:8190"),
		"port 0 of media's address": netip.AddrPortFrom(mediaAddr.Addr(), 0),
	} {
		for _, network := range []string{"udp", "tcp"} {
			for _, mapped := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s by %s, mapped %v", name, network, mapped), func(t *testing.T) {
					c := s.allocated(t, network)
					defer func() { _, _ = c.ask(0x004, lifetime(0)) }()
					to := peerAddress{target, mapped}
					permitted, bound := c.permit(to), c.bind(0x4001, to)
					if mayAsk := target.Addr() == mediaAddr.Addr(); !mayAsk && (permitted == 0 || bound == 0) {
						t.Errorf("permission %d, channel %d", permitted, bound)
					}
					c.indicate(to, "by indication")
					c.channelData(0x4001, "by channel")
					// What is sent in order after it arrives; so it was looked at.
					if code := c.permit(peerAddress{addr: mediaAddr}); code != 0 {
						t.Fatalf("media: %d", code)
					}
					c.indicate(peerAddress{addr: mediaAddr}, "\x00honest")
					if d := s.media.next(t); d.data != "\x00honest" || d.from != c.relayed {
						t.Errorf("media got %q from %v", d.data, d.from)
					}
				})
			}
		}
	}
	silent(t, port)
	silent(t, six)
	if s.Stats().Strayed == 0 {
		t.Error("nothing was counted")
	}
}

// What an allocation is sent stays with it: no other client gets it, and nobody on
// the network can forge it.
func TestAllocationsAreApart(t *testing.T) {
	s := serve(t)
	one, two := s.allocated(t, "udp"), s.allocated(t, "tcp")
	if one.relayed == two.relayed || !s.Owns(one.relayed) || !s.Owns(two.relayed) {
		t.Fatalf("%v and %v", one.relayed, two.relayed)
	}
	for _, c := range []*rawClient{one, two} {
		c.permit(peerAddress{addr: mediaAddr})
		c.indicate(peerAddress{addr: mediaAddr}, "\x01check")
		s.media.next(t)
	}
	if err := s.Send([]byte("for one"), one.relayed); err != nil {
		t.Fatal(err)
	}
	if err := s.Send([]byte("for two"), two.relayed); err != nil {
		t.Fatal(err)
	}
	if got := string(one.read()); !strings.Contains(got, "for one") {
		t.Errorf("one got %q", got)
	}
	if got := string(two.read()); !strings.Contains(got, "for two") {
		t.Errorf("two got %q", got)
	}
	if s.Send([]byte("x"), netip.AddrPortFrom(one.relayed.Addr(), 1)) == nil {
		t.Error("sent to an allocation that is not there")
	}
}

// Nothing is sent to a client before it sent something itself.
func TestAnUnheardAllocationIsSentNothing(t *testing.T) {
	s := serve(t)
	c := s.allocated(t, "udp")
	if s.Send([]byte("x"), c.relayed) == nil {
		t.Error("sent")
	}
}

// Neither TCP allocations (RFC 6062) nor reserved ports.
func TestNothingElseIsAllocated(t *testing.T) {
	s := serve(t)
	c := s.raw(t, s.dial(t, "tcp"), "alice")
	if _, code := c.ask(0x003, rawAttr{0x0019, []byte{6, 0, 0, 0}}); code != 508 {
		t.Errorf("TCP: %d", code)
	}
	if code := c.allocate(rawAttr{0x0018, []byte{0x80}}); code != 508 {
		t.Errorf("a pair of ports: %d", code)
	}
	if n := s.Stats().Allocations; n != 0 {
		t.Errorf("%d allocations", n)
	}
}

// A client that binds channels without end loses its allocation.
func TestChannelsAreBounded(t *testing.T) {
	s := serve(t)
	c := s.allocated(t, "tcp")
	for i := range uint16(maxChannels + 1) {
		if code := c.bind(0x4000+i, peerAddress{addr: netip.AddrPortFrom(mediaAddr.Addr(), 1000+i)}); code != 0 {
			t.Fatalf("channel %d: %d", i, code)
		}
	}
	s.clock.move(doomFor)
	s.sweepOnce(s.clock.now())
	eventually(t, "the allocation ends", func() bool { return s.Stats().Allocations == 0 })
}
