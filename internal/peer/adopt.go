package peer

import (
	"errors"
	"fmt"
	"net"
	"slices"
)

var errPorts = errors.New("media: the sockets that were passed in have different port numbers: ListenStream= and ListenDatagram= of the socket unit must name the same")

// adoptSockets takes over the sockets of cfg. On error all are closed.
func adoptSockets(cfg Config) (*sockets, error) {
	s := &sockets{port: addrPortOf(cfg.UDP[0].LocalAddr()).Port()}
	for _, conn := range cfg.UDP {
		v4, v6 := servedFamilies(conn, cfg.UDP)
		s.udp = append(s.udp, newUDPSocket(conn, v4, v6, cfg.LastStep))
	}
	s.tcp = slices.Clone(cfg.TCPListeners)
	if err := s.checkPorts(); err != nil {
		s.close()
		return nil, err
	}
	if !cfg.TCP {
		for _, l := range s.tcp {
			_ = l.Close() // the configuration says so
		}
		s.tcp = nil
	}
	return s, nil
}

func (s *sockets) checkPorts() error {
	for _, u := range s.udp {
		if addrPortOf(u.conn.LocalAddr()).Port() != s.port {
			return errPorts
		}
	}
	for _, l := range s.tcp {
		if port := addrPortOf(l.Addr()).Port(); port != s.port {
			return fmt.Errorf("%w (UDP %d, TCP %d)", errPorts, s.port, port)
		}
	}
	return nil
}

// servedFamilies tells what conn is for: a socket of all IPv6 addresses takes
// IPv4 too, unless another one does that.
func servedFamilies(conn *net.UDPConn, all []*net.UDPConn) (v4, v6 bool) {
	a := addrPortOf(conn.LocalAddr()).Addr()
	if a.Is4() {
		return true, false
	}
	other := slices.ContainsFunc(all, func(c *net.UDPConn) bool { return addrPortOf(c.LocalAddr()).Addr().Is4() })
	return a.IsUnspecified() && !other, true
}
