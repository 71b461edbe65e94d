package integration

import (
	"testing"
	"time"
)

// TestGStreamerPublishes runs examples/gstreamer/publish.py, with and without sound; it ends with DELETE.
func TestGStreamerPublishes(t *testing.T) {
	for _, row := range []struct {
		name    string
		options []string
		quiet   bool
	}{
		{name: "picture and sound"},
		{name: "picture only", options: []string{"--video-only"}, quiet: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := startGateway(t)
			publisher := publishGStreamer(t, g, "live", row.options...)
			watch(t, chromium, g, "live").plays(t, picture{codec: "H264", silent: row.quiet, rate: 20})
			if err := publisher.stops(t, 10*time.Second); err != nil {
				t.Errorf("publish.py ended with %v", err)
			}
			publisher.prints(t, time.Second, `ended: 200`)
		})
	}
}
