package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// switchesVar is how many switches TestSwitches makes with each codec; the figure in docs/performance.md is of 1000.
const switchesVar = "HEADGATE_SWITCHES"

// TestSwitches T-112, T-128, M-040 to M-046: a layer is selected again and again, as fast as its key frames come. In Chromium every selected layer
// is on the screen, told by its colour and its size, nothing but the old and the new layer is ever shown, and the decoder hardly notices; beside
// it, a viewer that reads every packet sees one SSRC, numbers without gaps and no step backwards in time.
func TestSwitches(t *testing.T) {
	n := 30 // with each codec
	if text := os.Getenv(switchesVar); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			t.Fatalf("%s=%q is no number of switches", switchesVar, text)
		}
	}
	for _, codec := range []string{"VP8", "H264"} {
		t.Run(codec, func(t *testing.T) { switches(t, codec, n) })
	}
}

// switchPace is the least time between two selections: a little more than key frames need.
const switchPace = 130 * time.Millisecond

func switches(t *testing.T, codec string, n int) {
	needNetwork(t)
	g := startGateway(t)
	publishFilms(t, g, codec)
	viewer := open(t, chromium, startSite(t).url+"/blank.html")
	viewer.run(t, fmt.Sprintf(colourViewer, g.whep("live"), codec), nil)
	viewer.eventually(t, patience, "a picture", "window.colours.now !== ''")
	viewer.starts(t)
	beside := watchBeside(t, g, time.Duration(n)*switchPace*2)
	before := viewer.report(t)

	for done := 0; done < n; { // in parts, because one question to a page is bounded
		part := min(4, n-done)
		viewer.run(t, fmt.Sprintf("window.colours.select(%d, %d)", part, switchPace.Milliseconds()), nil)
		done += part
	}
	var seen struct {
		Waits    []float64
		Missed   []string
		Strange  []string
		Pictures int
	}
	viewer.run(t, "window.colours.seen", &seen)
	after := viewer.report(t)
	frames, freezes, plis := after.Video.Frames-before.Video.Frames, after.Video.Freezes-before.Video.Freezes, after.Video.PLIs-before.Video.PLIs
	longest, sum := 0.0, 0.0
	for _, wait := range seen.Waits {
		longest, sum = max(longest, wait), sum+wait
	}
	t.Logf("%d switches, on the screen after %.0f ms in the mean and %.0f ms at most; %d frames decoded, %d freezes of %.2f s together, %d PLIs; %s", len(seen.Waits),
		sum/float64(max(len(seen.Waits), 1)), longest, frames, freezes, after.Video.Frozen-before.Video.Frozen, plis, cpuPressure())
	if len(seen.Waits) != n || len(seen.Missed) > 0 {
		t.Errorf("%d of %d layers came to the screen, not %q", len(seen.Waits), n, seen.Missed)
	}
	if len(seen.Strange) > 0 {
		t.Errorf("pictures of no layer, or of one that was not asked for: %q", seen.Strange)
	}
	if least := int(sum / 1000 * 10); frames < least {
		t.Errorf("%d frames decoded, want %d at least", frames, least)
	}
	if most := n/10 + 2; freezes > most || plis > most {
		t.Errorf("%d freezes and %d PLIs, want %d of each at most", freezes, plis, most)
	}
	beside.saw(t, codec)
}

// films are the layers: one colour and one size each, lowest first, and noise, so that a frame is several packets. The buffer, a third of a second,
// keeps key frames within what a camera's encoder would make of them.
var films = []struct{ colour, size, bits, buffer string }{
	{"red", "320x180", "150k", "45k"}, {"lime", "640x360", "500k", "150k"}, {"blue", "1280x720", "1700k", "500k"},
}

