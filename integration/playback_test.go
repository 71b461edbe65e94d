package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A report is what the probe tells about a page: its newest connection, its requests and its complaints. Times are in milliseconds.
type report struct {
	Now         float64 // by the page's clock
	State       string
	Connections int
	Posts       int
	Video       *video
	Audio       *struct {
		Codec         string
		Energy        float64
		Packets, Lost int
		Concealed     float64
		Samples       float64
	}
	Sent []struct {
		Kind, RID, Codec      string
		Frames, Width, Height int
		Bytes                 int
		Active                bool
	}
	LongestGap   float64
	SilentFor    float64
	FirstPicture float64
	Connected    float64
	Requests     []request
	Log          []string
}

// A video is what a connection receives of a picture.
type video struct {
	Codec                  string
	Frames, Width, Height  int
	Freezes                int
	Frozen                 float64
	KeyFrames, PLIs, NACKs int
	Packets, Lost          int
}

// height is that of the picture, 0 while a new connection has none.
func (r report) height() int {
	if r.Video == nil {
		return 0
	}
	return r.Video.Height
}

// A request is one that the page made with fetch.
type request struct {
	Method, URL string
	Start       float64
	Status      int
}

// report asks the probe.
func (p *page) report(t *testing.T) report {
	t.Helper()
	var r report
	p.run(t, "headgateProbe.report()", &r)
	return r
}

// A picture is what a viewer is expected to see and hear.
type picture struct {
	// codec is the video codec as browsers name it: "H264".
	codec string
	// silent is true where the publisher sends no sound.
	silent bool
	// within bounds the time from the POST to the first decoded picture; 0 means a second.
	within time.Duration
	// rate is the lowest frame rate to accept, per second; 0 means 10.
	rate float64
	// freeze is the longest gap between two pictures to accept; 0 means 500 ms.
	freeze time.Duration
}

// watchFor is how long a viewer is watched.
const watchFor = 4 * time.Second

// plays asserts that the page shows the picture: soon after its POST, with sound, and without a freeze for a while.
func (p *page) plays(t *testing.T, want picture) report {
	t.Helper()
	first := p.starts(t)
	if limit := float64(orDefault(want.within, time.Second).Milliseconds()); first.FirstPicture > limit {
		t.Errorf("%s: first picture %.0f ms after the POST, want at most %.0f ms", p.name, first.FirstPicture, limit)
	}
	if first.Video.Codec != want.codec {
		t.Errorf("%s: codec %q, want %q", p.name, first.Video.Codec, want.codec)
	}
	if !want.silent {
		p.sounds(t)
	}
	last := p.keepsMoving(t, want)
	t.Logf("%s: connected %.0f ms and picture %.0f ms after the POST, then %s %dx%d, longest gap %.0f ms, %d lost; %s", p.name,
		first.Connected, first.FirstPicture, last.Video.Codec, last.Video.Width, last.Video.Height, last.LongestGap, last.Video.Lost, cpuPressure())
	return last
}

// starts waits for the first decoded picture.
func (p *page) starts(t *testing.T) report {
	t.Helper()
	var r report
	eventually(t, patience, p.name+" shows a picture", func() error {
		if r = p.report(t); r.Video != nil && r.Video.Frames > 0 {
			return nil
		}
		return p.late("connection %s after %d requests", r.State, len(r.Requests))
	})
	return r
}

// sounds waits until what is heard has energy: more than the near-silence that fills gaps.
func (p *page) sounds(t *testing.T) {
	t.Helper()
	var before float64
	if r := p.report(t); r.Audio != nil {
		before = r.Audio.Energy
	}
	eventually(t, patience, p.name+" sounds", func() error {
		r := p.report(t)
		if r.Audio == nil {
			return p.late("no audio")
		}
		if gained := r.Audio.Energy - before; gained < 1e-4 {
			return p.late("energy grew by %g only, %d packets", gained, r.Audio.Packets)
		}
		return nil
	})
}

// keepsMoving watches the page and asserts enough pictures and no freeze.
func (p *page) keepsMoving(t *testing.T, want picture) report {
	t.Helper()
	p.run(t, "headgateProbe.forget()", nil)
	before := p.report(t)
	var r report
	eventually(t, patience, p.name+" is watched", func() error {
		if r = p.report(t); r.Now-before.Now < float64(watchFor.Milliseconds()) {
			return fmt.Errorf("for %.0f ms", r.Now-before.Now)
		}
		return nil
	})
	if before.Video == nil || r.Video == nil || r.Connections != before.Connections {
		t.Fatalf("%s: while it was watched its connection changed from the %d. to the %d., %s", p.name, before.Connections, r.Connections, r.State)
	}
	rate := float64(r.Video.Frames-before.Video.Frames) / (r.Now - before.Now) * 1000
	if least := orDefault(want.rate, 10); rate < least {
		t.Errorf("%s: %.1f pictures a second, want at least %.0f", p.name, rate, least)
	}
	limit := float64(orDefault(want.freeze, 500*time.Millisecond).Milliseconds())
	if gap := max(r.LongestGap, r.SilentFor); gap > limit {
		t.Errorf("%s: no picture for %.0f ms, want at most %.0f ms", p.name, gap, limit)
	}
	if freezes := r.Video.Freezes - before.Video.Freezes; freezes > 0 {
		t.Logf("%s: %d short freezes of %.2f s together", p.name, freezes, r.Video.Frozen-before.Video.Frozen)
	}
	return r
}

// cpuPressure tells how starved of CPU this machine has been for ten seconds, to judge a failure by: media in real time does not survive on two
// cores that have other work.
func cpuPressure() string {
	content, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return "CPU pressure unknown"
	}
	some, _, _ := strings.Cut(strings.TrimPrefix(string(content), "some "), " ")
	return "CPU pressure " + some
}

// orDefault returns value, or standard where it is zero.
func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// showsMore waits until the page has decoded so many pictures in all.
func (p *page) showsMore(t *testing.T, frames int, timeout time.Duration) {
	t.Helper()
	eventually(t, timeout, fmt.Sprintf("%s shows %d pictures", p.name, frames), func() error {
		if r := p.report(t); r.Video == nil || r.Video.Frames < frames {
			return p.late("connection %s, video %+v", r.State, r.Video)
		}
		return nil
	})
}
