package integration

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A client is a program that some tests need.
type client struct {
	name string
	// programs are the names it goes by; the first one found is used.
	programs []string
	// version are the arguments that make it print its version.
	version []string
	// usable tells why a program of the right name is not good enough; nil means any is.
	usable func(path string) error
}

var (
	ffmpeg           = client{name: "FFmpeg with the whip muxer", programs: []string{"ffmpeg"}, version: []string{"-version"}, usable: hasWHIPMuxer}
	simpleWHIPClient = client{name: "simple-whip-client", programs: []string{"whip-client"}}
	gstPython        = client{name: "GStreamer with webrtcbin for Python", programs: []string{"gst-python", "python3"}, usable: hasWebRTCBin}
	gstInspect       = client{name: "GStreamer", programs: []string{"gst-inspect-1.0"}, version: []string{"--version"}}
	chromium         = client{name: "Chromium", programs: []string{"chromium", "chromium-browser", "google-chrome"}, version: []string{"--version"}}
	trustingChromium = client{name: "Chromium that takes any certificate", programs: chromium.programs, version: chromium.version}
	firefox          = client{name: "Firefox", programs: []string{"firefox-esr", "firefox"}, version: []string{"--version"}}
	curl             = client{name: "curl", programs: []string{"curl"}, version: []string{"--version"}}
)

// need returns the path of a client's program, or skips the test; with HEADGATE_REQUIRE_CLIENTS=1 it fails it.
func need(t *testing.T, c client) string {
	t.Helper()
	path, err := find(c)
	if err != nil {
		lacking(t, "%s: %v", c.name, err)
	}
	return path
}

// find looks where scripts/install-clients.sh puts programs first, then in PATH.
func find(c client) (string, error) {
	var last error
	for _, program := range c.programs {
		for _, path := range []string{filepath.Join(clientsDir(), "bin", program), program} {
			found, err := exec.LookPath(path)
			if err == nil && c.usable != nil {
				err = c.usable(found)
			}
			if err == nil {
				return found, nil
			}
			last = err
		}
	}
	return "", last
}

func clientsDir() string {
	if dir := os.Getenv("HEADGATE_CLIENTS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "headgate", "clients")
}

func hasWHIPMuxer(path string) error {
	output, err := exec.Command(path, "-hide_banner", "-muxers").Output()
	if err != nil {
		return err
	}
	if !bytes.Contains(output, []byte(" whip ")) {
		return fmt.Errorf("%s has no whip muxer, version 8 brought it", path)
	}
	return nil
}

func hasWebRTCBin(path string) error {
	const script = "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstWebRTC', '1.0'); " +
		"from gi.repository import Gst, GstWebRTC; Gst.init(None); assert Gst.ElementFactory.find('webrtcbin')"
	if output, err := exec.Command(path, "-c", script).CombinedOutput(); err != nil {
		return fmt.Errorf("%s cannot use webrtcbin: %s", path, lastLine(output))
	}
	return nil
}

func lastLine(output []byte) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return lines[len(lines)-1]
}

// lacking ends a test that cannot run here.
func lacking(t *testing.T, format string, args ...any) {
	t.Helper()
	reason := fmt.Sprintf(format, args...)
	if os.Getenv("HEADGATE_REQUIRE_CLIENTS") == "1" {
		t.Fatalf("missing, and HEADGATE_REQUIRE_CLIENTS=1: %s", reason)
	}
	skipped.add(t.Name(), reason)
	t.Skip("missing: " + reason)
}

// needSoak skips what takes minutes, unless asked for.
func needSoak(t *testing.T) {
	t.Helper()
	if os.Getenv("HEADGATE_SOAK") != "1" {
		skipped.add(t.Name(), "takes minutes, runs with HEADGATE_SOAK=1 (make soak)")
		t.Skip("takes minutes: HEADGATE_SOAK=1 runs it")
	}
}

// skipped collects what did not run and why, for the end of the run.
var skipped skips

type skips struct {
	mu    sync.Mutex
	lines []string
}

func (s *skips) add(test, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf("%-40s %s", test, reason))
}

// report prints the list, and writes it to the file that HEADGATE_SKIPPED names, if any.
func (s *skips) report(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if file := os.Getenv("HEADGATE_SKIPPED"); file != "" {
		content := strings.Join(append(s.lines, ""), "\n")
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			_, _ = fmt.Fprintln(w, "skipped tests:", err)
		}
	}
	if len(s.lines) == 0 {
		_, _ = fmt.Fprintln(w, "skipped: nothing")
		return
	}
	_, _ = fmt.Fprintf(w, "skipped: %d\n", len(s.lines))
	for _, line := range s.lines {
		_, _ = fmt.Fprintln(w, " ", line)
	}
}

// TestClientVersions prints which clients the other tests use.
func TestClientVersions(t *testing.T) {
	for _, c := range []client{ffmpeg, gstInspect, simpleWHIPClient, chromium, firefox, curl, schemathesis} {
		path, err := find(c)
		if err != nil {
			t.Logf("%s: missing: %v", c.name, err)
			continue
		}
		version := "present"
		if c.version != nil {
			output, _ := exec.Command(path, c.version...).Output()
			version, _, _ = strings.Cut(string(output), "\n")
		}
		t.Logf("%s: %s (%s)", c.name, version, path)
	}
}
