package session

import (
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

func TestLossOfAPublisherIsThatSinceTheLastLook(t *testing.T) {
	var l looked
	counts := router.IngestCount{}
	for i, c := range []struct {
		packets, missing, late, repaired uint64
		want                             float64
	}{
		{100, 0, 0, 0, 0},
		{90, 10, 0, 0, .1},   // lost for good
		{100, 10, 0, 10, .1}, // lost, repaired
		{100, 10, 10, 0, 0},  // only late
		{0, 0, 0, 0, 0},      // a pause
		{50, 0, 10, 0, 0},    // late ones of before: no negative loss
		{0, 40, 0, 0, 1},     // nothing but holes
	} {
		counts.Packets += c.packets
		counts.Repaired += c.repaired
		counts.Lost += c.missing - c.late - c.repaired
		if got := l.loss(&router.IngestStats{Kinds: [2]router.IngestCount{router.Video: counts}}); got < c.want-.001 || got > c.want+.001 {
			t.Errorf("look %d: %v, want %v", i, got, c.want)
		}
	}
}

func TestJitterIsThatOfSound(t *testing.T) {
	video := router.LayerStats{Kind: router.Video, Jitter: 50 * time.Millisecond}
	worse := router.LayerStats{Kind: router.Video, Jitter: 60 * time.Millisecond}
	audio := router.LayerStats{Kind: router.Audio, Jitter: 5 * time.Millisecond}
	for name, c := range map[string]struct {
		layers []router.LayerStats
		want   time.Duration
	}{
		"nothing":          {nil, 0},
		"pictures only":    {[]router.LayerStats{video, worse, video}, 60 * time.Millisecond},
		"sound comes last": {[]router.LayerStats{video, audio}, 5 * time.Millisecond},
		"sound is first":   {[]router.LayerStats{audio, worse}, 5 * time.Millisecond},
	} {
		if got := jitterOf(c.layers); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
