package integration

import (
	"testing"
	"time"
)

// TestGStreamerPlays runs examples/gstreamer/play.py against FFmpeg with and without sound, and against Chromium in VP8.
func TestGStreamerPlays(t *testing.T) {
	for _, row := range []struct {
		name    string
		publish func(t *testing.T, g *gateway)
		sound   bool
		query   string
	}{
		{"FFmpeg", func(t *testing.T, g *gateway) { publishFFmpeg(t, g, "live") }, true, ""},
		// T-140: the stack of whepclientsrc, and its way with a counter-offer: a new connection, the answer with all candidates.
		{"FFmpeg, by a counter-offer", func(t *testing.T, g *gateway) { publishFFmpeg(t, g, "live") }, true, "?offer=server"},
		// W-26: the section of a kind that the channel lacks is inactive, not a made-up codec.
		{"FFmpeg without sound", func(t *testing.T, g *gateway) { publishFFmpeg(t, g, "live", "AUDIO=no") }, false, ""},
		{"Chromium in VP8", func(t *testing.T, g *gateway) { publishPage(t, chromium, g, "live", "VP8") }, true, ""},
		{"Chromium in VP8, by a counter-offer", func(t *testing.T, g *gateway) { publishPage(t, chromium, g, "live", "VP8") }, true, "?offer=server"},
	} {
		t.Run(row.name, func(t *testing.T) {
			needNetwork(t)
			python := need(t, gstPython)
			g := startGateway(t)
			row.publish(t, g)
			player := exampleScript(t, "play.py", python, "gstreamer/play.py", g.whep("live")+row.query, "--no-display")
			if row.query != "" {
				player.prints(t, patience, `answering a counter-offer`)
			}
			heard := `\d+`
			if row.sound {
				heard = `[1-9]\d+`
			}
			player.prints(t, patience, `\d+x\d+, [6-9]\d pictures, `+heard+` sounds|\d+x\d+, \d{3,} pictures, `+heard+` sounds`)
			if err := player.stops(t, 10*time.Second); err != nil {
				t.Errorf("play.py ended with %v", err)
			}
			player.prints(t, time.Second, `ended: 200`)
		})
	}
}
