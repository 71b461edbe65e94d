package httpserver

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/wish/wishtest"
)

// bindingRequest is a STUN binding request without attributes (RFC 8489 section 5).
const bindingRequest = "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"

// tlsRig is a server of HTTPS alone.
func tlsRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	files := pairIn(t.TempDir())
	writePair(t, files, 1, time.Now())
	return newRig(t, &wishtest.Backend{}, func(c *Config) {
		c.HTTP, c.HTTPS, c.TLS = "", "127.0.0.1:0", files
		if change != nil {
			change(c)
		}
	})
}

func dialTLS(t *testing.T, address string, protocols ...string) *tls.Conn {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}}
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*tls.Conn)
}

// echoSTUN stands in for a TURN server: it sends back what it gets.
func echoSTUN(t *testing.T, from net.Listener) {
	t.Helper()
	done := make(chan struct{})
	go func() { // waited for in the cleanup
		defer close(done)
		for {
			conn, err := from.Accept()
			if err != nil {
				return
			}
			b := make([]byte, len(bindingRequest))
			if _, err := io.ReadFull(conn, b); err == nil {
				_, _ = conn.Write(append([]byte("stun "), b...))
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = from.Close(); <-done })
}

// listenTLS starts r with an echo for STUN.
func listenTLS(t *testing.T, r *rig) (address string, stop func() error) {
	t.Helper()
	r.onListen = func() { echoSTUN(t, r.STUN()) }
	origin, stop := r.run()
	return strings.TrimPrefix(origin, "https://"), stop
}

func TestFirstByteDecides(t *testing.T) {
	r := tlsRig(t, func(c *Config) { c.ReadHeaderTimeout = time.Second })
	address, _ := listenTLS(t, r)
	const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	for _, tc := range []struct {
		name, send string
		protocols  []string
		want       string
	}{
		{"STUN", bindingRequest, nil, "stun " + bindingRequest},
		{"the last byte of STUN", "\x03" + bindingRequest[1:], nil, "stun \x03"},
		{"STUN by its ALPN name", bindingRequest, []string{"stun.turn"}, "stun " + bindingRequest},
		{"STUN from a client that always names http/1.1", bindingRequest, []string{"http/1.1"}, "stun " + bindingRequest},
		{"HTTP without ALPN", request, nil, "HTTP/1.1 200 OK"},
		{"HTTP by ALPN", request, []string{"http/1.1"}, "HTTP/1.1 200 OK"},
		{"HTTP under a name we do not know", request, []string{"webrtc"}, "HTTP/1.1 200 OK"},
		{"garbage", "\xffgarbage\r\n\r\n", nil, "HTTP/1.1 400 Bad Request"},
		{"the byte after the last of STUN", "\x04\r\n\r\n", nil, "HTTP/1.1 400 Bad Request"},
		{"TURN channel data, which never comes first", "\x40\x00\x00\x00\r\n\r\n", nil, "HTTP/1.1 400 Bad Request"},
		{"nothing", "", nil, ""},
		{"half a STUN header", "\x00\x01\x00", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, piece := range []int{1 << 10, 1} { // whole, and byte by byte
				conn := dialTLS(t, address, tc.protocols...)
				for i := 0; i < len(tc.send); i += piece {
					if _, err := io.WriteString(conn, tc.send[i:min(i+piece, len(tc.send))]); err != nil {
						break // refused before all was sent
					}
				}
				if tc.name == "half a STUN header" {
					_ = conn.CloseWrite()
				}
				got, err := io.ReadAll(conn)
				if isTimeout(err) {
					t.Fatal("the connection is kept")
				}
				if !strings.HasPrefix(string(got), tc.want) || tc.want == "" && len(got) > 0 {
					t.Errorf("in pieces of %d: got %q, want %q", piece, got, tc.want)
				}
			}
		})
	}
}

func TestRequestsKnowThatTheyCameByTLS(t *testing.T) {
	r := tlsRig(t, nil)
	r.Echo().GET("/origin", func(c echo.Context) error {
		return c.String(http.StatusOK, fmt.Sprint(r.Origin(c.Request()), " ", c.Request().Proto))
	})
	address, _ := listenTLS(t, r)
	for proto, protocols := range map[string][]string{"HTTP/1.1": {"http/1.1"}, "HTTP/2.0": {"h2", "http/1.1"}} {
		transport := &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, NextProtos: protocols},
			ForceAttemptHTTP2: proto == "HTTP/2.0",
		}
		_, body, err := r.get(r.client(transport), "https://"+address+"/origin")
		if err != nil || body != "https://"+address+" "+proto {
			t.Errorf("%s: %q, %v", proto, body, err)
		}
	}
}

