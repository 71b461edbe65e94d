package peer

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/internal/egress"
)

// stubRelay stands for a TURN server: what comes to its socket is delivered as
// if it came from a made-up address, and the other way round.
type stubRelay struct {
	front  *net.UDPConn
	addr   netip.AddrPort
	client atomic.Pointer[netip.AddrPort]
	sent   [256]atomic.Int32 // by first byte
	work   sync.WaitGroup
}

func (r *stubRelay) Owns(a netip.AddrPort) bool {
	return netip.MustParsePrefix("192.0.2.0/24").Contains(a.Addr())
}

func (r *stubRelay) Send(b []byte, to netip.AddrPort) error {
	client := r.client.Load()
	if to != r.addr || client == nil {
		return errors.New("no such allocation")
	}
	r.sent[b[0]].Add(1)
	_, err := r.front.WriteToUDPAddrPort(b, *client)
	return err
}

// relayedHost is a host with a stubRelay in front of it.
func relayedHost(t *testing.T) (*Host, *stubRelay) {
	t.Helper()
	r := &stubRelay{front: listenUDP(t, "udp4", "127.0.0.1:0"), addr: netip.MustParseAddrPort("192.0.2.9:5000")}
	h := newTestHost(t, func(c *Config) { c.Relay = r })
	r.work.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := r.front.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			r.client.Store(&from)
			h.Deliver(b[:n], r.addr)
		}
	})
	t.Cleanup(func() { _ = r.front.Close(); r.work.Wait() })
	return h, r
}

// inAnswer sends the client to the relay and nowhere else.
func (r *stubRelay) inAnswer(sdp string, answer bool) string {
	if !answer {
		return sdp
	}
	port := uintString(uint32(addrPortOf(r.front.LocalAddr()).Port()))
	return replaceLines(sdp, "a=candidate:", func(string) string { return "a=candidate:1 1 udp 1 127.0.0.1 " + port + " typ host" })
}

func TestPlayThroughARelay(t *testing.T) {
	h, r := relayedHost(t)
	tv := watchVideo(t, h, newClient(t), r.inAnswer)
	tv.sees(t)
	if _, remote, proto := tv.conn.Pair(); remote != r.addr || proto != "udp" {
		t.Errorf("the pair ends at %v (%s)", remote, proto)
	}
	if media := r.sent[0x80].Load() + r.sent[0x90].Load(); media < 20 {
		t.Errorf("%d media packets took the relay", media)
	}
	if !h.Uses(r.addr) || h.Uses(netip.MustParseAddrPort("192.0.2.9:5001")) {
		t.Error("the host does not know which allocation is in use")
	}
	_ = tv.conn.Close()
	if h.Uses(r.addr) {
		t.Error("in use by a closed connection")
	}
}

func TestPublishThroughARelay(t *testing.T) {
	h, r := relayedHost(t)
	p := publish(t, h, newClient(t), r.inAnswer)
	p.events.wait(t, DTLSConnected, 1)
	p.video.flow(t, h264Key)
	p.events.wait(t, FirstKeyFrame, 1)
}

// A host with a relay serves everybody else as before.
func TestBesideARelay(t *testing.T) {
	h, r := relayedHost(t)
	tv := watchVideo(t, h, newClient(t))
	tv.sees(t)
	if r.client.Load() != nil {
		t.Error("the relay was used")
	}
}

// Made-up addresses are the relay's alone: nothing goes to the network, and
// nothing is taken from it.
func TestRelayedAddressesAreNotOnTheNetwork(t *testing.T) {
	outsider := listenUDP(t, "udp4", "127.0.0.1:0")
	r := &loopbackRelay{owned: addrPortOf(outsider.LocalAddr())}
	c := newUDPConn([]*udpSocket{newUDPSocket(listenUDP(t, "udp4", "127.0.0.1:0"), true, false, egress.Segmented)}, r)
	defer c.Close()
	if _, err := outsider.WriteTo([]byte("forged"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	other := listenUDP(t, "udp4", "127.0.0.1:0")
	if _, err := other.WriteTo([]byte("honest"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	if n, from, err := c.ReadFromAddrPort(b); err != nil || string(b[:n]) != "honest" {
		t.Errorf("%q from %v, %v", b[:n], from, err)
	}
	if _, err := c.WriteToAddrPort([]byte("answer"), r.owned); err != nil || r.sent.Load() != 1 {
		t.Errorf("%d datagrams were handed to the relay, %v", r.sent.Load(), err)
	}
	if !c.deliver([]byte("delivered"), r.owned) {
		t.Error("not taken")
	}
	if n, from, _ := c.ReadFromAddrPort(b); string(b[:n]) != "delivered" || from != r.owned {
		t.Errorf("%q from %v", b[:n], from)
	}
	_ = c.Close()
	if c.deliver([]byte("late"), r.owned) {
		t.Error("taken after Close")
	}
}

// loopbackRelay owns an address that is a real one, so that forging works.
type loopbackRelay struct {
	owned netip.AddrPort
	sent  atomic.Int32
}

func (r *loopbackRelay) Owns(a netip.AddrPort) bool        { return a == r.owned }
func (r *loopbackRelay) Send([]byte, netip.AddrPort) error { r.sent.Add(1); return nil }

// Without a relay a host takes nothing from one and reads its socket directly.
func TestWithoutARelay(t *testing.T) {
	h := newTestHost(t)
	if h.Deliver([]byte{0}, netip.MustParseAddrPort("192.0.2.9:5000")) || h.sockets.collects() {
		t.Error("a host without a relay takes another way")
	}
}

func TestListenPacket(t *testing.T) {
	c, err := ListenPacket(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	other := listenUDP(t, "udp4", "127.0.0.1:0")
	if _, err := other.WriteTo([]byte("ping"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, from, err := c.ReadFrom(b)
	if err != nil || string(b[:n]) != "ping" || from.String() != other.LocalAddr().String() {
		t.Errorf("%q from %v, %v", b[:n], from, err)
	}
}
