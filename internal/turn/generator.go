package turn

import (
	"errors"
	"net"

	pion "github.com/pion/turn/v5"
)

// generator gives pion allocations without sockets.
type generator struct{ server *Server }

var (
	errNoPort = errors.New("no ports can be asked for or reserved")
	errNoTCP  = errors.New("no TCP allocations")
	errQuota  = errors.New("too many allocations")
)

// Validate implements pion.RelayAddressGenerator.
func (generator) Validate() error { return nil }

// addressTries is how often an address is picked that may be taken.
const addressTries = 8

// AllocatePacketConn implements pion.RelayAddressGenerator.
func (g generator) AllocatePacketConn(c pion.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if c.UserID == "" || c.RequestedPort != 0 {
		return nil, nil, errNoPort
	}
	s := g.server
	for range addressTries {
		a := newAllocation(s, s.madeUp.pick(c.Network == "udp6"), c.UserID, s.opt.Now())
		if s.table.add(a, s.cfg.MaxPerCredential) {
			s.count.granted.Add(1)
			return a, a.LocalAddr(), nil
		}
	}
	s.count.refused.Add(1)
	return nil, nil, errQuota
}

// AllocateListener implements pion.RelayAddressGenerator: there are none (RFC
// 6062).
func (generator) AllocateListener(pion.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}

// AllocateConn implements pion.RelayAddressGenerator: there are none.
func (generator) AllocateConn(pion.AllocateConnConfig) (net.Conn, error) { return nil, errNoTCP }
