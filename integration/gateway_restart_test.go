package integration

import (
	"fmt"
	"net/url"
	"testing"
	"time"
)

// TestPagesSurviveARestart: the gateway ends and another one starts at the same address; the publishing and the watching page come back by themselves.
func TestPagesSurviveARestart(t *testing.T) {
	first := startGateway(t)
	publisher := publishPage(t, chromium, first, "live", "VP8")
	viewer := watch(t, chromium, first, "live")
	before := viewer.starts(t, 15*time.Second)
	first.endsInOrder(t)

	address, err := url.Parse(first.url)
	if err != nil {
		t.Fatal(err)
	}
	startGateway(t, "--http", address.Host)
	eventually(t, 30*time.Second, "the viewer has a new connection", func() error {
		if r := viewer.report(t); r.Connections == before.Connections || r.State != "connected" || r.Video == nil || r.Video.Frames < 10 {
			return fmt.Errorf("connection %s, video %+v", r.State, r.Video)
		}
		return nil
	})
	viewer.keepsMoving(t, picture{})
	if err := publisher.sends(t, "video", 10); err != nil {
		t.Error(err)
	}
}
