package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"syscall"

	hgsockets "github.com/headgate/headgate/internal/sockets"
)

// sockets are what Listen opened, all with the same port number.
type sockets struct {
	udp  []*udpSocket
	tcp  []net.Listener
	port uint16
}

// portTries is how often a free port is looked for that both protocols and
// families have.
const portTries = 16

// openSockets binds what cfg asks for. On error nothing is left open.
func openSockets(ctx context.Context, cfg Config) (*sockets, error) {
	if len(cfg.UDP) > 0 {
		return adoptSockets(cfg)
	}
	m, err := parseMedia(cfg.Media)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := openOn(ctx, m, cfg)
		if err == nil {
			return s, nil
		}
		if m.port != 0 || try == portTries || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("media: %w", hgsockets.Explain(err, cfg.Media, "media.listen"))
		}
	}
}

func openOn(ctx context.Context, m media, cfg Config) (_ *sockets, err error) {
	s := &sockets{port: m.port}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	switch {
	case !m.both || !cfg.IPv6:
		return s, s.open(ctx, familyOf(m.addr), m.addr, cfg)
	case mapsIPv4():
		err = s.open(ctx, "", netip.IPv6Unspecified(), cfg)
		if lacksIPv6(err) {
			err = s.open(ctx, "4", m.addr, cfg)
		}
		return s, err
	}
	if err = s.open(ctx, "4", m.addr, cfg); err != nil {
		return s, err
	}
	if err = s.open(ctx, "6", netip.IPv6Unspecified(), cfg); lacksIPv6(err) {
		err = nil
	}
	return s, err
}

// mapsIPv4 tells whether one descriptor can serve both families. It spares every
// packet a hand-over between goroutines.
func mapsIPv4() bool { return runtime.GOOS != "openbsd" && runtime.GOOS != "dragonfly" }

func lacksIPv6(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

func familyOf(a netip.Addr) string {
	if a.Is6() {
		return "6"
	}
	return "4"
}

// open adds the sockets of one address. family is "4", "6" or "" for both.
func (s *sockets) open(ctx context.Context, family string, addr netip.Addr, cfg Config) error {
	var lc net.ListenConfig
	udp, err := lc.ListenPacket(ctx, "udp"+family, netip.AddrPortFrom(addr, s.port).String())
	if err != nil {
		return err
	}
	conn := udp.(*net.UDPConn)
	s.udp = append(s.udp, newUDPSocket(conn, family != "6", family != "4", cfg.LastStep))
	s.port = addrPortOf(udp.LocalAddr()).Port()
	if !cfg.TCP {
		return nil
	}
	listener, err := lc.Listen(ctx, "tcp"+family, netip.AddrPortFrom(addr, s.port).String())
	if err != nil {
		return err
	}
	s.tcp = append(s.tcp, listener)
	return nil
}

func (s *sockets) close() {
	for _, u := range s.udp {
		_ = u.conn.Close()
	}
	for _, l := range s.tcp {
		_ = l.Close()
	}
}
