package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit"
)

func TestBenchLinksFlagsReachThePlan(t *testing.T) {
	con := (&command{}).console()
	root := new(cli)
	parser, err := newParserOf(t.Context(), con, root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = parser.Parse([]string{"bench", "links", "--rates", "2M,500k", "--duration", "30s", "--step", "10s", "--steps", "2M,1M", "--bitrate", "1M", "--no-audio"}); err != nil {
		t.Fatal(err)
	}
	c := root.Bench.Links.config("/bin/headgate")
	if len(c.Lines) != 2 || c.Lines[1].Name != "500k" || c.Lines[1].Phases[0].Bits != 500_000 || c.Lines[1].Phases[0].Duration != 30*time.Second ||
		len(c.Steps.Phases) != 2 || c.Steps.Phases[1].Bits != 1_000_000 || c.Steps.Phases[1].Duration != 10*time.Second || c.Audio || c.Bits != 1_000_000 || c.Program != "/bin/headgate" {
		t.Errorf("%+v", c)
	}
	root.Bench.Links.Step = 0
	if c := root.Bench.Links.config(""); len(c.Steps.Phases) != 0 {
		t.Errorf("%+v", c.Steps)
	}
}

// TestBenchPublishesAndWatches runs what bench links runs in its namespaces.
func TestBenchPublishesAndWatches(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	dir := t.TempDir()
	ready, out := filepath.Join(dir, "ready"), filepath.Join(dir, "trace.json")
	var publisher command
	stop := publisher.start(t, "bench", "publish", g.WHIP("live"), "--simulcast", "--bitrate", "800k", "--no-audio", "--duration", "10m", "--ready-file", ready)
	eventually(t, "the publisher", func() bool {
		_, err := os.Stat(ready)
		return err == nil
	})
	// On a busy machine a viewer may see nothing in its first second.
	eventually(t, "a viewer that sees something", func() bool { return watchedPackets(t, g.WHEP("live"), out) > 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// watchedPackets watches for a second and returns how many packets came.
func watchedPackets(t *testing.T, endpoint, out string) uint64 {
	t.Helper()
	var watcher command
	if err := watcher.run(t, "bench", "watch", endpoint, "--duration", "1s", "--out", out); err != nil {
		t.Fatal(err)
	}
	var trace struct {
		Packets uint64 `json:"packets"`
	}
	b, err := os.ReadFile(filepath.Clean(out))
	if err != nil || json.Unmarshal(b, &trace) != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return trace.Packets
}
