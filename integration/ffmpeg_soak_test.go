package integration

import (
	"fmt"
	"testing"
	"time"
)

// TestSoakFFmpeg N-156, T-85, T-138: FFmpeg publishes and is watched for two minutes, well beyond what consent and idle timers allow a
// silent peer.
func TestSoakFFmpeg(t *testing.T) {
	needSoak(t)
	need(t, ffmpeg)
	g := startGateway(t)
	publisher := publishFFmpeg(t, g, "live")
	viewer := watch(t, chromium, g, "live")
	viewer.starts(t)
	began := time.Now()
	eventually(t, 150*time.Second, "two minutes", func() error {
		if err := publisher.running(); err != nil {
			t.Fatal(err)
		}
		if r := viewer.report(t); r.SilentFor > 2000 {
			t.Fatalf("no picture for %.0f ms after %v", r.SilentFor, time.Since(began))
		}
		if time.Since(began) < 2*time.Minute {
			return fmt.Errorf("%v so far", time.Since(began))
		}
		return nil
	})
	viewer.keepsMoving(t, picture{rate: 25})
}
