package gateway_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

// castPicture is a picture with a key frame every two seconds, three times as large as
// other frames.
func castPicture() testkit.Picture {
	return testkit.Picture{FramesPerSecond: 25, PacketsPerFrame: 2, KeyEvery: 50, PacketBytes: 200, KeyPackets: 6}
}

// simulcasts are the ways to send layers.
func simulcasts() map[string]testkit.PublisherOptions {
	browser := func() testkit.Simulcast { return testkit.Simulcast{Layers: testkit.BrowserLayers()} }
	return map[string]testkit.PublisherOptions{
		"browser VP8":   {Picture: castPicture(), Accent: testkit.Accent{VP8: true}, Simulcast: browser()},
		"browser H.264": {Picture: castPicture(), Simulcast: browser()},
		"OBS":           {Picture: castPicture(), Simulcast: testkit.Simulcast{Layers: testkit.OBSLayers(), OBS: true}},
	}
}

// casting is a publisher of layers and a player of them.
type casting struct {
	*stage
	publisher *testkit.Publisher
	player    *testkit.Player
	layers    []testkit.LayerSpec
}

// inCasting plays with opt in fake time.
func inCasting(t *testing.T, opt testkit.PublisherOptions, play func(*casting)) {
	t.Helper()
	inFakeTime(t, nil, func(s *stage) {
		c := &casting{stage: s, layers: opt.Simulcast.Layers}
		c.publisher = s.publish(opt)
		c.player = testkit.Play(s.t, testkit.PlayerOptions{
			Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), VP8: true,
		})
		c.moves(100)
		play(c)
	})
}

// moves waits for so many more frames.
func (c *casting) moves(frames int) testkit.Seen {
	c.t.Helper()
	before := c.player.Eye.Seen().Frames
	return c.player.Wait(time.Minute, "frames", func(s testkit.Seen) bool { return s.Frames >= before+frames })
}

// shows waits until a layer is shown, or with not until another one is.
func (c *casting) shows(rid string, not bool) {
	c.t.Helper()
	c.player.Wait(30*time.Second, "change of layer", func(s testkit.Seen) bool { return (c.layers[s.Layer].RID == rid) != not })
}

// shown is the RID of the layer that is shown.
func (c *casting) shown() string { return c.layers[c.player.Eye.Seen().Layer].RID }

// unharmed checks that no two layers were mixed, and that on every layer that was
// shown for a while timestamps end up where those of the layer before would be, to
// less than a frame (M-042). Right after a change they may lie on the slope of a
// replay.
func (c *casting) unharmed() {
	c.t.Helper()
	if s := c.player.Eye.Seen(); s.Mixed+s.Backwards > 0 {
		c.t.Errorf("%+v", s)
	}
	const frame, settled = 90000 / 25, 60
	var before *testkit.Showing
	all, run := c.player.Eye.Showings(), 0
	for i, s := range all {
		run++
		if i+1 < len(all) && all[i+1].Layer == s.Layer {
			continue
		}
		if run >= settled {
			if before != nil {
				is, want := int64(int32(s.Timestamp-before.Timestamp)), int64(int32(s.Frame-before.Frame))*frame
				if is-want >= frame || want-is >= frame {
					c.t.Errorf("from frame %d of layer %d to %d of %d timestamps grow by %d, want %d", before.Frame, before.Layer, s.Frame, s.Layer, is, want)
				}
			}
			before = &all[i]
		}
		run = 0
	}
}

func TestN210SimulcastIsTakenAndPlayed(t *testing.T) {
	for name, opt := range simulcasts() {
		t.Run(name, func(t *testing.T) {
			inCasting(t, opt, func(c *casting) {
				var want []string
				for _, l := range c.layers {
					want = append(want, l.RID)
				}
				if got := c.publisher.LayersTaken(); !slices.Equal(got, want) {
					c.t.Errorf("the answer takes %v, want %v", got, want)
				}
				c.moves(100)
				best := c.shown()
				if layers := c.g.Channels()[0].Publications[0].Layers; len(layers) != 3 || layers[2].Width != 1280 || layers[0].Bits == 0 {
					c.t.Errorf("%+v", layers)
				}
				c.publisher.PauseLayer(best, true)
				c.shows(best, true)
				c.publisher.PauseLayer(best, false)
				c.shows(best, false)
				c.moves(50)
				c.unharmed()
			})
		})
	}
}

