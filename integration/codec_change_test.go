package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestChromiumDecodesOneCodecAfterAnother M-090, M-096: the program of a channel with several publications is answered every codec, and one section of a
// stock player decodes H.264, VP8 and H.264 again as publishers go, with no new session and nothing in the console.
func TestChromiumDecodesOneCodecAfterAnother(t *testing.T) {
	needNetwork(t)
	g := startGateway(t)
	first := publishFFmpeg(t, g, "live/first")
	second := publishVP8(t, g, "live/second")
	viewer := watch(t, chromium, g, "live")
	viewer.showsCodec(t, "H264")
	stopped(t, first)
	viewer.showsCodec(t, "VP8")
	publishFFmpeg(t, g, "live/third")
	stopped(t, second)
	viewer.showsCodec(t, "H264")
	if r := viewer.report(t); r.Connections != 1 || len(r.Log) > 0 {
		t.Errorf("%d connections; the console says %q", r.Connections, r.Log)
	}
}

// publishVP8 publishes a film of VP8, again and again.
func publishVP8(t *testing.T, g *gateway, place string) *program {
	t.Helper()
	film := filepath.Join(t.TempDir(), "film.ivf")
	args := []string{"-hide_banner", "-nostdin", "-loglevel", "warning", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=4"}
	args = append(args, filmed["VP8"].args...)
	encoder := exec.Command(need(t, ffmpeg), append(args, "-b:v", "1M", "-g", "50", "-f", "ivf", "-")...)
	encoder.Stderr = os.Stderr
	content, err := encoder.Output()
	if err == nil {
		err = os.WriteFile(film, content, 0o600)
	}
	if err != nil {
		t.Fatalf("make a film: %v", err)
	}
	cmd := exec.Command(binary(), "push", "--whip", g.whipAt(place), film)
	cmd.Env = cleanEnvironment()
	p := start(t, "headgate push", cmd)
	p.prints(t, patience, `connected .* after the POST`)
	g.onAir(t, place)
	return p
}

func stopped(t *testing.T, p *program) {
	t.Helper()
	if err := p.stops(t, 10*time.Second); err != nil {
		t.Logf("%s ended with %v", p.name, err)
	}
}

// showsCodec waits until pictures of a codec are decoded, and asserts that they keep coming.
func (p *page) showsCodec(t *testing.T, codec string) {
	t.Helper()
	eventually(t, patience, p.name+" shows "+codec, func() error {
		if r := p.report(t); r.Video == nil || r.Video.Frames == 0 || r.Video.Codec != codec || r.SilentFor > 200 {
			return p.late("shows %+v", r.Video)
		}
		return nil
	})
	p.keepsMoving(t, picture{codec: codec})
}
