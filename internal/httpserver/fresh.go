package httpserver

import (
	"net"
	"net/http"
	"sync"
)

// freshConns are the connections on which no request has come yet. net/http's
// Shutdown waits seconds for them, and browsers open them on a guess.
type freshConns struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// watch is http.Server.ConnState.
func (f *freshConns) watch(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(f.conns, c)
	case f.closed:
		_ = c.Close() // nothing was asked on it
	default:
		if f.conns == nil {
			f.conns = make(map[net.Conn]struct{})
		}
		f.conns[c] = struct{}{}
	}
}

// closeAll closes them and those that still come.
func (f *freshConns) closeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.conns {
		_ = c.Close() // nothing was asked on it
	}
}
