package integration

import (
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestTokens N-191, N-195: on an address that others can reach the gateway wants tokens without being told to; those that "headgate token" makes
// let FFmpeg publish and a page play, and nothing more.
func TestTokens(t *testing.T) {
	needNetwork(t)
	need(t, ffmpeg)
	g, token := startGuarded(t)
	publish, play := token("--publish", "live"), token("--play", "live")

	for name, env := range map[string]string{"without a token": "TOKEN=", "with a token that may only play": "TOKEN=" + play} {
		refused := example(t, "ffmpeg "+name, "ffmpeg/publish.sh", []string{env, "SIZE=320x180"}, g.whip("live"))
		if err := refused.ends(t, patience); err == nil {
			t.Errorf("FFmpeg published %s", name)
		}
		refused.prints(t, time.Second, `40[13] (Unauthorized|Forbidden)`)
	}

	publishFFmpeg(t, g, "live", "TOKEN="+publish)
	// The token stands in the fragment, which no server and no log sees.
	open(t, chromium, g.watchPage("live")+"#token="+play).plays(t, picture{codec: "H264", rate: 25})
	if log := g.output.String(); strings.Contains(log, publish) || strings.Contains(log, play) {
		t.Error("a token stands in the gateway's log")
	}
}

// startGuarded serves on an address that is not loopback, without --open, and returns the gateway and "headgate token" for it. Requests from this
// machine are not counted against its limits.
func startGuarded(t *testing.T) (*gateway, func(args ...string) string) {
	t.Helper()
	home := t.TempDir()
	state := []string{"HOME=" + home, "XDG_STATE_HOME=" + home}
	address := routableAddress(t)
	g := serve(t, []string{"--http", net.JoinHostPort(address, "0")}, append(state, "HEADGATE_HTTP_TRUSTED_NETWORKS="+address+"/32")...)
	return g, func(args ...string) string {
		t.Helper()
		cmd := exec.Command(binary(), append([]string{"token"}, args...)...)
		cmd.Env = append(cleanEnvironment(), state...)
		output, err := cmd.Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("headgate token: %v: %s", err, exit.Stderr)
		}
		return strings.TrimSpace(string(output))
	}
}

// routableAddress is an address of this machine or namespace that is not loopback.
func routableAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if prefix, ok := address.(*net.IPNet); ok && prefix.IP.IsGlobalUnicast() && prefix.IP.To4() != nil {
			return prefix.IP.String()
		}
	}
	t.Fatal("no address beyond loopback")
	return ""
}
