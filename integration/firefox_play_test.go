package integration

import (
	"fmt"
	"strings"
	"testing"
)

// TestFirefoxPlays T-143: the embedded page plays in Firefox what Chromium publishes.
func TestFirefoxPlays(t *testing.T) {
	for _, codec := range []string{"VP8", "VP9", "AV1"} {
		t.Run(codec, func(t *testing.T) {
			g := startGateway(t)
			publishPage(t, chromium, g, "live", codec)
			watch(t, firefox, g, "live").plays(t, picture{codec: codec})
		})
	}
}

// TestFirefoxWithoutH264 M-097, T-48, Q-FFX-1: a channel in H.264 and a browser that has none get a 422 that names the codec, and the page says it.
// A Firefox that has it plays.
func TestFirefoxWithoutH264(t *testing.T) {
	need(t, ffmpeg)
	g := startGateway(t)
	publishFFmpeg(t, g, "live")
	viewer := watch(t, firefox, g, "live")
	if hasH264(t, viewer) {
		viewer.plays(t, picture{codec: "H264", rate: 25})
		return
	}
	eventually(t, patience, "the page says why", func() error {
		var text string
		viewer.run(t, "document.body.innerText", &text)
		if !strings.Contains(text, "H264") && !strings.Contains(text, "H.264") {
			return fmt.Errorf("the page says %q", text)
		}
		return nil
	})
	requests := viewer.report(t).Requests
	if len(requests) == 0 || requests[0].Status != 422 {
		t.Errorf("the POST was answered %+v, want 422", requests)
	}
}

func hasH264(t *testing.T, p *page) bool {
	t.Helper()
	var has bool
	p.run(t, `(async () => {
		const pc = new RTCPeerConnection();
		pc.addTransceiver("video", { direction: "recvonly" });
		const offer = await pc.createOffer();
		pc.close();
		return offer.sdp.includes("H264/90000");
	})()`, &has)
	return has
}
