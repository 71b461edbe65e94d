package turn

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// stream is a TCP or TLS connection as pion sees it. Each Read returns one whole
// message: pion's own framing can be made to spin, and to pile up memory, by whoever
// connects.
type stream struct {
	net.Conn
	server *Server
	in     *bufio.Reader
	local  net.Addr
	remote *net.TCPAddr
	once   sync.Once
}

const (
	// firstWait bounds how long a client without an allocation may say nothing, the
	// TLS handshake included; idleWait one with an allocation.
	firstWait, idleWait = 15 * time.Second, 10 * time.Minute
	// writeWait is how long a client may take nothing.
	writeWait = 10 * time.Second
	// maxStreams is how many connections there may be. More are closed at once.
	maxStreams = 4096
)

// Read implements net.Conn.
func (c *stream) Read(b []byte) (int, error) {
	for {
		n, err := c.readFrame(b)
		if err != nil {
			return 0, err
		}
		switch {
		case n < shortestFrame:
		case refused(b[:n]):
			if _, err := c.Write(refusal(b[:n])); err != nil {
				return 0, err
			}
		default:
			return n, nil
		}
	}
}

func (c *stream) readFrame(b []byte) (int, error) {
	wait := firstWait
	if c.server.table.ofClient(keyOf(c.remote)) != nil {
		wait = idleWait
	}
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	head, err := c.in.Peek(4)
	if err != nil {
		return 0, err
	}
	n, err := frameBytes(head)
	if err != nil || n > len(b) {
		return 0, errFrame
	}
	return io.ReadFull(c.in, b[:n])
}

// Write implements net.Conn. Half a message would be the end of the framing, so an
// error ends the connection.
func (c *stream) Write(b []byte) (int, error) {
	err := c.SetWriteDeadline(time.Now().Add(writeWait))
	n := 0
	if err == nil {
		n, err = c.Conn.Write(b)
	}
	if err != nil {
		c.cut()
	}
	return n, err
}

// cut ends the connection below TLS, without a word; pion then calls Close.
func (c *stream) cut() {
	if t, ok := c.Conn.(interface{ NetConn() net.Conn }); ok {
		_ = t.NetConn().Close()
		return
	}
	_ = c.Conn.Close()
}

// Close implements net.Conn. Pion calls it when it has let go of the client.
func (c *stream) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.server.streams.remove(c) })
	return err
}

// LocalAddr implements net.Conn; see Server.local.
func (c *stream) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *stream) RemoteAddr() net.Addr { return c.remote }

// streams are the connections there are. Safe for concurrent use.
type streams struct {
	mu     sync.Mutex
	closed bool
	all    map[*stream]struct{}
	byNet  map[netip.Addr]int
	left   sync.WaitGroup
}

func newStreams() *streams {
	return &streams{all: map[*stream]struct{}{}, byNet: map[netip.Addr]int{}}
}

// add is false if there are too many already, of all or of one address.
func (t *streams) add(c *stream, most int) bool {
	network := networkOf(addrPortOf(c.remote).Addr())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.all) >= maxStreams || t.byNet[network] >= most {
		return false
	}
	t.all[c] = struct{}{}
	t.byNet[network]++
	t.left.Add(1)
	return true
}

func (t *streams) remove(c *stream) {
	network := networkOf(addrPortOf(c.remote).Addr())
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c)
	if t.byNet[network]--; t.byNet[network] <= 0 {
		delete(t.byNet, network)
	}
	t.left.Done()
}

func (t *streams) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// close cuts every connection, takes no more, and waits until pion has let go.
func (t *streams) close() {
	t.mu.Lock()
	t.closed = true
	open := make([]*stream, 0, len(t.all))
	for c := range t.all {
		open = append(open, c)
	}
	t.mu.Unlock()
	for _, c := range open {
		c.cut()
	}
	t.left.Wait()
}

// feed is the one listener that pion accepts from, wherever connections came in.
type feed struct {
	accepted chan net.Conn // unbuffered: pion takes them at once
	closed   chan struct{}
	once     sync.Once
}

// push hands a connection over; false if the feed is closed.
func (f *feed) push(c net.Conn) bool {
	select {
	case f.accepted <- c:
		return true
	case <-f.closed:
		return false
	}
}

// Accept implements net.Listener.
func (f *feed) Accept() (net.Conn, error) {
	select {
	case c := <-f.accepted:
		return c, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (f *feed) Close() error { f.once.Do(func() { close(f.closed) }); return nil }

// Addr implements net.Listener.
func (f *feed) Addr() net.Addr { return &net.TCPAddr{} }
