package integration

import "testing"

// TestChromiumPublishes T-143: the embedded page publishes Chromium's camera in each codec and is watched by the embedded page in another tab.
func TestChromiumPublishes(t *testing.T) {
	for _, codec := range []string{"H264", "VP8", "VP9", "AV1"} {
		t.Run(codec, func(t *testing.T) {
			g := startGateway(t)
			publisher := publishPage(t, chromium, g, "live", codec)
			watch(t, chromium, g, "live").plays(t, picture{codec: codec})
			publisher.trickled(t)
		})
	}
}
