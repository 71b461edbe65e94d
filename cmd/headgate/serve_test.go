package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit/offers"
)

// ready is what a ready file says.
type ready struct {
	HTTP    string   `json:"http"`
	Media   []string `json:"media"`
	Version string   `json:"version"`
}

// serving is a gateway started by the command.
type serving struct {
	command
	ready
	stop func() error
}

// serve starts the gateway on free ports of this machine, with its state in a
// directory of its own, and waits until it listens.
func serve(t *testing.T, c *command, args ...string) *serving {
	t.Helper()
	s := &serving{}
	file := filepath.Join(t.TempDir(), "ready.json")
	s.env, s.terminal = append(c.env, "HEADGATE_HTTP_HTTP=127.0.0.1:0", "HEADGATE_MEDIA_LISTEN=127.0.0.1:0"), c.terminal
	s.stop = s.start(t, append([]string{"serve", "--ready-file", file}, args...)...)
	s.ready = awaitReady(t, file)
	return s
}

func awaitReady(t *testing.T, file string) (r ready) {
	t.Helper()
	var text []byte
	eventually(t, "the ready file", func() bool {
		var err error
		text, err = os.ReadFile(file)
		return err == nil
	})
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("the ready file is not JSON: %v in %q", err, text)
	}
	return r
}

// post sends an offer and returns the answer's status and body.
func post(t *testing.T, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(offers.Get("obs")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/sdp")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestServeAnnouncesItself(t *testing.T) {
	s := serve(t, &command{})
	if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9]\d*$`).MatchString(s.HTTP) {
		t.Errorf("http = %q", s.HTTP)
	}
	if len(s.Media) != 1 || !regexp.MustCompile(`^127\.0\.0\.1:[1-9]\d*$`).MatchString(s.Media[0]) {
		t.Errorf("media = %q", s.Media)
	}
	if s.Version != versionText() {
		t.Errorf("version = %q", s.Version)
	}
	if status, body := post(t, s.HTTP+"/whip/live", ""); status != http.StatusCreated {
		t.Errorf("POST: %d %s", status, body)
	}
	if err := s.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := net.DialTimeout("tcp", strings.TrimPrefix(s.HTTP, "http://"), time.Second); err == nil {
		t.Error("it still listens")
	}
	if s.stdout.String() != "" {
		t.Errorf("stdout is no terminal, but got: %s", s.stdout.String())
	}
}

func TestTheReadyFileOfAnEarlierRunIsRemoved(t *testing.T) {
	file := write(t, "ready.json", `{"http":"http://127.0.0.1:1"}`)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var c command
	err = c.run(t, "serve", "--http", taken.Addr().String(), "--media", "127.0.0.1:0", "--ready-file", file)
	mustSay(t, err, taken.Addr().String(), "address already in use")
	if _, err := os.Stat(file); err == nil {
		t.Error("the gateway does not listen, but its ready file is there")
	}
}

func TestServeFailsWhereItCannotSayThatItIsReady(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none", "ready.json")
	var c command
	mustSay(t, c.run(t, "serve", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--ready-file", file), "none")
}

func TestLogFormats(t *testing.T) {
	for format, want := range map[string]string{"text": `level=INFO msg=listening`, "json": `"level":"INFO","msg":"listening"`} {
		s := serve(t, &command{}, "--log-format", format)
		if err := s.stop(); err != nil || !strings.Contains(s.stderr.String(), want) {
			t.Errorf("%s: %v, %s", format, err, s.stderr.String())
		}
	}
	s := serve(t, &command{}, "--log-level", "error")
	if err := s.stop(); err != nil || s.stderr.String() != "" {
		t.Errorf("%v, %s", err, s.stderr.String())
	}
}

func TestSignals(t *testing.T) {
	for name, s := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name+" ends it in order", func(t *testing.T) {
			p, r := startGateway(t)
			if status, body := post(t, r.HTTP+"/whip/live", ""); status != http.StatusCreated {
				t.Errorf("POST: %d %s", status, body)
			}
			p.signal(t, s)
			if status := p.status(t); status != 0 {
				t.Errorf("status %d: %s", status, p.stderr.String())
			}
		})
	}
	t.Run("a second signal ends it at once", func(t *testing.T) {
		p, r := startGateway(t)
		hold(t, r.HTTP)
		p.signal(t, syscall.SIGTERM)
		eventually(t, "the shutdown", func() bool { return strings.Contains(p.stderr.String(), "stopped part=sessions") })
		p.signal(t, syscall.SIGINT)
		if status := p.status(t); status != exitSignalled {
			t.Errorf("status %d, want %d: %s", status, exitSignalled, p.stderr.String())
		}
	})
}

func startGateway(t *testing.T) (*process, ready) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ready.json")
	p := startProcess(t, nil, "serve", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--log-level", "debug", "--ready-file", file)
	return p, awaitReady(t, file)
}

// hold begins a request and does not finish it, which an orderly shutdown waits
// for.
func hold(t *testing.T, origin string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(origin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	head := "POST /whip/live HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/sdp\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 8)); err != nil { // 100 Continue: the handler waits for the body
		t.Fatal(err)
	}
}
