package peer

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// tcpRelay stands between a client and the host, as TCP. It can stop to pass on what
// the host sends.
type tcpRelay struct {
	server   netip.AddrPort
	listener *net.TCPListener
	work     sync.WaitGroup

	mu    sync.Mutex
	gate  chan struct{} // open, that is closed, while bytes pass
	ended bool
	conns []net.Conn
}

// tcpRelayBuffer is small, so that what the relay does not read is the host's trouble.
const tcpRelayBuffer = 32 << 10

func newTCPRelay(t testing.TB, server netip.AddrPort) *tcpRelay {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &tcpRelay{server: server, listener: l, gate: make(chan struct{})}
	close(r.gate)
	r.work.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *tcpRelay) close() {
	r.mu.Lock()
	r.ended = true
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	_ = r.listener.Close()
	r.goOn()
	r.work.Wait()
}

func (r *tcpRelay) accept() {
	for {
		inside, err := r.listener.AcceptTCP()
		if err != nil {
			return
		}
		outside, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(r.server))
		if err != nil {
			_ = inside.Close()
			continue
		}
		_ = outside.SetReadBuffer(tcpRelayBuffer)
		_ = inside.SetWriteBuffer(tcpRelayBuffer)
		r.mu.Lock()
		r.conns = append(r.conns, inside, outside)
		if r.ended {
			_, _ = inside.Close(), outside.Close()
		}
		r.mu.Unlock()
		r.work.Go(func() { r.pass(outside, inside, nil) })
		r.work.Go(func() { r.pass(inside, outside, r.wait) })
	}
}

// pass copies bytes, each time after wait, if there is one.
// What piled up comes no faster than on a quick link: the client's stack drops what
// comes faster than it can decrypt.
func (r *tcpRelay) pass(to, from net.Conn, wait func()) {
	defer func() { _, _ = to.Close(), from.Close() }()
	b := make([]byte, 8192)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if wait != nil {
			wait()
			time.Sleep(time.Millisecond) // 8 MB/s
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (r *tcpRelay) wait() {
	r.mu.Lock()
	gate := r.gate
	r.mu.Unlock()
	<-gate
}

// hold stops what the host sends, goOn lets it pass again.
func (r *tcpRelay) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gate = make(chan struct{})
}

func (r *tcpRelay) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.gate:
	default:
		close(r.gate)
	}
}

// inAnswer makes the client connect to the relay.
func (r *tcpRelay) inAnswer(sdp string, answer bool) string {
	if !answer {
		return sdp
	}
	at := addrPortOf(r.listener.Addr())
	return replaceLines(sdp, candidateLine, func(line string) string {
		if !strings.Contains(line, " tcptype passive") {
			return "a=x-dropped"
		}
		f := strings.Fields(line)
		f[4], f[5] = at.Addr().String(), fmt.Sprint(at.Port())
		return strings.Join(f, " ")
	})
}
