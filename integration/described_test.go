package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// describedPlaying is playing by a page that asks its browser to offer the dependency descriptor.
func describedPlaying() string {
	const asks = `for (const receiver of pc.getTransceivers()) receiver.setHeaderExtensionsToNegotiate(receiver.getHeaderExtensionsToNegotiate()
		.map((extension) => /dependency-descriptor/.test(extension.uri) ? { ...extension, direction: "recvonly" } : extension));
	await pc.setLocalDescription();`
	return strings.Replace(playing, "await pc.setLocalDescription();", asks, 1)
}

// TestChromiumDescribedLayers M-044, M-047, M-048: Chromium publishes AV1 with spatial layers and says by dependency descriptors what they are made from;
// another one is sent every layer in turn and decodes it without a break. One that offers no descriptors, as browsers do by themselves, is sent the lowest spatial layer.
func TestChromiumDescribedLayers(t *testing.T) {
	for _, row := range []struct {
		mode              string
		width, height     int
		spatial, temporal int // layers
	}{
		{"L3T3", 960, 540, 3, 3}, // smaller ones are not sent in three sizes
		{"L2T2_KEY", 480, 270, 2, 2},
	} {
		t.Run(row.mode, func(t *testing.T) {
			needNetwork(t)
			g := startGateway(t)
			publisher := open(t, chromium, startSite(t).url+"/blank.html")
			var mode string
			publisher.run(t, fmt.Sprintf(scalable, row.width, row.height, row.mode, "AV1", g.whip("live")), &mode)
			if mode != row.mode {
				lacking(t, "a browser that encodes AV1 as %s, this one says %q", row.mode, mode)
			}
			publisher.sendsFrames(t, 60) // what they are made of is known by then
			viewer := open(t, chromium, startSite(t).url+"/blank.html")
			viewer.run(t, fmt.Sprintf(describedPlaying(), g.whep("live")), nil)
			viewer.starts(t)
			viewer.hearsOfSublayers(t, row.height, row.spatial, row.temporal)
			viewer.seesHeight(t, row.height, 20*time.Second)
			plain := open(t, chromium, startSite(t).url+"/blank.html")
			plain.run(t, fmt.Sprintf(playing, g.whep("live")), nil)
			plain.starts(t)
			plain.seesLines(t, row.height>>(row.spatial-1))
			before := viewer.report(t)
			for sid := row.spatial - 1; sid >= 0; sid-- {
				for tid := row.temporal - 1; tid >= 0; tid-- {
					viewer.choosesLayer(t, "POST", fmt.Sprintf(`{"spatialLayerId":%d,"temporalLayerId":%d}`, sid, tid))
					viewer.seesLines(t, row.height>>(row.spatial-1-sid))
					viewer.settles(t)
					rate := viewer.rate(t, time.Second)
					t.Logf("up to %d.%d: %.1f pictures a second", sid, tid, rate)
					if rate < 1 {
						t.Errorf("nothing is decoded up to %d.%d", sid, tid)
					}
				}
			}
			viewer.choosesLayer(t, "DELETE", "")
			viewer.seesLines(t, row.height)
			after := viewer.report(t)
			plain.seesLines(t, row.height>>(row.spatial-1))
			t.Logf("PLIs %d, NACKs %d, longest gap %.0f ms, key frames %d; %s", after.Video.PLIs-before.Video.PLIs,
				after.Video.NACKs-before.Video.NACKs, after.LongestGap, after.Video.KeyFrames-before.Video.KeyFrames, cpuPressure())
			if plis := after.Video.PLIs - before.Video.PLIs; plis > 2 {
				t.Errorf("the decoder asked for %d key frames", plis)
			}
			if keys := after.Video.KeyFrames - before.Video.KeyFrames; keys > 4 { // one is for going up in the end
				t.Errorf("%d key frames: temporal layers come back without", keys)
			}
		})
	}
}
