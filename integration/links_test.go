package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNarrowLines T-134: viewers behind 4 Mbit/s, 1 Mbit/s and 300 kbit/s come to the layer that fits, and one follows a line that narrows. It is
// the short form of make bench-links, with bounds that a busy machine keeps too.
func TestNarrowLines(t *testing.T) {
	report, _ := narrowLines(t, 25*time.Second, 12*time.Second)
	for _, v := range report.Verdicts {
		if v.UntilRight < 0 || v.UntilRight > 16 || v.On < 60 {
			t.Errorf("%s: layer %s after %.1f s, then for %.0f %% of the time", v.Line.Name, report.Layers[v.Right], v.UntilRight, v.On)
		}
		if len(v.Steps) > 0 && (v.Steps[0].Until < 0 || v.Steps[0].Until > 5) {
			t.Errorf("%s: %.1f s down to a layer that fits", v.Line.Name, v.Steps[0].Until)
		}
		if s := v.Trace; s.StepsBack != 0 || s.Mixed != 0 || s.Streams != 1 || s.Blind {
			t.Errorf("%s: %d timestamps stepped back, %d frames of two layers, %d SSRCs, no picture: %v", v.Line.Name, s.StepsBack, s.Mixed, s.Streams, s.Blind)
		}
	}
}

// TestSoakNarrowLines is make bench-links, with its bounds.
func TestSoakNarrowLines(t *testing.T) {
	needSoak(t)
	if _, err := narrowLines(t, 2*time.Minute, 20*time.Second); err != nil {
		t.Error("a bound was not kept; see above")
	}
}

// linesReport is what these tests read of headgate bench links.
type linesReport struct {
	Layers   []string
	Verdicts []struct {
		Line       struct{ Name string }
		Right      int     `json:"right_layer"`
		UntilRight float64 `json:"until_right_layer_s"`
		On         float64 `json:"on_right_layer_percent"`
		Steps      []struct {
			Until float64 `json:"until_s"`
		}
		Trace struct {
			StepsBack uint64 `json:"timestamp_steps_back"`
			Mixed     uint64 `json:"frames_mixed"`
			Streams   int    `json:"video_streams"`
			Blind     bool
		}
	}
}

// narrowLines runs headgate bench links; the error tells that a bound was not kept.
func narrowLines(t *testing.T, steady, step time.Duration) (report linesReport, err error) {
	t.Helper()
	needLines(t)
	file := filepath.Join(t.TempDir(), "links.json")
	cmd := exec.Command(binary(), "bench", "links", "--duration", steady.String(), "--step", step.String(), "--json", file)
	cmd.Env = cleanEnvironment()
	measured := start(t, "headgate bench links", cmd)
	err = measured.ends(t, steady+3*step+time.Minute)
	t.Logf("%s\n%s", cpuPressure(), measured.output.String())
	content, readErr := os.ReadFile(file)
	if readErr != nil || json.Unmarshal(content, &report) != nil {
		t.Fatalf("no report: %v, %v", err, readErr)
	}
	var right []string
	for _, v := range report.Verdicts {
		right = append(right, v.Line.Name+" "+report.Layers[v.Right])
	}
	if want := []string{"4M f", "1M h", "300k q", "steps f"}; !slices.Equal(right, want) {
		t.Errorf("the right layers were %q, want %q", right, want)
	}
	return report, err
}

// needLines skips where lines cannot be narrowed.
func needLines(t *testing.T) {
	t.Helper()
	needNetwork(t)
	if os.Getuid() != 0 || os.Getenv(networkVar) != "own" {
		lacking(t, "root and a network namespace, to narrow lines in")
	}
	for _, program := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(program); err != nil {
			lacking(t, "%s: %v", program, err)
		}
	}
}

// A narrowLine is a namespace behind a token bucket. The tests' own network is at its other end.
type narrowLine struct{ namespace, device, gateway string }

