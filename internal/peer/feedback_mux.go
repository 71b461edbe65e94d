package peer

import (
	"net"
	"net/netip"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// read makes the agent of the viewer get what the feedback leaves of what comes: on
// TCP, on a virtual network, and from addresses that are not in the table. The stack
// has found out whose packet it is, and nobody else needs to try.
func (f *feedback) read(settings *webrtc.SettingEngine) {
	settings.SetICEUDPMux(viewerUDPMux{udpMux: f.c.host.udp, feedback: f})
	if f.c.host.tcp != nil {
		settings.SetICETCPMux(viewerTCPMux{tcpMux: f.c.host.tcp, feedback: f})
	}
}

// viewerUDPMux is the mux as the agent of one viewer sees it.
type viewerUDPMux struct {
	*udpMux
	feedback *feedback
}

// GetConn implements ice.UDPMux.
func (m viewerUDPMux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	conn, err := m.udpMux.GetConn(ufrag, addr)
	if err != nil {
		return nil, err
	}
	return m.feedback.before(conn), nil
}

// viewerTCPMux is the mux as the agent of one viewer sees it.
type viewerTCPMux struct {
	*tcpMux
	feedback *feedback
}

// GetConnByUfrag implements ice.TCPMux.
func (m viewerTCPMux) GetConnByUfrag(ufrag string, v6 bool, local net.IP) (net.PacketConn, error) {
	conn, err := m.tcpMux.GetConnByUfrag(ufrag, v6, local)
	if err != nil {
		return nil, err
	}
	return m.feedback.before(conn), nil
}

// before returns conn without the viewer's RTCP.
func (f *feedback) before(conn net.PacketConn) net.PacketConn {
	c := feedbackConn{PacketConn: conn, feedback: f}
	if fast, ok := conn.(ice.AddrPortReaderWriter); ok {
		return feedbackAddrPortConn{feedbackConn: c, AddrPortReaderWriter: fast}
	}
	return c
}

// feedbackConn takes RTCP out of what is read.
type feedbackConn struct {
	net.PacketConn
	feedback *feedback
}

// ReadFrom implements net.PacketConn.
func (c feedbackConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if rest, pass := c.feedback.rest(b[:n]); pass {
			return rest, from, nil
		}
	}
}

// feedbackAddrPortConn is one with the addresses that cost nothing.
type feedbackAddrPortConn struct {
	feedbackConn
	ice.AddrPortReaderWriter
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (c feedbackAddrPortConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.AddrPortReaderWriter.ReadFromAddrPort(b)
		if err != nil {
			return n, from, err
		}
		if rest, pass := c.feedback.rest(b[:n]); pass {
			return rest, from, nil
		}
	}
}

// rest is how much of a datagram that is surely this viewer's goes to the stack;
// nothing if pass is false.
func (f *feedback) rest(b []byte) (n int, pass bool) {
	switch f.take(b) {
	case unread:
		return len(b), true
	case takenAndShown:
		return signBytes, true
	default:
		return 0, false
	}
}
