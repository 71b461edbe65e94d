package integration

import (
	"fmt"
	"testing"
)

// TestPagesSurviveARestart: the gateway ends and another one starts at the same address; the publishing and the watching page come back by themselves.
func TestPagesSurviveARestart(t *testing.T) {
	// A port that the system does not give out: nothing else gets it while nobody listens.
	address := "127.0.0.1:" + freePort(t)
	first := startGateway(t, "--http", address)
	publisher := publishPage(t, chromium, first, "live", "VP8")
	viewer := watch(t, chromium, first, "live")
	before := viewer.starts(t)
	first.endsInOrder(t)

	startGateway(t, "--http", address)
	eventually(t, patience, "the viewer has a new connection", func() error {
		if r := viewer.report(t); r.Connections == before.Connections || r.State != "connected" || r.Video == nil || r.Video.Frames < 10 {
			return fmt.Errorf("connection %s, video %+v", r.State, r.Video)
		}
		return nil
	})
	viewer.keepsMoving(t, picture{})
	eventually(t, patience, "the publisher sends", func() error { return publisher.sends(t, "video", 10) })
}
