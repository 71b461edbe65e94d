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

var ffprobe = client{name: "ffprobe", programs: []string{"ffprobe"}, version: []string{"-version"}}

// pull starts "headgate pull" in a folder of the test's.
func pull(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	cmd := exec.Command(binary(), append([]string{"pull"}, args...)...)
	cmd.Env, cmd.Dir = cleanEnvironment(), dir
	return start(t, "headgate pull", cmd)
}

// probe counts the frames of a file that can be decoded and tells the codec.
func probe(t *testing.T, dir, file string) (codec string, frames int) {
	t.Helper()
	cmd := exec.Command(need(t, ffprobe), "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames", "-of", "csv=p=0", file)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, output)
	}
	codec, count, _ := strings.Cut(strings.TrimSpace(string(output)), ",")
	frames, err = strconv.Atoi(strings.TrimSpace(count))
	if err != nil {
		t.Fatalf("ffprobe said %q", output)
	}
	return codec, frames
}

// TestPullToFiles records what ffmpeg publishes; ffprobe decodes all of it, without one complaint.
func TestPullToFiles(t *testing.T) {
	g := startGateway(t)
	publishFFmpeg(t, g, "live")
	dir := t.TempDir()
	player := pull(t, dir, "--whep", g.whep("live"), "--video", "film.h264", "--audio", "film.ogg", "--duration", "4s")
	if err := player.ends(t, patience); err != nil {
		t.Fatalf("headgate pull ended with %v", err)
	}
	said := player.prints(t, time.Second, `received (\d+) frames \(([1-9]\d*) key frames\) and (\d+) audio packets.*, 0 lost`)
	if codec, frames := probe(t, dir, "film.h264"); codec != "h264" || strconv.Itoa(frames) != said[1] || frames < 30 {
		t.Errorf("%d frames of %s, it said %s", frames, codec, said[0])
	}
	// Sound waits for the first picture: what came before it is not in the file.
	heard, _ := strconv.Atoi(said[3])
	if codec, packets := probe(t, dir, "film.ogg"); codec != "opus" || packets > heard || packets < heard-50 || packets < 50 {
		t.Errorf("%d packets of %s, it said %s", packets, codec, said[0])
	}
}

// TestPullOfOtherCodecs publishes through a pipe, and wants files that decode.
func TestPullOfOtherCodecs(t *testing.T) {
	encoder := need(t, ffmpeg)
	for name, tc := range map[string]struct {
		args        []string
		file, codec string
	}{
		"VP8":   {[]string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-g", "25", "-f", "ivf"}, "live.ivf", "vp8"},
		"VP9":   {[]string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-g", "25", "-f", "ivf"}, "live.ivf", "vp9"},
		"AV1":   {[]string{"-c:v", "libsvtav1", "-preset", "12", "-g", "25", "-svtav1-params", "pred-struct=1:lookahead=0", "-f", "ivf"}, "live.ivf", "av1"},
		"H.265": {[]string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:keyint=25:log-level=error", "-f", "hevc"}, "live.h265", "hevc"},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t)
			dir := t.TempDir()
			source := exec.Command(encoder, append(append(testPicture(60), tc.args...), "-")...)
			source.Dir, source.Stderr = dir, os.Stderr
			pipe, err := source.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := source.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = source.Process.Kill()
				_ = source.Wait()
			})
			push := exec.Command(binary(), "push", "--whip", g.whip("live"), "-")
			push.Env, push.Stdin = cleanEnvironment(), pipe
			start(t, "headgate push", push).prints(t, patience, `connected`)
			player := pull(t, dir, "--whep", g.whep("live"), "--out", "live", "--duration", "3s", "--reconnect")
			if err := player.ends(t, patience); err != nil {
				t.Fatalf("headgate pull ended with %v", err)
			}
			said := player.prints(t, time.Second, `received (\d+) frames`)
			if codec, frames := probe(t, dir, tc.file); codec != tc.codec || strconv.Itoa(frames) != said[1] || frames < 10 { // encoders are slow on a busy machine
				t.Errorf("%d frames of %s, it said %s", frames, codec, said[1])
			}
		})
	}
}