// filmed says how FFmpeg makes a file of a codec.
var filmed = map[string]struct {
	format string
	args   []string
}{
	"VP8":  {"ivf", []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-max-intra-rate", "400"}},
	"H264": {"h264", []string{"-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0"}},
}

// publishFilms publishes a film for each layer; a layer begins anew when a key frame is asked for.
func publishFilms(t *testing.T, g *gateway, codec string) {
	t.Helper()
	dir := t.TempDir()
	ready := filepath.Join(dir, "on-air")
	args := []string{"bench", "publish", g.whip("live"), "--min-key-interval", "100ms", "--ready-file", ready}
	for i, f := range films {
		file := filepath.Join(dir, strconv.Itoa(i)+"."+filmed[codec].format)
		source := fmt.Sprintf("color=%s:size=%s:rate=30,noise=alls=20:allf=t,format=yuv420p", f.colour, f.size)
		command := append([]string{"-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "60", "-b:v", f.bits, "-maxrate", f.bits,
			"-bufsize", f.buffer, "-g", "999"}, filmed[codec].args...)
		cmd := exec.Command(need(t, ffmpeg), append(command, "-f", filmed[codec].format, "-")...)
		cmd.Stderr = os.Stderr
		content, err := cmd.Output()
		if err == nil {
			err = os.WriteFile(file, content, 0o600)
		}
		if err != nil {
			t.Fatalf("make a film: %v", err)
		}
		args = append(args, "--film", file)
	}
	cmd := exec.Command(binary(), args...)
	cmd.Env = cleanEnvironment()
	publisher := start(t, "headgate bench publish", cmd)
	eventually(t, patience, "the films are on air", func() error {
		if err := publisher.running(); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(ready)
		return err
	})
}

// colourViewer plays with fetch and nothing else, looks at every picture, and selects layers.
const colourViewer = `(async () => {
	const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
	const video = document.createElement("video");
	Object.assign(video, { autoplay: true, muted: true, playsInline: true, width: 320, height: 180 });
	document.body.append(video);
	const transceiver = pc.addTransceiver("video", { direction: "recvonly" });
	transceiver.setCodecPreferences(RTCRtpReceiver.getCapabilities("video").codecs.filter((codec) => /\/(%[2]s|rtx)$/i.test(codec.mimeType)));
	pc.ontrack = ({ track }) => { video.srcObject = new MediaStream([track]); };
	await pc.setLocalDescription();
	const response = await fetch(%[1]q, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
	if (response.status !== 201) throw new Error(response.status + " " + await response.text());
	const link = response.headers.get("link").match(/<([^>]+)>;\s*rel="?urn:ietf:params:whep:ext:core:layer"?/);
	if (!link) throw new Error("no selection of layers is announced: " + response.headers.get("link"));
	const target = new URL(link[1], %[1]q).href;
	await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });

	const layers = { q: [180, 0], h: [360, 1], f: [720, 2] }; // lines, and which of red, green and blue shines
	const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
	const context = canvas.getContext("2d", { willReadFrequently: true });
	const seen = { waits: [], missed: [], strange: [], pictures: 0 };
	const colours = { now: "", old: "", asked: "", seen, waiting: null };
	window.colours = colours;
	// A VideoFrame has the size and the content of one picture; the element's size may already be the next one's. It is for secure pages only.
	const layerOf = () => {
		const frame = window.VideoFrame ? new VideoFrame(video) : null;
		const height = frame && frame.displayHeight;
		context.drawImage(frame || video, 0, 0, 8, 8);
		if (frame) frame.close();
		const pixels = context.getImageData(0, 0, 8, 8).data;
		for (const [rid, [lines, shining]] of Object.entries(layers)) {
			let all = true;
			for (let i = 0; i < pixels.length; i++) if (i %% 4 < 3) all &&= (pixels[i] > 128) === (i %% 4 === shining);
			if (all) return height && height !== lines ? rid + " in " + height + " lines" : rid;
		}
		return "colour " + [...pixels.slice(0, 3)] + " in " + height + " lines";
	};
	const look = () => {
		const layer = layerOf();
		seen.pictures++;
		if (colours.asked && layer !== colours.asked && layer !== colours.old && seen.strange.length < 20) seen.strange.push(layer + " from " + colours.old + " to " + colours.asked);
		colours.now = layer;
		if (colours.waiting && layer === colours.asked) colours.waiting();
		video.requestVideoFrameCallback(look);
	};
	video.requestVideoFrameCallback(look);
	const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
	colours.select = async (times, pace) => {
		for (let i = 0; i < times; i++) {
			colours.old = colours.now;
			const rids = Object.keys(layers).filter((rid) => rid !== colours.now);
			const begun = performance.now();
			colours.asked = rids[(i + seen.waits.length) %% rids.length];
			const shown = new Promise((done) => { colours.waiting = done; });
			const answer = await fetch(target, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ mediaId: "0", rid: colours.asked }) });
			if (answer.status !== 200) throw new Error(answer.status + " " + await answer.text());
			await Promise.race([shown, sleep(4000)]);
			if (colours.now === colours.asked) seen.waits.push(performance.now() - begun);
			else seen.missed.push(colours.asked + " after " + colours.old);
			colours.waiting = null;
			await sleep(Math.max(0, pace - (performance.now() - begun)));
		}
	};
})()`

// A besideViewer is the bench's viewer, which reads every packet and selects layers too.
type besideViewer struct {
	*program
	out string
}

func watchBeside(t *testing.T, g *gateway, d time.Duration) besideViewer {
	t.Helper()
	out := filepath.Join(t.TempDir(), "trace.json")
	cmd := exec.Command(binary(), "bench", "watch", g.whep("live"), "--duration", max(d, 6*time.Second).String(), "--select-every", (2 * switchPace).String(), "--out", out)
	cmd.Env = cleanEnvironment()
	return besideViewer{start(t, "headgate bench watch", cmd), out}
}

// saw waits for its end and asserts that the stream was one, without gaps and steps backwards.
func (b besideViewer) saw(t *testing.T, codec string) {
	t.Helper()
	if err := b.ends(t, 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	var trace struct {
		Expected, Lost uint64
		Streams        int    `json:"video_streams"`
		StepsBack      uint64 `json:"timestamp_steps_back"`
		Mixed          uint64 `json:"frames_mixed"`
		Wishes         uint64 `json:"switch_wishes"`
		Refused        int    `json:"switch_wishes_refused"`
		Switches       uint64 `json:"layer_switches"`
		Freezes, PLIs  uint64
		LongestFreeze  float64 `json:"longest_freeze_ms"`
		SwitchP50      float64 `json:"switch_ms_p50"`
		SwitchP95      float64 `json:"switch_ms_p95"`
	}
	content, err := os.ReadFile(b.out)
	if err != nil || json.Unmarshal(content, &trace) != nil {
		t.Fatalf("%v: %s", err, content)
	}
	t.Logf("beside it: %+v", trace)
	if trace.Streams != 1 || trace.StepsBack != 0 || trace.Mixed != 0 || trace.Lost != 0 || trace.Refused != 0 || trace.Expected == 0 {
		t.Errorf("%d SSRCs of video, %d timestamps stepped back, %d frames of two layers, %d of %d numbers missing, %d selections refused",
			trace.Streams, trace.StepsBack, trace.Mixed, trace.Lost, trace.Expected, trace.Refused)
	}
	if codec == "H264" && trace.Switches < trace.Wishes/2 { // stamps are in H.264 only
		t.Errorf("%d switches after %d selections", trace.Switches, trace.Wishes)
	}
}
