package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testPicture is ffmpeg's input of a moving picture, in real time, for some seconds.
func testPicture(seconds int) []string {
	return []string{"-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=" + strconv.Itoa(seconds)}
}

var x264 = []string{"-an", "-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-g", "25", "-pix_fmt", "yuv420p"}

// TestPushFromPipe pipes what ffmpeg encodes into "headgate push -": the format is found out, and every frame is sent.
func TestPushFromPipe(t *testing.T) {
	encoder := need(t, ffmpeg)
	for name, args := range map[string][]string{
		"H.264": append(x264, "-f", "h264"),
		"VP8":   {"-an", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-g", "25", "-f", "ivf"},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t)
			source := exec.Command(encoder, append(append(testPicture(3), args...), "-")...)
			source.Dir = t.TempDir()
			source.Stderr = os.Stderr
			pipe, err := source.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			push := exec.Command(binary(), "push", "--whip", g.whip("live"), "-")
			push.Env, push.Stdin = cleanEnvironment(), pipe
			if err := source.Start(); err != nil {
				t.Fatal(err)
			}
			publisher := start(t, "headgate push", push)
			publisher.prints(t, patience, `connected .* after the POST`)
			if err := publisher.ends(t, patience); err != nil {
				t.Errorf("headgate push ended with %v", err)
			}
			publisher.prints(t, time.Second, `sent 75 frames`)
			if err := source.Wait(); err != nil {
				t.Errorf("ffmpeg ended with %v", err)
			}
		})
	}
}

// TestPushFromRTP takes plain RTP from ffmpeg -f rtp, with the session description ffmpeg writes, packets filled to the brim as it makes them, and
// parameter sets nowhere but in that description.
func TestPushFromRTP(t *testing.T) {
	encoder := need(t, ffmpeg)
	g := startGateway(t)
	dir := t.TempDir()
	description := filepath.Join(dir, "stream.sdp")
	port := strconv.Itoa(freePair(t))
	args := append(append(testPicture(30), x264...), "-flags", "+global_header", "-f", "rtp", "-sdp_file", "stream.sdp", "rtp://127.0.0.1:"+port)
	source := exec.Command(encoder, args...)
	source.Dir = dir
	start(t, "ffmpeg", source)
	eventually(t, patience, "ffmpeg writes its description", func() error {
		text, err := os.ReadFile(description)
		if err == nil && !strings.Contains(string(text), "sprop-parameter-sets") {
			err = os.ErrNotExist
		}
		return err
	})
	push := exec.Command(binary(), "push", "--whip", g.whip("live"), "--sdp", description)
	push.Env = cleanEnvironment()
	publisher := start(t, "headgate push", push)
	publisher.prints(t, patience, `connected .* after the POST`)
	watch(t, chromium, g, "live").plays(t, picture{codec: "H264", rate: 20, silent: true})
	if err := publisher.stops(t, 10*time.Second); err != nil {
		t.Errorf("headgate push ended with %v", err)
	}
}