func TestPlainHTTPOnTheTLSPort(t *testing.T) {
	r := tlsRig(t, nil)
	address, _ := listenTLS(t, r)
	conn := dial(t, "http://"+address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(conn); !bytes.HasPrefix(got, []byte("HTTP/1.0 400 ")) || !bytes.Contains(got, []byte("HTTPS")) {
		t.Errorf("got %q", got)
	}
}

func TestSilentConnectionsHoldNobodyUp(t *testing.T) {
	r := tlsRig(t, func(c *Config) { c.ReadHeaderTimeout = time.Minute })
	address, stop := listenTLS(t, r)
	var silent []net.Conn
	for range 20 { // before and behind the handshake
		silent = append(silent, dial(t, "http://"+address), dialTLS(t, address))
	}
	conn := dialTLS(t, address)
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", res, err)
	}
	_ = res.Body.Close()
	begin := time.Now()
	if err := stop(); err != nil || time.Since(begin) > patience/2 {
		t.Errorf("Serve = %v after %v", err, time.Since(begin))
	}
	for i, c := range silent {
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("connection %d is open: %v", i, err)
		}
	}
}

func TestSTUNIsRefusedWhereNobodyTakesIt(t *testing.T) {
	r := tlsRig(t, nil)
	origin, _ := r.run()
	conn := dialTLS(t, strings.TrimPrefix(origin, "https://"))
	if _, err := io.WriteString(conn, bindingRequest); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); len(got) > 0 || isTimeout(err) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSTUNWithoutHTTPS(t *testing.T) {
	r := newRig(t, nil, nil)
	if err := r.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := r.STUN(); l != nil {
		t.Errorf("STUN = %v", l)
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Event streams and long polls outlive every timeout of the server, by either
// protocol, once their handler lifts the deadlines.
func TestStreamsOutliveTheTimeouts(t *testing.T) {
	r := tlsRig(t, func(c *Config) {
		c.ReadHeaderTimeout, c.ReadTimeout, c.WriteTimeout, c.IdleTimeout = time.Second, time.Second, time.Second, time.Second // handshakes must be done by then
	})
	r.Echo().GET("/events", func(c echo.Context) error {
		control := http.NewResponseController(c.Response())
		if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})); err != nil {
			return err
		}
		c.Response().Header().Set(echo.HeaderContentType, "text/event-stream")
		for i := range 5 {
			if _, err := fmt.Fprintf(c.Response(), "data: %d\n\n", i); err != nil {
				return err
			}
			c.Response().Flush()
			select {
			case <-time.After(260 * time.Millisecond): // four of them are longer than any timeout
			case <-c.Request().Context().Done():
				return c.Request().Context().Err()
			}
		}
		return nil
	})
	address, _ := listenTLS(t, r)
	for _, h2 := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2}
		res, body, err := r.get(r.client(transport), "https://"+address+"/events")
		if err != nil || res.ProtoMajor == 2 != h2 || strings.Count(body, "data:") != 5 {
			t.Errorf("h2 %v: %v, %q", h2, err, body)
		}
	}
}

func TestShutdownWaitsForRequestsOverTLS(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		r := tlsRig(t, nil)
		entered, hold := make(chan struct{}), make(chan struct{})
		r.Echo().GET("/slow", func(c echo.Context) error {
			close(entered)
			<-hold
			return c.String(http.StatusOK, "done")
		})
		address, stop := listenTLS(t, r)
		client := r.client(&http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2})
		answered := make(chan string, 1)
		go func() { // read below
			_, body, err := r.get(client, "https://"+address+"/slow")
			answered <- fmt.Sprint(body, err)
		}()
		<-entered
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }() // read below
		waitUntil(t, func() bool {
			r.fresh.mu.Lock()
			defer r.fresh.mu.Unlock()
			return r.fresh.closed
		})
		close(hold)
		if got := <-answered; got != "done<nil>" {
			t.Errorf("h2 %v: the request got %s", h2, got)
		}
		if err := <-stopped; err != nil {
			t.Errorf("h2 %v: Serve = %v", h2, err)
		}
	}
}
