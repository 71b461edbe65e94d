package integration

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A gateway is the real binary, serving. The test that started it ends it, and fails if it does not end in order.
type gateway struct {
	*program
	url string
}

// startGateway runs "headgate serve" on free ports, open to everybody unless arguments say otherwise, with text logs at debug level.
func startGateway(t *testing.T, args ...string) *gateway {
	t.Helper()
	return serve(t, append([]string{"--open"}, args...))
}

// serve runs "headgate serve" with exactly these arguments besides the addresses, and these environment variables.
func serve(t *testing.T, args []string, env ...string) *gateway {
	t.Helper()
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready.json")
	cmd := exec.Command(os.Getenv(binaryVar), append([]string{"serve", "--http", "127.0.0.1:0", "--media", ":0", "--ready-file", ready, "--log-level", "debug"}, args...)...)
	cmd.Env = append(os.Environ(), append([]string{"HOME=" + dir, "XDG_STATE_HOME=" + dir}, env...)...)
	g := &gateway{program: start(t, "headgate", cmd)}
	t.Cleanup(func() { g.endsInOrder(t) })
	eventually(t, 10*time.Second, "the gateway is ready", func() error {
		if err := g.running(); err != nil {
			t.Fatal(err)
		}
		return g.readReady(ready)
	})
	return g
}

func (g *gateway) readReady(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var ready struct{ HTTP string }
	if err := json.Unmarshal(content, &ready); err != nil {
		return err
	}
	g.url = strings.TrimSuffix(ready.HTTP, "/")
	return nil
}

// endsInOrder is the end of every test: SIGTERM, and an exit with 0 within the bound, sessions or not.
func (g *gateway) endsInOrder(t *testing.T) {
	if g.running() != nil {
		return
	}
	g.signal(syscall.SIGTERM)
	if err := g.ends(t, 10*time.Second); err != nil {
		t.Errorf("the gateway did not end in order: %v", err)
	}
	for line := range strings.Lines(g.output.String()) {
		if strings.HasPrefix(line, "panic:") || strings.Contains(line, "level=ERROR") {
			t.Errorf("the gateway logged: %s", strings.TrimSpace(line))
		}
	}
}

// whip, whep, publishPage and watchPage are the addresses of a channel.
func (g *gateway) whip(channel string) string        { return g.address("whip", channel) }
func (g *gateway) whep(channel string) string        { return g.address("whep", channel) }
func (g *gateway) publishPage(channel string) string { return g.address("publish", channel) }
func (g *gateway) watchPage(channel string) string   { return g.address("watch", channel) }

func (g *gateway) address(kind, channel string) string {
	return fmt.Sprintf("%s/%s/%s", g.url, kind, url.PathEscape(channel))
}
