package turn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	pion "github.com/pion/turn/v5"
)

// pionClient relays over a connection with the library's own client.
func (s *served) pionClient(t *testing.T, conn net.PacketConn, id string) net.PacketConn {
	t.Helper()
	user, secret := s.credential(id, time.Minute)
	at := "127.0.0.1:" + strconv.Itoa(int(s.plainPort))
	c, err := pion.NewClient(&pion.ClientConfig{STUNServerAddr: at, TURNServerAddr: at, Username: user, Password: secret, Realm: realm, Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	relay, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	return relay
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func withTLS(t *testing.T) func(*Config, *Options) {
	cert := selfSigned(t)
	return func(c *Config, o *Options) {
		c.TLSListen = "127.0.0.1:0"
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
}

func dialTLS(t *testing.T, port uint16) net.Conn {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its own certificate
	conn, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(int(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// A client reaches media, and media the client, over every transport.
func TestEveryTransport(t *testing.T) {
	s := serve(t, withTLS(t))
	shared := sharedPort(t, s)
	for name, connect := range map[string]func(t *testing.T) net.PacketConn{
		"UDP":                     func(t *testing.T) net.PacketConn { c, _ := canary(t, "127.0.0.1:0"); return c },
		"TCP":                     func(t *testing.T) net.PacketConn { return pion.NewSTUNConn(s.dial(t, "tcp")) },
		"TLS":                     func(t *testing.T) net.PacketConn { return pion.NewSTUNConn(dialTLS(t, s.securePorts[0])) },
		"TLS on a port of others": func(t *testing.T) net.PacketConn { return pion.NewSTUNConn(dialTLS(t, shared)) },
	} {
		t.Run(name, func(t *testing.T) {
			relay := s.pionClient(t, connect(t), "alice")
			if _, err := relay.WriteTo([]byte("\x01check"), net.UDPAddrFromAddrPort(mediaAddr)); err != nil {
				t.Fatal(err)
			}
			d := s.media.next(t)
			if d.data != "\x01check" || d.from != addrPortOf(relay.LocalAddr()) {
				t.Fatalf("%q from %v, want it from %v", d.data, d.from, relay.LocalAddr())
			}
			for _, text := range []string{"answer", "media, media, media"} {
				if err := s.Send([]byte(text), d.from); err != nil {
					t.Fatal(err)
				}
				b := make([]byte, 64)
				_ = relay.SetReadDeadline(time.Now().Add(patience))
				n, from, err := relay.ReadFrom(b)
				if err != nil || string(b[:n]) != text || addrPortOf(from) != mediaAddr {
					t.Fatalf("%q from %v, %v", b[:n], from, err)
				}
			}
		})
	}
}

// sharedPort is a TLS listener of somebody else, who hands connections over.
func sharedPort(t *testing.T, s *served) uint16 {
	t.Helper()
	cert := selfSigned(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.ServeConn(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return addrPortOf(l.Addr()).Port()
}

// With several media addresses answers come from the one that was checked last.
func TestAnswersComeFromWhereTheClientSent(t *testing.T) {
	s := serve(t)
	other := netip.MustParseAddrPort("127.0.0.9:8190")
	s.media.list = append(s.media.list, other)
	s.clock.move(2 * destinationsAge)
	socket, _ := canary(t, "127.0.0.1:0")
	relay := s.pionClient(t, socket, "alice")
	for _, at := range []netip.AddrPort{mediaAddr, other, mediaAddr} {
		if _, err := relay.WriteTo([]byte("\x00check"), net.UDPAddrFromAddrPort(at)); err != nil {
			t.Fatal(err)
		}
		d := s.media.next(t)
		if err := s.Send([]byte("answer"), d.from); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 64)
		if _, from, err := relay.ReadFrom(b); err != nil || addrPortOf(from) != at {
			t.Errorf("the answer of %v comes from %v, %v", at, from, err)
		}
	}
}

// Where media has IPv6 only, allocations are of IPv6 for everybody.
func TestAllocationsHaveMediasFamily(t *testing.T) {
	s := &served{media: &media{list: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:8190")}, got: make(chan delivery, 8)}, clock: &clock{}}
	cfg := DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	s.Server = New(cfg, Options{
		Lives: func(string) bool { return true },
		ListenPacket: func(ctx context.Context, a string) (net.PacketConn, error) {
			return (&net.ListenConfig{}).ListenPacket(ctx, "udp", a)
		},
	})
	if err := s.Start(t.Context(), s.media, nil); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, network := range []string{"udp", "tcp"} {
		c := s.allocated(t, network)
		if !c.relayed.Addr().Is6() || !s.Owns(c.relayed) {
			t.Errorf("%s: %v", network, c.relayed)
		}
		if code := c.permit(peerAddress{addr: s.media.list[0]}); code != 0 {
			t.Errorf("%s: %d", network, code)
		}
	}
}

func TestAllocationsPerCredentialAndAddress(t *testing.T) {
	s := serve(t, func(c *Config, _ *Options) { c.MaxPerCredential, c.MaxPerAddress = 2, 3 })
	for i, want := range []int{0, 0, 486} {
		if code := s.raw(t, s.dial(t, "udp"), "alice").allocate(); code != want {
			t.Errorf("allocation %d: %d, want %d", i, code, want)
		}
	}
	for i, want := range []int{0, 486} {
		id := NewUnboundID()
		if code := s.raw(t, s.dial(t, "udp"), id).allocate(); code != want {
			t.Errorf("another credential's allocation %d: %d, want %d", i, code, want)
		}
	}
	if st := s.Stats(); st.Allocations != 3 || st.Granted != 3 || st.Refused != 2 {
		t.Errorf("%+v", st)
	}
}

// Connections of one address are bounded too, allocations or not.
func TestConnectionsPerAddress(t *testing.T) {
	s := serve(t, func(c *Config, _ *Options) { c.MaxPerAddress = 2 })
	for range 2 {
		s.dial(t, "tcp")
	}
	eventually(t, "two connections", func() bool { return s.Stats().Streams == 2 })
	third := s.dial(t, "tcp")
	_ = third.SetReadDeadline(time.Now().Add(patience))
	if _, err := third.Read(make([]byte, 1)); err == nil {
		t.Error("a third one is served")
	}
}

// An allocation ends with its session, in two steps.
func TestAllocationsEndWithTheirSession(t *testing.T) {
	s := serve(t)
	c := s.allocated(t, "tcp")
	s.sweepOnce(s.clock.now())
	if _, code := c.ask(0x004, lifetime(600)); code != 0 {
		t.Fatalf("refresh: %d", code)
	}
	s.lives.Store(false)
	s.sweepOnce(s.clock.now())
	if n := s.Stats().Allocations; n != 1 {
		t.Errorf("%d allocations while permissions may be on their way", n)
	}
	if s.grants(c.conn.LocalAddr(), net.IPv4(127, 0, 0, 1)) {
		t.Error("a permission for an allocation that is about to end")
	}
	s.clock.move(doomFor)
	s.sweepOnce(s.clock.now())
	eventually(t, "the allocation ends", func() bool { return s.Stats().Allocations == 0 })
	if code := c.allocate(); code != 400 {
		t.Errorf("another allocation: %d", code)
	}
}

// An old allocation, which could end by itself, gets no new permission, and keeps
// those it has.
func TestOldAllocationsGetNoNewPermission(t *testing.T) {
	s := serve(t)
	s.media.list = append(s.media.list, netip.MustParseAddrPort("127.0.0.9:8190"))
	s.clock.move(2 * destinationsAge)
	c := s.allocated(t, "udp")
	c.user, c.key = s.credential("alice", time.Hour)
	c = s.allocated(t, "udp")
	if code := c.permit(peerAddress{addr: mediaAddr}); code != 0 {
		t.Fatal(code)
	}
	key := c.conn.LocalAddr()
	s.clock.move(grantsFor)
	if !s.grants(key, net.IPv4(127, 0, 0, 1)) || s.grants(key, net.IPv4(127, 0, 0, 9)) {
		t.Error("want the old permission and not the new one")
	}
}

func TestShortLifetimesAreRefused(t *testing.T) {
	s := serve(t)
	for _, network := range []string{"udp", "tcp"} {
		c := s.raw(t, s.dial(t, network), "alice")
		if _, code := c.ask(0x003, overUDP, lifetime(1)); code != 400 {
			t.Errorf("%s: allocated for a second: %d", network, code)
		}
		if code := c.allocate(lifetime(shortestLifetime)); code != 0 {
			t.Errorf("%s: ten minutes: %d", network, code)
		}
		if _, code := c.ask(0x004, lifetime(599)); code != 400 {
			t.Errorf("%s: refreshed for less than ten minutes: %d", network, code)
		}
		if _, code := c.ask(0x004, lifetime(0)); code != 0 {
			t.Errorf("%s: released: %d", network, code)
		}
	}
	if n := s.Stats().Allocations; n != 0 {
		t.Errorf("%d allocations are left", n)
	}
}

func TestBitrate(t *testing.T) {
	s := serve(t, func(c *Config, _ *Options) { c.MaxBitrate = minBitrate })
	c := s.allocated(t, "udp")
	c.permit(peerAddress{addr: mediaAddr})
	c.indicate(peerAddress{addr: mediaAddr}, "\x00check")
	s.media.next(t)
	sent := 0
	for s.Send(make([]byte, 1000), c.relayed) == nil {
		if sent++; sent > 100 {
			t.Fatal("more than allowed is taken")
		}
	}
	if sent < 3 || s.Stats().Dropped != 1 {
		t.Errorf("%d datagrams were taken, %d dropped", sent, s.Stats().Dropped)
	}
	a := s.table.at(c.relayed)
	for range 100 {
		_, _ = a.WriteTo(make([]byte, 1000), net.UDPAddrFromAddrPort(mediaAddr))
	}
	if up := s.Stats().FromClients; up > minBitrate/8 {
		t.Errorf("%d bytes up", up)
	}
}

// A client that takes nothing costs a queue and nothing more.
func TestAClientThatReadsNothing(t *testing.T) {
	s := serve(t)
	a := newAllocation(s.Server, s.madeUp.pick(false), "1:alice", s.clock.now())
	a.heard.Store(net.UDPAddrFromAddrPort(mediaAddr))
	for i := range queueLength {
		if err := a.send([]byte{1}); err != nil {
			t.Fatalf("datagram %d: %v", i, err)
		}
	}
	if a.send([]byte{1}) == nil || a.send(make([]byte, datagramBytes+1)) == nil {
		t.Error("more was taken")
	}
}

func TestStartFailsWhereThePortIsTaken(t *testing.T) {
	s := serve(t)
	cfg := DefaultConfig()
	cfg.Listen = "127.0.0.1:" + strconv.Itoa(int(s.plainPort))
	if err := New(cfg, s.opt).Start(t.Context(), s.media, nil); err == nil {
		t.Error("started twice on one port")
	}
}

func TestURLs(t *testing.T) {
	s := serve(t, withTLS(t))
	p, q := strconv.Itoa(int(s.plainPort)), strconv.Itoa(int(s.securePorts[0]))
	want := []string{
		"turn:live.example.com:" + p + "?transport=udp", "turn:live.example.com:" + p + "?transport=tcp",
		"turn:[2001:db8::1]:" + p + "?transport=udp", "turn:[2001:db8::1]:" + p + "?transport=tcp",
		"turns:live.example.com:" + q + "?transport=tcp",
	}
	if got := s.URLs([]string{"live.example.com", "2001:db8::1"}, []string{"live.example.com"}); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
