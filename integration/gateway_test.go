package integration

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A gateway is the real binary, serving. The test that started it ends it, and fails if it does not end in order.
type gateway struct {
	*program
	url   string
	media []string
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
	cmd := exec.Command(binary(), append([]string{"serve", "--http", "127.0.0.1:0", "--media", ":0", "--ready-file", ready, "--log-level", "debug"}, args...)...)
	cmd.Env = append(cleanEnvironment(), append([]string{"HOME=" + dir, "XDG_STATE_HOME=" + dir}, env...)...)
	g := &gateway{program: start(t, "headgate", cmd)}
	t.Cleanup(func() { g.endsInOrder(t) })
	eventually(t, patience, "the gateway is ready", func() error {
		if err := g.running(); err != nil {
			t.Fatal(err)
		}
		return g.readReady(ready)
	})
	return g
}

// onAir waits until the gateway knows of a publication: "live", or "live/anna". A publisher is connected a moment before, and who wants to play in
// that moment is told to try again.
func (g *gateway) onAir(t *testing.T, place string) {
	t.Helper()
	channel, participant, named := strings.Cut(place, "/")
	pattern := `msg=publication event=published channel="?` + regexp.QuoteMeta(channel) + `"? participant=`
	if named {
		pattern += regexp.QuoteMeta(participant) + ` `
	}
	g.prints(t, patience, pattern)
}

// binary is the path of the headgate under test.
func binary() string { return os.Getenv(binaryVar) }

// cleanEnvironment is this process's without what configures the gateway or these tests: the gateway refuses names that it does not know.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "HEADGATE_") })
}

func (g *gateway) readReady(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var ready struct {
		HTTP  string
		Media []string
	}
	if err := json.Unmarshal(content, &ready); err != nil {
		return err
	}
	g.url, g.media = strings.TrimSuffix(ready.HTTP, "/"), ready.Media
	return nil
}

// endsInOrder is the end of every test: SIGTERM, and an exit with 0 within the bound, sessions or not.
func (g *gateway) endsInOrder(t *testing.T) {
	if g.running() != nil {
		return
	}
	g.over = g.printed()
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

// mediaPort is the one port of all media.
func (g *gateway) mediaPort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(g.media[0])
	if err != nil {
		t.Fatalf("the ready file says media %q: %v", g.media, err)
	}
	return port
}

// httpPort is the port of HTTP.
func (g *gateway) httpPort(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(g.url)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// whip, whep, publishPage and watchPage are the addresses of a channel.
func (g *gateway) whip(channel string) string        { return g.address("whip", channel) }
func (g *gateway) whep(channel string) string        { return g.address("whep", channel) }
func (g *gateway) publishPage(channel string) string { return g.address("publish", channel) }
func (g *gateway) watchPage(channel string) string   { return g.address("watch", channel) }

// whipAt is where a participant of a channel publishes: "live/anna".
func (g *gateway) whipAt(place string) string { return g.url + "/whip/" + place }

func (g *gateway) address(kind, channel string) string {
	return fmt.Sprintf("%s/%s/%s", g.url, kind, url.PathEscape(channel))
}
