package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

// patience bounds every wait for something that should happen at once.
const patience = 10 * time.Second

// run serves r until the test ends or stop is called; stop returns what Serve did.
func (r *rig) run() (origin string, stop func() error) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	if err := r.Listen(ctx); err != nil {
		cancel()
		r.t.Fatal(err)
	}
	origin = r.URLs()[0]
	if r.onListen != nil {
		r.onListen()
	}
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx) }() // waited for by stop
	var result error
	stopped := false
	stop = func() error {
		if !stopped {
			cancel()
			stopped = true
			select {
			case result = <-served:
			case <-time.After(patience):
				result = errors.New("Serve does not return")
			}
		}
		return result
	}
	r.t.Cleanup(func() { _ = stop() })
	return origin, stop
}

func (r *rig) client(transport *http.Transport) *http.Client {
	if transport == nil {
		transport = &http.Transport{}
	}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func (r *rig) get(client *http.Client, url string) (*http.Response, string, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	return res, readAll(r.t, res.Body), nil
}

func TestServeOnAnyPort(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	origin, stop := r.run()
	client := r.client(nil)
	for _, path := range []string{"/healthz", "/readyz"} {
		res, body, err := r.get(client, origin+path)
		if err != nil || res.StatusCode != 200 || body != "ok\n" {
			t.Errorf("%s = %v %q", path, err, body)
		}
	}
	s, err := (wish.Client{HTTP: client}).Post(t.Context(), origin+"/whip/live", "", wishtest.Offer)
	if err != nil || !strings.HasPrefix(s.Location, origin+"/session/") {
		t.Errorf("Post = %+v, %v", s, err)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve = %v", err)
	}
	if _, _, err := r.get(client, origin+"/healthz"); err == nil {
		t.Error("still there after Serve")
	}
}

func TestListenTellsWhatIsTaken(t *testing.T) {
	first := newRig(t, nil, nil)
	origin, _ := first.run()
	second := newRig(t, nil, func(c *Config) { c.HTTP = strings.TrimPrefix(origin, "http://") })
	if err := second.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), second.cfg.HTTP) {
		t.Errorf("Listen = %v", err)
	}
}

func TestURLsOfUnspecifiedAddresses(t *testing.T) {
	for address, want := range map[string]string{":0": "http://127.0.0.1:", "[::1]:0": "http://[::1]:"} {
		r := newRig(t, nil, func(c *Config) { c.HTTP = address })
		if err := r.Listen(t.Context()); err != nil {
			t.Skipf("listen on %s: %v", address, err)
		}
		if got := r.URLs(); len(got) != 1 || !strings.HasPrefix(got[0], want) || strings.HasSuffix(got[0], ":0") {
			t.Errorf("%s: URLs = %q", address, got)
		}
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestTLSBesidePlainAndReload(t *testing.T) {
	files := pairIn(t.TempDir())
	cert := writePair(t, files, 1, time.Now().Add(-time.Minute))
	r := newRig(t, &wishtest.Backend{}, func(c *Config) { c.HTTPS, c.TLS = "127.0.0.1:0", files })
	_, stop := r.run()
	if !slices.Contains(r.http.TLSConfig.NextProtos, "h2") {
		t.Error("h2 depends on which listener is served first")
	}
	urls := r.URLs()
	if len(urls) != 2 || !strings.HasPrefix(urls[0], "http://") || !strings.HasPrefix(urls[1], "https://") {
		t.Fatalf("URLs = %q", urls)
	}
	trusting := func(cert *x509.Certificate) *http.Client {
		pool := x509.NewCertPool()
		pool.AddCert(cert)
		return r.client(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true})
	}
	res, _, err := r.get(trusting(cert), urls[1]+"/healthz")
	if err != nil || res.ProtoMajor != 2 {
		t.Errorf("over TLS: %v, %+v", err, res)
	}
	if _, _, err := r.get(r.client(nil), urls[0]+"/healthz"); err != nil {
		t.Errorf("plain: %v", err)
	}
	renewed := writePair(t, files, 2, time.Now())
	r.clock.advance(2 * recheckEvery)
	if _, _, err := r.get(trusting(renewed), urls[1]+"/healthz"); err != nil {
		t.Errorf("N-008: after renewal: %v", err)
	}
	s, err := (wish.Client{HTTP: trusting(renewed)}).Post(t.Context(), urls[1]+"/whip/live", "", wishtest.Offer)
	if err != nil || !strings.HasPrefix(s.Location, urls[1]) {
		t.Errorf("Location over TLS: %+v, %v", s, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	files := pairIn(t.TempDir())
	writePair(t, files, 1, time.Now())
	r := newRig(t, nil, func(c *Config) { c.HTTP, c.HTTPS, c.TLS = "", "127.0.0.1:0", files })
	origin, _ := r.run()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}
	if conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(origin, "https://")); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is taken")
	}
}

