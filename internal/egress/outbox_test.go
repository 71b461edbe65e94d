package egress

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/headgate/headgate/router"
)

// player is a viewer's end: a UDP socket that opens what arrives.
type player struct {
	conn    *net.UDPConn
	context *srtp.Context
	line    *Line
}

func newPlayer(t testing.TB, from *Socket, address string) *player {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		unavailable(t, address, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadBuffer(4 << 20)
	k := newKeys(t, AEADAES128GCM)
	p := &player{conn: conn, context: receiver(t, k), line: new(Line)}
	if ok, err := p.line.Seal(k); !ok || err != nil {
		t.Fatal(ok, err)
	}
	p.line.Move(Path{Socket: from, Remote: conn.LocalAddr().(*net.UDPAddr).AddrPort()})
	return p
}

// unavailable skips what needs IPv6 on a machine that has none.
func unavailable(t testing.TB, address string, err error) {
	t.Helper()
	if netip.MustParseAddrPort(address).Addr().Is6() {
		t.Skip(err)
	}
	t.Fatal(err)
}

// receives reads as many packets as are wanted and compares them.
func (p *player) receives(t *testing.T, want []router.Outgoing) {
	t.Helper()
	buf := make([]byte, 65536)
	for i := range want {
		_ = p.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := p.conn.Read(buf)
		if err != nil {
			t.Fatalf("packet %d of %d: %v", i, len(want), err)
		}
		got, err := p.context.DecryptRTP(nil, buf[:n], nil)
		if err != nil || !bytes.Equal(got, plain(&want[i])) {
			t.Fatalf("packet %d of %d, %d bytes: %v", i, len(want), n, err)
		}
	}
}

// socket is a gateway's descriptor.
func socket(t testing.TB, network, address string, step LastStep) *Socket {
	t.Helper()
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), network, address)
	if err != nil {
		unavailable(t, address, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return NewSocket(conn, nil, step)
}

// frames are packets of many lengths: runs, single ones, short ones, long ones.
func frames(t testing.TB, ssrc uint32, from int64) (packets []router.Outgoing) {
	t.Helper()
	for _, sizes := range [][]int{
		{1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 431}, {160}, {1, 1, 1}, {900, 901, 900, 900}, slices.Repeat([]int{700}, 90),
		{1100, 1100, 1100}, {1, 1100}, {0}, slices.Repeat([]int{8000}, 10),
	} {
		for _, size := range sizes {
			packets = append(packets, planned(t, ssrc, from, bytes.Repeat([]byte{byte(from)}, size), min(size, int(from%3)), nil))
			from++
		}
	}
	return packets
}

func TestEveryLastStep(t *testing.T) {
	for _, step := range LastSteps() {
		for name, a := range map[string]struct{ network, bind, player string }{
			"IPv4":                   {"udp4", "127.0.0.1:0", "127.0.0.1:0"},
			"IPv6":                   {"udp6", "[::1]:0", "[::1]:0"},
			"IPv4 on a dual socket":  {"udp", "[::]:0", "127.0.0.1:0"},
			"IPv6 on a dual socket":  {"udp", "[::]:0", "[::1]:0"},
			"IPv4 on all interfaces": {"udp4", "0.0.0.0:0", "127.0.0.1:0"},
		} {
			t.Run(string(step)+" "+name, func(t *testing.T) {
				s := socket(t, a.network, a.bind, step)
				players := []*player{newPlayer(t, s, a.player), newPlayer(t, s, a.player), newPlayer(t, s, a.player)}
				box := NewOutbox()
				for round := range int64(2) {
					packets := frames(t, 5, 1+round*1000)
					for _, p := range players {
						box.Put(p.line, packets)
					}
					box.Flush()
					for _, p := range players {
						p.receives(t, packets)
					}
				}
				for _, p := range players {
					if n := p.line.Failed(); n != 0 {
						t.Errorf("%d packets failed", n)
					}
				}
			})
		}
	}
}

func TestLinesOfSeveralSockets(t *testing.T) {
	box := NewOutbox()
	var players []*player
	for i := range 6 {
		s := socket(t, "udp4", "127.0.0.1:0", LastSteps()[i%3])
		players = append(players, newPlayer(t, s, "127.0.0.1:0"))
	}
	packets := frames(t, 5, 1)
	for _, p := range players {
		box.Put(p.line, packets)
	}
	box.Flush()
	for _, p := range players {
		p.receives(t, packets)
	}
}

// TestALineMoves from one address to another, to a stream and back: keys and
// numbers simply go on.
func TestALineMoves(t *testing.T) {
	s := socket(t, "udp4", "127.0.0.1:0", Segmented)
	p, elsewhere := newPlayer(t, s, "127.0.0.1:0"), newPlayer(t, s, "127.0.0.1:0")
	elsewhere.context = p.context
	var streamed [][]byte
	stream := func(b []byte) error { streamed = append(streamed, bytes.Clone(b)); return nil }
	home := *p.line.path.Load()
	box := NewOutbox()
	put := func(from int64) []router.Outgoing {
		packets := frames(t, 5, from)
		box.Put(p.line, packets)
		box.Flush()
		return packets
	}
	p.receives(t, put(1))
	p.line.Move(Path{Socket: s, Remote: elsewhere.conn.LocalAddr().(*net.UDPAddr).AddrPort()})
	elsewhere.receives(t, put(1001))
	p.line.Move(Path{Stream: stream})
	for i, want := range put(2001) {
		got, err := p.context.DecryptRTP(nil, streamed[i], nil)
		if err != nil || !bytes.Equal(got, plain(&want)) {
			t.Fatalf("packet %d on the stream: %v", i, err)
		}
	}
	p.line.Move(home)
	p.receives(t, put(3001))
	if p.line.Failed() != 0 {
		t.Error(p.line.Failed())
	}
}

func TestAStreamThatIsFullIsCounted(t *testing.T) {
	var l Line
	if ok, err := l.Seal(newKeys(t, AEADAES128GCM)); !ok || err != nil {
		t.Fatal(err)
	}
	l.Move(Path{Stream: func([]byte) error { return errors.New("full") }})
	NewOutbox().Put(&l, frames(t, 5, 1)[:7])
	if l.Failed() != 7 || l.Dropped() != 7 {
		t.Errorf("%d failed, %d dropped; want 7", l.Failed(), l.Dropped())
	}
}

func TestNothingIsSentBeforeALineIsConnected(t *testing.T) {
	s := socket(t, "udp4", "127.0.0.1:0", Segmented)
	p := newPlayer(t, s, "127.0.0.1:0")
	var noKeys, noPath Line
	noKeys.Move(*p.line.path.Load())
	if _, err := noPath.Seal(newKeys(t, AEADAES128GCM)); err != nil {
		t.Fatal(err)
	}
	box, packets := NewOutbox(), frames(t, 5, 1)
	box.Put(&noKeys, packets)
	box.Put(&noPath, packets)
	box.Put(p.line, packets[:1])
	box.Flush()
	p.receives(t, packets[:1])
	if noKeys.Failed()+noPath.Failed() != 0 {
		t.Error("counted as failed")
	}
}

func TestAPacketThatIsTooLongIsRefused(t *testing.T) {
	s := socket(t, "udp4", "127.0.0.1:0", Segmented)
	p := newPlayer(t, s, "127.0.0.1:0")
	box := NewOutbox()
	box.Put(p.line, []router.Outgoing{planned(t, 5, 1, make([]byte, 66000), 0, nil)})
	after := []router.Outgoing{planned(t, 5, 2, make([]byte, 100), 0, nil)}
	box.Put(p.line, after)
	box.Flush()
	p.receives(t, after)
	if p.line.Failed() != 1 {
		t.Errorf("%d failed, want 1", p.line.Failed())
	}
}

// TestPuttingAllocatesNothing in the steady state, system calls included.
func TestPuttingAllocatesNothing(t *testing.T) {
	for _, step := range LastSteps() {
		s := socket(t, "udp4", "127.0.0.1:0", step)
		players := []*player{newPlayer(t, s, "127.0.0.1:0"), newPlayer(t, s, "127.0.0.1:0")}
		box, packets := NewOutbox(), frames(t, 5, 1)[:12]
		next := int64(100)
		if n := testing.AllocsPerRun(200, func() {
			for i := range packets {
				packets[i].Index = next
				next++
			}
			for _, p := range players {
				box.Put(p.line, packets)
			}
			box.Flush()
		}); n != 0 {
			t.Errorf("%s: %v allocations for %d packets", step, n, 2*len(packets))
		}
	}
}

// BenchmarkOutbox is a frame of nine packets to each of 64 viewers whose sockets
// nobody reads; one operation is one packet.
func BenchmarkOutbox(b *testing.B) {
	for _, step := range LastSteps() {
		b.Run(string(step), func(b *testing.B) {
			s := socket(b, "udp4", "127.0.0.1:0", step)
			players := make([]*player, 64)
			for i := range players {
				players[i] = newPlayer(b, s, "127.0.0.1:0")
				_ = players[i].conn.SetReadBuffer(4096)
			}
			packets := make([]router.Outgoing, 9)
			for i := range packets {
				packets[i] = planned(b, 5, int64(i), make([]byte, 1200), 0, nil)
			}
			box, index, done := NewOutbox(), int64(10), 0
			b.ReportAllocs()
			for b.Loop() {
				if done--; done > 0 {
					continue // the frame has paid for this packet
				}
				done = len(players) * len(packets)
				for i := range packets {
					packets[i].Index = index
					index++
				}
				for _, p := range players {
					box.Put(p.line, packets)
				}
				box.Flush()
			}
		})
	}
}

// TestByTheStandardLibrary is what systems without the raw calls do.
func TestByTheStandardLibrary(t *testing.T) {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	udp := conn.(*net.UDPConn)
	for name, s := range map[string]*Socket{
		"a descriptor":       {conn: udp, udp: udp},
		"a virtual network":  {conn: conn},
		"no last step given": NewSocket(conn, nil, Single),
	} {
		p := newPlayer(t, s, "127.0.0.1:0")
		box, packets := NewOutbox(), frames(t, 5, 1)
		box.Put(p.line, packets)
		box.Flush()
		p.receives(t, packets)
		if s.LastStep() != Single || p.line.Failed() != 0 {
			t.Errorf("%s: %s, %d failed", name, s.LastStep(), p.line.Failed())
		}
	}
}
