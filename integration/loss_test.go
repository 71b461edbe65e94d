package integration

import (
	"fmt"
	"testing"
)

// TestLossyNetwork T-124, T-125: one datagram of twenty is lost, to the gateway and from it; Chromium publishes and Chromium watches without a freeze.
func TestLossyNetwork(t *testing.T) {
	for _, codec := range []string{"VP8", "H264"} {
		t.Run(codec, func(t *testing.T) {
			g := startGateway(t)
			const lose = "numgen random mod 100 < 5 drop"
			firewall(t, fmt.Sprintf("udp dport %s %s", g.mediaPort(t), lose), fmt.Sprintf("udp sport %s %s", g.mediaPort(t), lose))
			publishPage(t, chromium, g, "live", codec)
			viewer := watch(t, chromium, g, "live")
			last := viewer.plays(t, picture{codec: codec})
			if last.Video.NACKs == 0 {
				t.Error("the viewer asked for nothing again: was anything lost?")
			}
		})
	}
}
