package links

import (
	"context"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bench/source"
	"github.com/headgate/headgate/internal/testkit"
)

// TestAWatcherWritesDownWhatItSees plays real simulcast from a real gateway.
func TestAWatcherWritesDownWhatItSees(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	cfg := source.DefaultConfig()
	cfg.Simulcast, cfg.BitsPerSecond = true, 1_000_000
	p, err := source.Publish(t.Context(), cfg, g.WHIP("live"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close(context.Background()) }()
	for p.Stats().Frames < 10 {
		<-time.After(10 * time.Millisecond)
	}
	trace, err := Watch(t.Context(), Watching{Endpoint: g.WHEP("live"), Duration: 2500 * time.Millisecond, SelectEvery: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(trace.Changes) == 0 || trace.Changes[0].At < trace.Began || trace.Changes[0].At > trace.Ended || trace.Blind {
		t.Errorf("%+v", trace)
	}
	if trace.VideoStreams != 1 || trace.Lost != 0 || trace.StepsBack != 0 || trace.Mixed != 0 || trace.Packets < 50 || trace.DelayMin <= 0 || trace.DelayP95 < trace.DelayP50 {
		t.Errorf("%+v", trace)
	}
	if trace.Wishes < 2 || trace.Wishes > 5 || trace.WishesRefused != 0 || trace.Switches < 1 || trace.SwitchP50 <= 0 { // every 500 ms, where this process is let
		t.Errorf("%d wishes, %d refused, %d switches, %v ms", trace.Wishes, trace.WishesRefused, trace.Switches, trace.SwitchP50)
	}
	if n := len(trace.Series); n < 1 || n > 2 || trace.Series[n-1].Kilobits < 50 {
		t.Errorf("%+v", trace.Series)
	}
}
