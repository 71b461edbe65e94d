package peer

import (
	"net"
	"net/netip"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4"

	"github.com/headgate/headgate/internal/egress"
)

// udpMux is the stack's ICE mux with our idea of where it listens: one address
// per family (see the package comment). It replaces interface filters, address
// filters and rewrite rules, which the stack's own mux would ignore.
type udpMux struct {
	*ice.UDPMuxDefault
	primary func() []netip.AddrPort
}

// GetListenAddresses implements ice.UDPMux.
func (m *udpMux) GetListenAddresses() []net.Addr {
	var addrs []net.Addr
	for _, a := range m.primary() {
		addrs = append(addrs, net.UDPAddrFromAddrPort(a))
	}
	return addrs
}

// GetConn implements ice.UDPMux. A mux that is bound to one address would refuse
// any other, and a public one is another.
func (m *udpMux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	if local := m.LocalAddr(); !addrPortOf(local).Addr().IsUnspecified() {
		addr = local
	}
	return m.UDPMuxDefault.GetConn(ufrag, addr)
}

// tcpMux files connections under the one local address tcpListener gives them,
// and remembers them for the workers. The stack's mux is a field and not embedded,
// because the agent would compare its LocalAddr with the interfaces.
type tcpMux struct {
	mux      *ice.TCPMuxDefault
	listener *tcpListener

	mu    sync.Mutex
	conns map[tcpKey]net.PacketConn
}

// tcpKey is what the stack's mux files a session's connections by.
type tcpKey struct {
	ufrag string
	v6    bool
}

// GetConnByUfrag implements ice.TCPMux.
func (m *tcpMux) GetConnByUfrag(ufrag string, v6 bool, _ net.IP) (net.PacketConn, error) {
	conn, err := m.mux.GetConnByUfrag(ufrag, v6, tcpLocal(v6))
	if err == nil {
		m.mu.Lock()
		m.conns[tcpKey{ufrag, v6}] = conn
		m.mu.Unlock()
	}
	return conn, err
}

// RemoveConnByUfrag implements ice.TCPMux.
func (m *tcpMux) RemoveConnByUfrag(ufrag string) {
	m.mu.Lock()
	delete(m.conns, tcpKey{ufrag, false})
	delete(m.conns, tcpKey{ufrag, true})
	m.mu.Unlock()
	m.mux.RemoveConnByUfrag(ufrag)
}

// path returns the way to remote on its framed connection, nil if there is none.
// ufrag is our own.
func (m *tcpMux) path(ufrag *string, remote netip.AddrPort) *egress.Path {
	if ufrag == nil {
		return nil
	}
	m.mu.Lock()
	conn := m.conns[tcpKey{*ufrag, remote.Addr().Is6()}]
	m.mu.Unlock()
	if conn == nil {
		return nil
	}
	to := net.TCPAddrFromAddrPort(remote)
	p := &egress.Path{Stream: func(packet []byte) error {
		_, err := conn.WriteTo(packet, to)
		return err
	}}
	if below := m.listener.find(remote); below != nil {
		p.Behind = below.queue.behind
	}
	return p
}

// Close implements ice.TCPMux.
func (m *tcpMux) Close() error { return m.mux.Close() }

// agentNet is the network as agents see it: one interface with the primary
// address of each family. Agents list interfaces when they are made and when
// they gather TCP candidates.
type agentNet struct {
	transport.Net
	primary func() []netip.AddrPort
}

// Interfaces implements transport.Net.
func (n *agentNet) Interfaces() ([]*transport.Interface, error) {
	i := transport.NewInterface(net.Interface{Index: 1, MTU: 1500, Name: "media", Flags: net.FlagUp | net.FlagRunning})
	for _, a := range n.primary() {
		i.AddAddress(&net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Addr().BitLen(), a.Addr().BitLen())})
	}
	return []*transport.Interface{i}, nil
}

// firstOfFamily keeps the first address of each family.
func firstOfFamily(addrs []netip.AddrPort) []netip.AddrPort {
	var first []netip.AddrPort
	for _, a := range addrs {
		if len(first) == 0 || first[len(first)-1].Addr().Is4() != a.Addr().Is4() {
			first = append(first, a)
		}
	}
	return first
}
