package httpserver

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whep"
	"github.com/headgate/headgate/whip"
)

func TestMain(m *testing.M) { leak.Main(m) }

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// logBuffer is a log that tests read.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a server with both protocols on it, asked without a network so that
// requests can come from anywhere.
type rig struct {
	*Server
	t       *testing.T
	clock   *clock
	log     *logBuffer
	backend *wishtest.Backend
	// onListen, if set, is called between Listen and Serve.
	onListen func()
}

func newRig(t *testing.T, backend *wishtest.Backend, change func(*Config)) *rig {
	t.Helper()
	cfg := DefaultConfig()
	cfg.HTTP = "127.0.0.1:0"
	if change != nil {
		change(&cfg)
	}
	r := &rig{t: t, clock: newClock(), log: &logBuffer{}, backend: backend}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server, err := New(cfg, Options{Log: log, Now: r.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	r.Server = server
	wc := wish.Config{CORS: wish.CORS{AllowAny: true}, Origin: server.Origin, Gate: server.Gate}
	wish.Register(server.Echo(), wc, backend)
	whip.Register(server.Echo(), wc, backend)
	whep.Register(server.Echo(), wc, backend)
	return r
}

// ask sends a request that seems to come from an address.
func (r *rig) ask(from, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, target, strings.NewReader(body))
	req.Host = "localhost"
	req.RemoteAddr = from + ":40000"
	if strings.Contains(from, ":") {
		req.RemoteAddr = "[" + from + "]:40000"
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	r.Handler().ServeHTTP(rec, req)
	return rec
}

func (r *rig) post(from, path string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	return r.ask(from, http.MethodPost, path, wishtest.Offer, append([]string{"Content-Type", wish.SDPType}, header...)...)
}

func readAll(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
