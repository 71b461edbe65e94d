//go:build !linux

package audience

import (
	"errors"
	"net"
	"net/netip"
)

// sweeper has nothing to sweep here: every viewer has a reader.
type sweeper struct {
	scratch scratch
	viewers []*Viewer
	changes uint64 // of the audience, when viewers was taken
}

func newSweeper(Config) *sweeper { return &sweeper{} }

// watch starts the readers of new viewers.
func (s *sweeper) watch() {
	for _, v := range s.viewers {
		v.mu.Lock()
		if socket := v.socket; socket != nil && !socket.reading && !v.audience.cfg.DeafToMedia {
			socket.reading = true
			v.audience.work.Go(func() { v.read(socket) })
		}
		v.mu.Unlock()
	}
}

func (s *sweeper) empty() {}

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
