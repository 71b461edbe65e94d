package integration

import (
	"testing"
)

// TestFirefoxSimulcast N-210, Q-FFX-3: the answer takes all layers although the offer declares SSRCs beside them, and the gateway gets them. H.264 is
// left out: Firefox downloads the encoder.
func TestFirefoxSimulcast(t *testing.T) {
	needNetwork(t)
	g := startGateway(t)
	publisher := publishSimulcast(t, firefox, g, "VP8")
	publisher.sendsLayers(t, 3, patience)
	g.getsLayers(t, 3, patience)
	watch(t, firefox, g, "live").plays(t, picture{codec: "VP8"})
}
