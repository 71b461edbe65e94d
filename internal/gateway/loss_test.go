package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

// watchWithLoss lets a player watch a publisher for a minute over a network that
// loses 5 % both ways with a round trip of 40 ms, and returns what it saw. The
// minute passes in fake time: nothing depends on how busy the machine is.
func watchWithLoss(t *testing.T, seed uint64, publisher testkit.PublisherOptions) testkit.Seen {
	t.Helper()
	const watch = time.Minute
	net := testkit.NewInternet(t, 20*time.Millisecond, 0.05, seed)
	_, http := net.Gateway()
	publisher.Endpoint, publisher.HTTP = "http://127.0.0.1/whip/live", http
	publisher.Net, publisher.Picture = net.Client(), testkit.HD()
	testkit.Publish(t, publisher)
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: http, Net: net.Client()})
	player.Wait(5*time.Second, "picture", moving(10))
	player.Eye.Reset()
	started := time.Now()
	seen := player.Wait(2*watch, "end of the watch", func(testkit.Seen) bool { return time.Since(started) >= watch })
	t.Logf("seed %d: %d frames, longest freeze %v, %d datagrams lost", seed, seen.Frames, seen.LongestFreeze, net.Dropped())
	if net.Dropped() < 1000 {
		t.Errorf("only %d datagrams were lost: the test shows nothing", net.Dropped())
	}
	if want := int(watch.Seconds()*float64(publisher.Picture.FramesPerSecond)) * 98 / 100; seen.Frames < want {
		t.Errorf("%d frames in %v, want at least %d", seen.Frames, watch, want)
	}
	return seen
}

// The longest freeze of a minute is 200 to 340 ms, of 60 seeds each: a picture waits for
// three or four rounds of repairs. More than the limits means that what was being
// repaired was done over, as by a replay of the whole group.
func TestLossFivePercentBothWays(t *testing.T) {
	for name, tc := range map[string]struct {
		publisher testkit.PublisherOptions
		limit     time.Duration
	}{
		"T-124 T-125 publisher with RTX":         {testkit.PublisherOptions{}, 500 * time.Millisecond},
		"T-125 publisher with NACK, deaf to PLI": {testkit.PublisherOptions{Deaf: true, NoRTX: true}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					sideBySide(t, func(t *testing.T) {
						if seen := watchWithLoss(t, seed, tc.publisher); seen.LongestFreeze > tc.limit {
							t.Errorf("froze for %v, want at most %v", seen.LongestFreeze, tc.limit)
						}
					})
				})
			}
		})
	}
}
