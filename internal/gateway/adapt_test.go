package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

// ladder publishes three layers as a browser does: 150 kbit/s, 500 kbit/s and 1.5 Mbit/s.
func ladder(s *stage, vp8 bool) *testkit.Publisher {
	picture := testkit.Picture{FramesPerSecond: 30, PacketsPerFrame: 1, KeyEvery: 3000, PacketBytes: 1000, KeyPackets: 8}
	return s.publish(testkit.PublisherOptions{
		Picture: picture, Accent: testkit.Accent{VP8: vp8}, Simulcast: testkit.Simulcast{Layers: testkit.BrowserLayers()},
	})
}

// behind plays over a line of a bit rate.
func (s *stage) behind(bits int) (*testkit.Player, *testkit.Narrow) {
	s.t.Helper()
	network, line := s.net.NarrowClient(bits, 400*time.Millisecond)
	return testkit.Play(s.t, testkit.PlayerOptions{
		Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: network, TransportCC: true, VP8: true,
	}), line
}

// TestT134EachLineGetsTheLayerThatFits M-049, M-064, M-065.
func TestT134EachLineGetsTheLayerThatFits(t *testing.T) {
	for bits, want := range map[int]int{4_000_000: 2, 1_000_000: 1, 300_000: 0} {
		for _, vp8 := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d VP8 %v", bits, vp8), func(t *testing.T) {
				inFakeTime(t, nil, func(s *stage) {
					ladder(s, vp8)
					<-time.After(2 * time.Second)
					player, line := s.behind(bits)
					player.Wait(8*time.Second, fmt.Sprintf("picture of layer %d", want), func(s testkit.Seen) bool { return s.Layer == want && s.Frames > 0 })
					player.Eye.Reset()
					sounds := player.Sounds()
					line.Wait(0)
					lasts := 2 * time.Minute
					<-time.After(lasts)
					seen := player.Eye.Seen()
					p95 := line.Wait(0.95)
					t.Logf("%+v, p95 %v, dropped %d", seen, p95, line.Dropped())
					if seen.Layer != want || seen.Switches > 4 {
						t.Errorf("layer %d after %d switches, want %d", seen.Layer, seen.Switches, want)
					}
					if seen.LongestFreeze > time.Second || seen.Mixed+seen.Backwards > 0 {
						t.Errorf("%+v", seen)
					}
					if p95 > 150*time.Millisecond {
						t.Errorf("p95 of the queue is %v", p95)
					}
					if got := player.Sounds() - sounds; got < int(lasts/(20*time.Millisecond))*98/100 {
						t.Errorf("%d packets of sound", got)
					}
				})
			})
		}
	}
}

// TestALineThatDropsAndRecovers M-049: down at once, up again with patience.
func TestALineThatDropsAndRecovers(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		ladder(s, true)
		player, line := s.behind(4_000_000)
		player.Wait(8*time.Second, "picture of the highest layer", func(s testkit.Seen) bool { return s.Layer == 2 && s.Frames > 0 })
		<-time.After(10 * time.Second)
		for range 3 {
			line.Change(700_000)
			dropped := time.Now()
			player.Wait(2*time.Second, "lower picture", func(s testkit.Seen) bool { return s.Layer < 2 })
			t.Logf("lower after %v", time.Since(dropped))
			<-time.After(20 * time.Second)
			if seen := player.Eye.Seen(); seen.Layer > 1 { // the middle one takes nine tenths with its room
				t.Errorf("layer %d at 700 kbit/s", seen.Layer)
			}
			line.Change(4_000_000)
			recovered := time.Now()
			player.Wait(10*time.Second, "picture of the highest layer", func(s testkit.Seen) bool { return s.Layer == 2 })
			t.Logf("highest after %v", time.Since(recovered))
			<-time.After(20 * time.Second)
		}
		if seen := player.Eye.Seen(); seen.LongestFreeze > 1500*time.Millisecond || seen.Mixed+seen.Backwards > 0 {
			t.Errorf("%+v", seen)
		}
	})
}

// TestPlayersThatOnlyReportLoss M-049: without feedback about every packet reports of loss and round trips have to do.
func TestPlayersThatOnlyReportLoss(t *testing.T) {
	for bits, want := range map[int]int{4_000_000: 2, 300_000: 0} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				ladder(s, true)
				<-time.After(2 * time.Second)
				network, line := s.net.NarrowClient(bits, 400*time.Millisecond)
				player := testkit.Play(s.t, testkit.PlayerOptions{
					Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: network, VP8: true, OneReporter: true,
				})
				<-time.After(20 * time.Second)
				player.Eye.Reset()
				sounds := player.Sounds()
				<-time.After(time.Minute)
				seen := player.Eye.Seen()
				t.Logf("%+v, dropped %d", seen, line.Dropped())
				if seen.Layer != want || seen.Frames < 1000 || seen.Mixed+seen.Backwards > 0 {
					t.Errorf("%+v, want layer %d", seen, want)
				}
				// A step up that the line does not carry is tried once, and costs a picture of 1.5 s, seldom 2.5: two or more such
				// steps in the minute would cost a hundred pictures.
				if seen.LongestFreeze > 3*time.Second || seen.Frames < 1700 {
					t.Errorf("no picture for %v, %d pictures of 1800", seen.LongestFreeze, seen.Frames)
				}
				if got := player.Sounds() - sounds; got < 2700 {
					t.Errorf("%d packets of sound", got)
				}
			})
		})
	}
}
