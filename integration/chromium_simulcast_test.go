package integration

import (
	"fmt"
	"testing"
	"time"
)

// TestChromiumSimulcast N-210, N-217, Q-CHR-3: the answer takes all layers, all three are on the wire within 10 s, and the watch page sees one that is as large as its element.
func TestChromiumSimulcast(t *testing.T) {
	for _, codec := range []string{"VP8", "H264"} {
		t.Run(codec, func(t *testing.T) {
			needNetwork(t)
			g := startGateway(t)
			publisher := publishSimulcast(t, chromium, g, codec)
			posted := time.Now()
			within := 10 * time.Second
			if starved() {
				within = time.Minute
			}
			publisher.sendsLayers(t, 3, within)
			g.getsLayers(t, 3, within-time.Since(posted))
			t.Logf("three layers %v after the POST; %s", time.Since(posted).Round(10*time.Millisecond), cpuPressure())
			viewer := watch(t, chromium, g, "live")
			viewer.plays(t, picture{codec: codec})
			viewer.seesHeight(t, 360, patience)
		})
	}
}

// starved tells that this machine has so much other work that the browser's first probes say nothing of the network: it then finds out slowly what it may send.
func starved() bool {
	var share float64
	_, err := fmt.Sscanf(cpuPressure(), "CPU pressure avg10=%f", &share)
	return err == nil && share > 60
}
