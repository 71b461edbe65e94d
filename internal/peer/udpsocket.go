package peer

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/headgate/headgate/internal/egress"
)

// udpSocket is one UDP descriptor.
//
// A socket bound to all addresses answers from the address the routing table
// prefers, which on a host with several is not always the one the client sent
// its check to; the client then has to discard the answer (RFC 8445 section
// 7.2.5.2.1). Where the system tells the destination of a datagram the socket
// remembers it and answers from there.
type udpSocket struct {
	*egress.Socket
	conn   *net.UDPConn
	v4, v6 bool
	// paths is nil where the socket is bound to an address or the system can't
	// tell.
	paths *returnPaths
	// control belongs to the one reader.
	control [controlBytes]byte
}

// controlBytes is room for one IP_PKTINFO or IPV6_PKTINFO message.
const controlBytes = 64

// newUDPSocket takes conn over; v4 and v6 tell which families it serves.
func newUDPSocket(conn *net.UDPConn, v4, v6 bool, step egress.LastStep) *udpSocket {
	s := &udpSocket{conn: conn, v4: v4, v6: v6}
	_ = conn.SetReadBuffer(socketBufferBytes)
	_ = conn.SetWriteBuffer(socketBufferBytes)
	if addrPortOf(conn.LocalAddr()).Addr().IsUnspecified() && s.askDestination() == nil {
		s.paths = newReturnPaths()
		s.Socket = egress.NewSocket(conn, s.paths, step)
	} else {
		s.Socket = egress.NewSocket(conn, nil, step)
	}
	return s
}

func (s *udpSocket) askDestination() error {
	if s.v6 {
		return ipv6.NewPacketConn(s.conn).SetControlMessage(ipv6.FlagDst, true)
	}
	return ipv4.NewPacketConn(s.conn).SetControlMessage(ipv4.FlagDst, true)
}

func (s *udpSocket) serves(a netip.Addr) bool { return a.Is4() && s.v4 || a.Is6() && s.v6 }

// read is for one goroutine.
func (s *udpSocket) read(b []byte) (int, netip.AddrPort, error) {
	if s.paths == nil {
		n, _, from, err := s.Read(b, nil)
		return n, unmapped(from), err
	}
	n, controlLen, from, err := s.Read(b, s.control[:])
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	from = unmapped(from)
	// Only checks move a session to another path, and only they are rare.
	if n > 0 && b[0] < 4 {
		if local := s.destination(s.control[:controlLen]); local.IsValid() {
			s.paths.learn(from, local)
		}
	}
	return n, from, nil
}

// destination is the local unicast address a datagram was sent to.
func (s *udpSocket) destination(control []byte) netip.Addr {
	var ip net.IP
	if s.v6 {
		var m ipv6.ControlMessage
		if m.Parse(control) == nil {
			ip = m.Dst
		}
	} else {
		var m ipv4.ControlMessage
		if m.Parse(control) == nil {
			ip = m.Dst
		}
	}
	a, ok := netip.AddrFromSlice(ip)
	if a = a.Unmap(); !ok || !s.serves(a) || a.IsMulticast() || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

func (s *udpSocket) localFor(remote netip.AddrPort) netip.Addr {
	if s.paths == nil {
		return addrPortOf(s.conn.LocalAddr()).Addr()
	}
	return s.paths.localFor(remote)
}

// returnPaths remembers on which local address remote ones were heard. It keeps
// two generations, so that a flood from many sources forgets old entries instead
// of growing. Safe for concurrent use.
type returnPaths struct {
	version  atomic.Uint32
	mu       sync.RWMutex
	hot, old map[netip.AddrPort]netip.Addr
	// controls are the marshalled control messages by local address.
	controls map[netip.Addr][]byte
}

const (
	// maxPaths is the size of one generation, in remote addresses.
	maxPaths = 16384
	// maxControls bounds the cache where any address of a prefix is local.
	maxControls = 256
)

func newReturnPaths() *returnPaths {
	return &returnPaths{hot: map[netip.AddrPort]netip.Addr{}, controls: map[netip.Addr][]byte{}}
}

func (p *returnPaths) learn(remote netip.AddrPort, local netip.Addr) {
	p.mu.RLock()
	known := p.hot[remote] == local
	p.mu.RUnlock()
	if known {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.hot) >= maxPaths {
		p.old, p.hot = p.hot, map[netip.AddrPort]netip.Addr{}
	}
	p.hot[remote] = local
	p.version.Add(1)
	if _, ok := p.controls[local]; !ok {
		if len(p.controls) >= maxControls {
			clear(p.controls)
		}
		p.controls[local] = sourceControl(local)
	}
}

// Forget implements egress.Sources.
func (p *returnPaths) Forget(remote netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version.Add(1)
	delete(p.hot, remote)
	delete(p.old, remote)
}

func (p *returnPaths) localFor(remote netip.AddrPort) netip.Addr {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if local, ok := p.hot[remote]; ok {
		return local
	}
	return p.old[remote]
}

// Version implements egress.Sources.
func (p *returnPaths) Version() uint32 { return p.version.Load() }

// Control implements egress.Sources: it sends from where remote was heard.
func (p *returnPaths) Control(remote netip.AddrPort) []byte {
	p.mu.RLock()
	defer p.mu.RUnlock()
	local, ok := p.hot[remote]
	if !ok {
		if local, ok = p.old[remote]; !ok {
			return nil
		}
	}
	return p.controls[local]
}

// sourceControl is for the family of local, also on a descriptor that serves
// both.
func sourceControl(local netip.Addr) []byte {
	if local.Is6() {
		return (&ipv6.ControlMessage{Src: local.AsSlice()}).Marshal()
	}
	return (&ipv4.ControlMessage{Src: local.AsSlice()}).Marshal()
}
