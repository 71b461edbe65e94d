package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// SlowRoad relays TCP connections to an address, on loopback, and lets bytes a second
// through on the way back. It returns where it listens, and ends with the test.
func SlowRoad(t testing.TB, to string, bytes int) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	must(t, err)
	r := &road{to: to, bytes: bytes}
	r.work.Go(func() { r.accept(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		r.close()
		r.work.Wait()
	})
	return listener.Addr().String()
}

type road struct {
	to    string
	bytes int
	work  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func (r *road) accept(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.DialTimeout("tcp4", r.to, 5*time.Second)
		if err != nil || !r.keep(near, far) {
			_ = near.Close()
			continue
		}
		r.work.Go(func() { _, _ = io.Copy(far, near) })
		r.work.Go(func() { r.crawl(near, far) })
	}
}

// keep notes connections to close, unless it is too late.
func (r *road) keep(near, far net.Conn) bool {
	if t, ok := far.(*net.TCPConn); ok {
		_ = t.SetReadBuffer(16 << 10) // else the kernel reads megabytes ahead
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, near, far)
	if r.closed {
		_ = far.Close()
	}
	return !r.closed
}

// crawl copies slowly.
func (r *road) crawl(near, far net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := far.Read(b)
		if err != nil {
			return
		}
		<-time.After(time.Duration(n) * time.Second / time.Duration(r.bytes))
		if _, err := near.Write(b[:n]); err != nil {
			return
		}
	}
}

func (r *road) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, c := range r.conns {
		_ = c.Close()
	}
}