func TestShutdownWaitsForRequests(t *testing.T) {
	hold := make(chan struct{})
	r := newRig(t, &wishtest.Backend{Hold: hold}, nil)
	entered := make(chan struct{})
	r.Echo().GET("/slow", func(c echo.Context) error {
		close(entered)
		<-hold
		return c.String(200, "done")
	})
	origin, stop := r.run()
	answered := make(chan string, 1)
	client := r.client(nil)
	go func() { // answered is read below
		_, body, err := r.get(client, origin+"/slow")
		answered <- fmt.Sprint(body, err)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }() // read below
	waitUntil(t, func() bool { return r.draining.Load() })
	select {
	case err := <-stopped:
		t.Fatalf("Serve returned %v before the request was answered", err)
	default:
	}
	close(hold)
	if got := <-answered; got != "done<nil>" {
		t.Errorf("the request got %s", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, func(c *Config) { c.ShutdownTimeout = 20 * time.Millisecond })
	entered := make(chan struct{})
	r.Echo().GET("/stuck", func(c echo.Context) error {
		close(entered)
		<-c.Request().Context().Done() // ends when the connection is cut
		return c.Request().Context().Err()
	})
	origin, stop := r.run()
	answered := make(chan error, 1)
	client := r.client(nil)
	go func() { // answered is read below
		_, _, err := r.get(client, origin+"/stuck")
		answered <- err
	}()
	<-entered
	if err := stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve = %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the stuck request was answered")
	}
}

func TestShutdownDoesNotWaitForSilentConnections(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	origin, stop := r.run()
	conn := dial(t, origin)
	waitUntil(t, func() bool {
		r.fresh.mu.Lock()
		defer r.fresh.mu.Unlock()
		return len(r.fresh.conns) == 1
	})
	start := time.Now()
	if err := stop(); err != nil {
		t.Errorf("Serve = %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
}

// waitUntil asks until it holds, as often as the scheduler lets it.
func waitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
		time.Sleep(time.Millisecond) // only paces the asking
	}
}

func dial(t *testing.T, origin string) net.Conn {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestSlowHeadersAreCut(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, func(c *Config) { c.ReadHeaderTimeout = 50 * time.Millisecond })
	origin, _ := r.run()
	conn := dial(t, origin)
	if _, err := io.WriteString(conn, "POST /whip/live HTTP/1.1\r\nHost: localh"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		t.Error("slowloris: the connection is kept")
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestSlowBodiesAreCut(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, func(c *Config) { c.ReadTimeout = 100 * time.Millisecond })
	origin, _ := r.run()
	conn := dial(t, origin)
	if _, err := io.WriteString(conn, "POST /whip/live HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: 100\r\n\r\nv=0\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if isTimeout(err) {
		t.Fatal("the connection is kept")
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) || !bytes.Contains(answer, []byte("body-incomplete")) {
		t.Errorf("answer %q", answer)
	}
	if r.backend.Sessions() != 0 {
		t.Error("a session was made of half an offer")
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	origin, _ := r.run()
	conn := dial(t, origin)
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 24<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestServeReportsAFailedListener(t *testing.T) {
	r := newRig(t, nil, nil)
	if err := r.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.listeners[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "serve ") {
		t.Errorf("Serve = %v", err)
	}
}