// N-217: layers begin late, say goodbye, and go on under another SSRC.
func TestN217LayersComeAndGo(t *testing.T) {
	for name, opt := range simulcasts() {
		if opt.Simulcast.OBS {
			continue
		}
		t.Run(name, func(t *testing.T) {
			opt.Simulcast.Layers[2].Late = 5 * time.Second
			inCasting(t, opt, func(c *casting) {
				c.shows("f", false)
				c.publisher.EndLayer("f")
				c.shows("f", true)
				c.moves(50)
				c.publisher.MoveLayer("f")
				c.shows("f", false)
				c.publisher.MoveLayer("f")
				c.moves(100)
				c.publisher.ResizeLayer("h", 480, 270, 300_000)
				c.publisher.EndLayer("f")
				c.publisher.PauseLayer("q", true)
				c.shows("h", false)
				c.moves(100)
				if s := c.player.Eye.Seen(); s.LongestFreeze > 3*time.Second {
					c.t.Errorf("froze for %v", s.LongestFreeze)
				}
				c.unharmed()
			})
		})
	}
}

// M-042: a layer without reports is in time with the others.
func TestT129SwitchToALayerWithoutReports(t *testing.T) {
	for _, name := range []string{"browser VP8", "OBS"} {
		opt := simulcasts()[name]
		for n, silent := range opt.Simulcast.Layers {
			t.Run(name+" "+silent.RID, func(t *testing.T) {
				opt := opt // its own: they play side by side
				opt.Simulcast.Layers = slices.Clone(opt.Simulcast.Layers)
				opt.Simulcast.Layers[n].NoReports = true
				inCasting(t, opt, func(c *casting) {
					c.moves(150)
					for _, l := range c.layers {
						c.publisher.PauseLayer(l.RID, l.RID != silent.RID)
					}
					c.shows(silent.RID, false)
					c.moves(150)
					for _, l := range c.layers {
						c.publisher.PauseLayer(l.RID, l.RID == silent.RID)
					}
					c.shows(silent.RID, true)
					c.moves(150)
					c.unharmed()
				})
			})
		}
	}
}

// Q-OBS-9: where losses of one layer are answered with packets of another, nothing
// is corrupted, and the picture goes on with the next key frame.
func TestT130RepairsOfAnotherLayer(t *testing.T) {
	all := simulcasts()
	unrepaired := all["OBS"] // the numbers of another layer run ahead of those of the one that is shown
	unrepaired.Simulcast.Layers = testkit.OBSLayers()
	unrepaired.Simulcast.Layers[0].Bits, unrepaired.Simulcast.Layers[1].Bits = 500_000, 2_000_000
	all["OBS, nothing repaired"] = unrepaired
	for name, opt := range all {
		t.Run(name, func(t *testing.T) {
			inCasting(t, opt, func(c *casting) {
				c.net.LoseMedia(0.02)
				begun := time.Now()
				c.player.Wait(3*time.Minute, "end of the watch", func(testkit.Seen) bool { return time.Since(begun) > time.Minute })
				s := c.player.Eye.Seen()
				c.t.Logf("%+v; %d lost", s, c.net.Dropped())
				if c.net.Dropped() < 100 {
					c.t.Error("hardly anything was lost")
				}
				limit := time.Second
				// Until the next key frame, and until the one after it where that is lost too.
				// Two lost in a row are 5 to 6 s: 3 of 100 minutes of random losses have that.
				// The losses of this seed do not: 1.28 s in 119 of 120 runs, 3.68 s in one.
				if opt.Simulcast.OBS {
					limit = 4500 * time.Millisecond
				}
				if s.LongestFreeze > limit {
					c.t.Errorf("froze for %v, want at most %v", s.LongestFreeze, limit)
				}
				c.unharmed()
			})
		})
	}
}

// M-051, Q-OBS-11: OBS sends the RID of its only layer although no a=rid declares
// it.
func TestT135ARIDNobodyDeclared(t *testing.T) {
	opt := testkit.PublisherOptions{Picture: castPicture(), Simulcast: testkit.Simulcast{Layers: testkit.OBSLayers()[:1], OBS: true}}
	inCasting(t, opt, func(c *casting) {
		c.moves(100)
		layers := c.g.Channels()[0].Publications[0].Layers
		if len(layers) != 1 || layers[0].RID != "" || layers[0].Width != 1280 {
			c.t.Errorf("%+v", layers)
		}
		for _, h := range c.player.VideoHeaders() {
			for _, id := range h.GetExtensionIDs() {
				if string(h.GetExtension(id)) == "0" && len(h.GetExtension(id)) == 1 && id == 2 {
					c.t.Fatal("the RID reaches the player")
				}
			}
		}
		c.unharmed()
	})
}
