package gateway_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

// simulcasts are the ways to send layers.
func simulcasts() map[string]testkit.PublisherOptions {
	picture := testkit.Picture{FramesPerSecond: 25, PacketsPerFrame: 2, KeyEvery: 50, PacketBytes: 200, KeyPackets: 6}
	return map[string]testkit.PublisherOptions{
		"browser VP8":   {Picture: picture, Accent: testkit.Accent{VP8: true}, Simulcast: testkit.Simulcast{Layers: testkit.BrowserLayers()}},
		"browser H.264": {Picture: picture, Simulcast: testkit.Simulcast{Layers: testkit.BrowserLayers()}},
		"OBS":           {Picture: picture, Simulcast: testkit.Simulcast{Layers: testkit.OBSLayers(), OBS: true}},
	}
}

func TestN210SimulcastIsTakenAndPlayed(t *testing.T) {
	for name, opt := range simulcasts() {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				publisher := s.publish(opt)
				var want []string
				for _, l := range opt.Simulcast.Layers {
					want = append(want, l.RID)
				}
				if got := publisher.LayersTaken(); !slices.Equal(got, want) {
					t.Errorf("the answer takes %v, want %v", got, want)
				}
				player := testkit.Play(s.t, testkit.PlayerOptions{
					Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), VP8: true,
				})
				seen := player.Wait(20*time.Second, "picture", func(s testkit.Seen) bool { return s.Frames > 200 })
				if seen.Mixed+seen.Backwards > 0 || seen.LongestFreeze > time.Second {
					t.Errorf("%+v", seen)
				}
				best := opt.Simulcast.Layers[seen.Layer]
				if best.Width != 1280 {
					t.Errorf("the picture is %d wide", best.Width)
				}
				publisher.PauseLayer(best.RID, true)
				player.Wait(20*time.Second, "picture of another layer", func(s testkit.Seen) bool { return opt.Simulcast.Layers[s.Layer] != best })
				publisher.PauseLayer(best.RID, false)
				seen = player.Wait(20*time.Second, "picture of the first layer", func(s testkit.Seen) bool { return opt.Simulcast.Layers[s.Layer] == best && s.Frames > 400 })
				if seen.Mixed+seen.Backwards > 0 {
					t.Errorf("%+v", seen)
				}
			})
		})
	}
}
