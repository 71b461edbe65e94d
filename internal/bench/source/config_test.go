package source

import (
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/mediafile"
)

func TestValidateNamesEveryFault(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatalf("the default is refused: %v", err)
	}
	c := Config{
		FramesPerSecond: 30, BitsPerSecond: 1000, GOP: time.Millisecond, MinKeyInterval: -1, Simulcast: true,
		Video: func() (mediafile.Reader, error) { return nil, nil },
	}
	err := c.Validate()
	for _, want := range []string{"bitrate", "gop", "min-key-interval", "simulcast"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing: %v", want, err)
		}
	}
	if err := (Config{FramesPerSecond: 0, GOP: time.Second}).Validate(); err == nil || !strings.Contains(err.Error(), "fps") {
		t.Errorf("no frames: %v", err)
	}
}

func TestPacingAsText(t *testing.T) {
	for text, want := range map[string]Pacing{"none": 0, "frame:0.5": 0.5, "frame:1": 1} {
		var got Pacing
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if b, _ := got.MarshalText(); string(b) != text {
			t.Errorf("%s is written %s", text, b)
		}
	}
	for _, text := range []string{"", "frame", "frame:", "frame:2", "frame:-1", "frame:NaN", "0.5", "None"} {
		if err := new(Pacing).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestSplitAsText(t *testing.T) {
	for text, want := range map[string]Split{"full": SplitFull, "equal": SplitEqual} {
		var got Split
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if b, _ := got.MarshalText(); string(b) != text {
			t.Errorf("%s is written %s", text, b)
		}
	}
	if err := new(Split).UnmarshalText([]byte("half")); err == nil {
		t.Error("half was taken")
	}
}
