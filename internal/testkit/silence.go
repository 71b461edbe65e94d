package testkit

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/vnet"
)

// Lose loses the datagrams from and to a client that lose says, from now on and
// besides what is lost by chance.
func (n *Internet) Lose(client transport.Net, lose func(b []byte) bool) {
	n.t.Helper()
	address := addressOf(n, client)
	n.router.AddChunkFilter(func(c vnet.Chunk) bool {
		theirs := hostOf(c.SourceAddr()) == address || hostOf(c.DestinationAddr()) == address
		return !theirs || !lose(c.UserData())
	})
}

// Slow lets every media datagram that the gateway sends take this long from now on,
// as if its processor were busy.
func (n *Internet) Slow(toll time.Duration) { n.toll.Store(int64(toll)) }

// tollRoad is a socket on which media takes a while.
type tollRoad struct {
	net.PacketConn
	toll *atomic.Int64
}

// WriteTo implements net.PacketConn.
func (r tollRoad) WriteTo(b []byte, to net.Addr) (int, error) {
	if toll := time.Duration(r.toll.Load()); toll > 0 && len(b) > 0 && b[0] >= 128 && b[0] <= 191 {
		<-time.After(toll)
	}
	return r.PacketConn.WriteTo(b, to)
}

// Everything is what a client loses whose cable was pulled.
func Everything([]byte) bool { return true }

// Checks are the datagrams of STUN (RFC 7983).
func Checks(b []byte) bool { return len(b) > 0 && b[0] <= 3 }

func addressOf(n *Internet, client transport.Net) netip.Addr {
	n.t.Helper()
	i, err := client.InterfaceByName("eth0")
	must(n.t, err)
	addrs, err := i.Addrs()
	must(n.t, err)
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			return p.Addr()
		}
	}
	n.t.Fatal("the client has no address")
	return netip.Addr{}
}

// hostOf is the machine of an address of UDP. The network asks for each datagram.
func hostOf(a net.Addr) netip.Addr {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	return udp.AddrPort().Addr().Unmap()
}
