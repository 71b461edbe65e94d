//go:build !linux

package audience

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// sweeper has nothing to sweep here: it starts the readers.
type sweeper struct {
	scratch scratch
	tickDue time.Time
}

func newSweeper(Config) *sweeper { return &sweeper{} }

// empty starts the viewer's reader, the first time it is called.
func (s *sweeper) empty(v *Viewer) {
	if v.socket.reading {
		return
	}
	v.socket.reading = true
	socket := v.socket
	v.audience.work.Go(func() { v.read(socket) })
}

// read hands datagrams over until the socket is closed.
func (v *Viewer) read(s *socket) {
	w := new(scratch)
	var b [maxDatagram]byte
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != s.remote {
			continue // a port that is closed, on some systems; a stranger
		}
		now := v.audience.cfg.Now()
		v.mu.Lock()
		if v.socket == s {
			v.datagram(now, b[:n], w)
		}
		v.mu.Unlock()
	}
}
