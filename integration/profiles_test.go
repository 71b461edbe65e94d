package integration

import (
	"testing"
	"time"
)

// TestSRTPProfilesOfPlayers: what players agree to. Browsers take AES-128-GCM, the cheapest; GStreamer has nothing but counter mode, which is why
// the gateway seals that itself too.
func TestSRTPProfilesOfPlayers(t *testing.T) {
	sealed := func(profile string) string { return `msg="session connected" .*action=play .*srtp=` + profile }
	t.Run("Chromium", func(t *testing.T) {
		g := startGateway(t)
		publishPage(t, chromium, g, "live", "VP8")
		watch(t, chromium, g, "live").plays(t, picture{codec: "VP8"})
		g.prints(t, time.Second, sealed("AEAD_AES_128_GCM"))
	})
	t.Run("Firefox", func(t *testing.T) {
		g := startGateway(t)
		publishPage(t, chromium, g, "live", "VP8")
		watch(t, firefox, g, "live").plays(t, picture{codec: "VP8"})
		g.prints(t, time.Second, sealed("AEAD_AES_128_GCM"))
	})
	t.Run("GStreamer", func(t *testing.T) {
		needNetwork(t)
		python := need(t, gstPython)
		g := startGateway(t)
		publishPage(t, chromium, g, "live", "VP8")
		exampleScript(t, "play.py", python, "gstreamer/play.py", g.whep("live"), "--no-display")
		g.prints(t, patience, sealed("AES128_CM_HMAC_SHA1_80"))
	})
}
