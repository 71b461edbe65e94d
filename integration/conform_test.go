package integration

import (
	"os/exec"
	"testing"
	"time"
)

// TestConform runs the black-box cases of "headgate conform" against the gateway, open and with tokens. No case may fail.
func TestConform(t *testing.T) {
	t.Run("open", func(t *testing.T) {
		g := startGateway(t)
		conforms(t, g)
	})
	t.Run("with tokens", func(t *testing.T) {
		needNetwork(t)
		g, token := startGuarded(t)
		conforms(t, g, "--token", token("--publish", "*"), "--play-token", token("--play", "*"), "--other-token", token("--publish", "elsewhere"))
	})
}

// conforms runs the kit with channels of its own choice, so that cases run side by side.
func conforms(t *testing.T, g *gateway, args ...string) {
	t.Helper()
	cmd := exec.Command(binary(), append([]string{"conform", "--whip", g.url + "/whip/{}", "--whep", g.url + "/whep/{}"}, args...)...)
	cmd.Env = cleanEnvironment()
	kit := start(t, "headgate conform", cmd)
	if err := kit.ends(t, 2*time.Minute); err != nil {
		t.Errorf("headgate conform ended with %v", err)
	}
	t.Log(kit.prints(t, time.Second, `(?m)^\d+ cases: \d+ passed, 0 failed.*$`)[0])
}
