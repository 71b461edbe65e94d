package router

import (
	"strings"
	"testing"
)

func TestTheCapOfAChannel(t *testing.T) {
	cfg := DefaultConfig()
	if got := cfg.MaxBitrateOf("live"); got != 0 {
		t.Errorf("by default %d", got)
	}
	cfg.MaxBitrate = 6_000_000
	cfg.MaxBitrates = []BitrateCap{
		{Channels: []string{"studio", "stage-*"}, MaxBitrate: 0},
		{Channels: []string{"s*"}, MaxBitrate: 1_000_000},
		{Channels: []string{"studio-2"}, MaxBitrate: 3_000_000},
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	r := New(cfg)
	for channel, want := range map[string]int{
		"live": 6_000_000, "studio": 0, "stage-1": 0, "stage": 1_000_000,
		"studio-2": 1_000_000, // the first that names it
		"s":        1_000_000, "S": 6_000_000, "": 6_000_000,
	} {
		if got := r.MaxBitrate(channel); got != want {
			t.Errorf("%q: %d, want %d", channel, got, want)
		}
	}
}

func TestCapsThatMeanNothingAreRefused(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxBitrate = -1
	cfg.MaxBitrates = []BitrateCap{
		{Channels: []string{"a"}, MaxBitrate: 6}, // megabits, perhaps
		{MaxBitrate: 1_000_000},
		{Channels: []string{"*x", ""}, MaxBitrate: 1_000_000},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"channels.max_bitrate: must be 0 or at least 16000", "channels.max_bitrates[0].max_bitrate: must be 0 or at least",
		"channels.max_bitrates[1].channels: must name", `channels.max_bitrates[2].channels[0]: must be a channel, a prefix* or *, got "*x"`,
		"channels.max_bitrates[2].channels[1]",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing says %q:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 5 {
		t.Errorf("%d faults:\n%v", n, err)
	}
}