// TestPullToRTP sends plain RTP on to ffmpeg, which reads the description that pull wrote.
func TestPullToRTP(t *testing.T) {
	decoder := need(t, ffmpeg)
	g := startGateway(t)
	publishFFmpeg(t, g, "live")
	dir := t.TempDir()
	video, audio := freePair(t), freePair(t)
	player := pull(t, dir, "--whep", g.whep("live"), "--rtp-video", "127.0.0.1:"+strconv.Itoa(video), "--rtp-audio", "127.0.0.1:"+strconv.Itoa(audio), "--sdp", "live.sdp", "--reconnect")
	player.prints(t, patience, `wrote live.sdp`)
	reader := exec.Command(decoder, "-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,udp,rtp", "-i", "live.sdp", "-t", "3",
		"-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "matroska", "copy.mkv")
	reader.Dir = dir
	if err := start(t, "ffmpeg", reader).ends(t, patience); err != nil {
		t.Fatalf("ffmpeg ended with %v", err)
	}
	cmd := exec.Command(need(t, ffprobe), "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", "copy.mkv")
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, output)
	}
	for _, codec := range []string{"h264,", "opus,"} {
		_, rest, found := strings.Cut(string(output), codec)
		count, _, _ := strings.Cut(rest, "\n")
		if n, _ := strconv.Atoi(count); !found || n < 50 {
			t.Errorf("of %s ffmpeg took %q", codec, output)
		}
	}
	if err := player.stops(t, 10*time.Second); err != nil {
		t.Errorf("headgate pull ended with %v", err)
	}
}

// TestExampleTools runs the scripts of examples/tools.
func TestExampleTools(t *testing.T) {
	need(t, ffmpeg)
	g := startGateway(t)
	env := []string{"HEADGATE=" + binary(), "SECONDS_LONG=60"}
	example(t, "pipe.sh", "tools/pipe.sh", env, g.whip("live")).prints(t, patience, `connected .* after the POST`)
	prefix := filepath.Join(t.TempDir(), "recording")
	record := example(t, "record.sh", "tools/record.sh", append(env, "DURATION=2s"), g.whep("live"), prefix)
	if err := record.ends(t, patience); err != nil {
		t.Fatalf("record.sh ended with %v", err)
	}
	if info, err := os.Stat(prefix + ".h264"); err != nil || info.Size() < 10_000 {
		t.Errorf("the recording: %v, %v", info, err)
	}
	example(t, "rtp.sh", "tools/rtp.sh", append(env, "PORT="+strconv.Itoa(freePair(t))), g.whip("rtp")).prints(t, patience, `connected .* after the POST`)
	watch(t, chromium, g, "rtp").plays(t, picture{codec: "H264", silent: true})
}

// TestPullRepairsLosses loses one datagram of twenty on the way to the player: they are sent again, and all that was written can be decoded.
func TestPullRepairsLosses(t *testing.T) {
	g := startGateway(t)
	publishFFmpeg(t, g, "live")
	firewall(t, "udp sport "+g.mediaPort(t)+" udp length > 300 numgen random mod 100 < 5 drop")
	dir := t.TempDir()
	player := pull(t, dir, "--whep", g.whep("live"), "--video", "film.h264", "--duration", "4s")
	if err := player.ends(t, patience); err != nil {
		t.Fatalf("headgate pull ended with %v", err)
	}
	said := player.prints(t, time.Second, `received (\d+) frames .* ([1-9]\d*) repaired`)
	if codec, frames := probe(t, dir, "film.h264"); codec != "h264" || strconv.Itoa(frames) != said[1] {
		t.Errorf("%d frames of %s, it said %s", frames, codec, said[0])
	}
}