// lineTo makes a line of so many bits a second for the rest of the test.
func lineTo(t *testing.T, bits int) narrowLine {
	t.Helper()
	needLines(t)
	l := narrowLine{namespace: fmt.Sprintf("hg-test-%d", os.Getpid()), device: "narrow0", gateway: "198.19.77.1"}
	steps := [][]string{
		{"ip", "netns", "add", l.namespace},
		{"ip", "-n", l.namespace, "link", "set", "lo", "up"},
		{"ip", "link", "add", l.device, "type", "veth", "peer", "name", "eth0", "netns", l.namespace},
		{"ip", "address", "add", l.gateway + "/24", "dev", l.device},
		{"ip", "-n", l.namespace, "address", "add", "198.19.77.2/24", "dev", "eth0"},
		{"ip", "link", "set", l.device, "up"},
		{"ip", "-n", l.namespace, "link", "set", "eth0", "up"},
		{"ip", "-n", l.namespace, "route", "add", "default", "via", l.gateway},
		{"tc", "qdisc", "add", "dev", l.device, "root", "tbf", "rate", fmt.Sprintf("%dbit", bits), "burst", "10kb", "latency", "400ms"},
	}
	t.Cleanup(func() {
		if output, err := exec.Command("ip", "netns", "delete", l.namespace).CombinedOutput(); err != nil {
			t.Errorf("ip netns delete: %v: %s", err, output)
		}
	})
	for _, step := range steps {
		if output, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", strings.Join(step, " "), err, output)
		}
	}
	return l
}

// inside is a client that runs at the line's end.
func (l narrowLine) inside(t *testing.T, c client) client {
	t.Helper()
	script := fmt.Sprintf("#!/bin/sh\nexec ip netns exec %s %s \"$@\"\n", l.namespace, need(t, c))
	file := filepath.Join(t.TempDir(), "inside")
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	name := c.name + " in " + l.namespace
	t.Cleanup(func() { stopBrowser(name) }) // after its pages are closed
	return client{name: name, programs: []string{file}}
}

// TestChromiumOnANarrowLine T-134: a browser behind 1 Mbit/s comes to the layer that fits, stays there, and its picture does not stand.
func TestChromiumOnANarrowLine(t *testing.T) {
	const watched = 20 * time.Second
	l := lineTo(t, 1_000_000)
	g := startGateway(t, "--http", l.gateway+":0")
	publishFilms(t, g, "VP8")
	viewer := open(t, l.inside(t, chromium), g.url+"/") // a page that may fetch from here
	viewer.run(t, fmt.Sprintf(colourViewer, g.whep("live"), "VP8"), nil)
	viewer.starts(t)
	began := time.Now()
	eventually(t, 15*time.Second, "the layer that fits", func() error {
		if r := viewer.report(t); r.Video.Height != 360 {
			return fmt.Errorf("%d lines after %v", r.Video.Height, time.Since(began))
		}
		return nil
	})
	came := time.Since(began)
	viewer.run(t, "headgateProbe.forget()", nil)
	before, looks, right := viewer.report(t), 0, 0
	eventually(t, watched+5*time.Second, "it is watched", func() error {
		looks++
		if viewer.report(t).Video.Height == 360 {
			right++
		}
		if over := time.Since(began) - came; over < watched {
			return fmt.Errorf("for %v", over)
		}
		return nil
	})
	r := viewer.report(t)
	freezes, share := r.Video.Freezes-before.Video.Freezes, float64(right)/float64(looks)
	t.Logf("360 lines %v after the first picture, then for %.0f %% of the time; %d freezes, the longest gap %.0f ms, %d frames, %d NACKs; %s",
		came, 100*share, freezes, r.LongestGap, r.Video.Frames-before.Video.Frames, r.Video.NACKs, cpuPressure())
	if came > 8*time.Second || share < 0.8 {
		t.Errorf("the layer that fits after %v, for %.0f %% of the time", came, 100*share)
	}
	if freezes > 10 || r.LongestGap > 1000 { // Chromium counts every pause of 150 ms more than usual
		t.Errorf("%d freezes, the longest gap %.0f ms", freezes, r.LongestGap)
	}
}
