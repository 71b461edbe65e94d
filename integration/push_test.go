package integration

import (
	"os/exec"
	"testing"
	"time"
)

// TestPush is the first run of somebody without a camera: "headgate push" publishes the built-in clip, again and again, and a browser shows it.
func TestPush(t *testing.T) {
	g := startGateway(t)
	cmd := exec.Command(binary(), "push", "--whip", g.whip("live"))
	cmd.Env = cleanEnvironment()
	publisher := start(t, "headgate push", cmd)
	publisher.prints(t, patience, `connected .* after the POST`)
	watch(t, chromium, g, "live").plays(t, picture{codec: "H264", rate: 20})
	if err := publisher.stops(t, 10*time.Second); err != nil {
		t.Errorf("headgate push ended with %v", err)
	}
}
