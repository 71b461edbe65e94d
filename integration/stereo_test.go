package integration

import (
	"testing"
)

// leftTone is a tone on the left, and silence on the right.
const leftTone = "aevalsrc=0.5*sin(440*2*PI*t)|0:sample_rate=48000:channel_layout=stereo"

// TestStereoIsKept M-098, Q-CHR-2, T-136: what is on the left stays on the left.
func TestStereoIsKept(t *testing.T) {
	for _, browser := range []client{chromium, firefox} {
		t.Run(browser.name, func(t *testing.T) {
			path := need(t, ffmpeg)
			g := startGateway(t)
			// Firefox has no H.264 of its own here; sound alone is enough for this row.
			publisher := start(t, "ffmpeg", ffmpegAudioOnly(path, g.whip("live"), leftTone))
			publisher.prints(t, patience, `Muxer state=10`)
			g.onAir(t, "live")
			viewer := watch(t, browser, g, "live")
			viewer.sounds(t)
			var loudness []float64
			viewer.run(t, "headgateProbe.channels(1500)", &loudness)
			if left, right := loudness[0], loudness[1]; left < 0.05 || right > left/10 {
				t.Errorf("left %.4f and right %.4f loud, want sound on the left only", left, right)
			}
		})
	}
}
