package integration

import "testing"

// TestFirefoxPublishes T-143: the embedded page publishes Firefox's test camera; Chromium watches.
func TestFirefoxPublishes(t *testing.T) {
	for _, codec := range []string{"VP8", "VP9"} {
		t.Run(codec, func(t *testing.T) {
			g := startGateway(t)
			publisher := publishPage(t, firefox, g, "live", codec)
			watch(t, chromium, g, "live").plays(t, picture{codec: codec})
			publisher.trickled(t)
		})
	}
}
