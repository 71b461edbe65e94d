package integration

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// publish720 publishes the test camera and microphone with fetch and nothing else, in as many layers as asked for, and returns what the answer
// says about bandwidth. Without a cap browsers send about 700 kbit/s of one layer, and 1.8 Mbit/s of three.
const publish720 = `(async () => {
	const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720, frameRate: 30 } });
	const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
	pc.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly", streams: [stream] });
	const layers = [["q", 4, 200_000], ["h", 2, 700_000], ["f", 1, 2_500_000]].slice(-%d);
	const named = layers.map(([rid, scaleResolutionDownBy, maxBitrate]) => ({ rid, scaleResolutionDownBy, maxBitrate }));
	const video = pc.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", streams: [stream], ...(named.length > 1 && { sendEncodings: named }) });
	video.setCodecPreferences(RTCRtpSender.getCapabilities("video").codecs.filter((codec) => /\/(%s|rtx)$/i.test(codec.mimeType)));
	await pc.setLocalDescription();
	const response = await fetch(%q, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
	if (response.status !== 201) throw new Error(response.status + " " + await response.text());
	const answer = await response.text();
	await pc.setRemoteDescription({ type: "answer", sdp: answer });
	return answer.split("\r\n").filter((line) => /^b=/.test(line));
})()`

// TestBrowsersKeepTheCapOfTheAnswer counts what leaves a browser, picture and sound, all layers together. Its rows wait most of the time, and a
// busy machine makes nobody send more: they run side by side.
func TestBrowsersKeepTheCapOfTheAnswer(t *testing.T) {
	for _, row := range []struct {
		client client
		codec  string
		layers int
		most   int // bits per second
	}{
		{chromium, "VP8", 1, 300_000},
		{chromium, "H264", 1, 300_000},
		{chromium, "VP8", 3, 600_000},
		{firefox, "VP8", 1, 300_000},
	} {
		t.Run(fmt.Sprintf("%s %s %d", row.client.name, row.codec, row.layers), func(t *testing.T) {
			t.Parallel()
			needNetwork(t)
			g := serve(t, []string{"--open"}, fmt.Sprint("HEADGATE_CHANNELS_MAX_BITRATE=", row.most))
			publisher := open(t, row.client, startSite(t).url+"/blank.html")
			var lines []string
			publisher.run(t, fmt.Sprintf(publish720, row.layers, row.codec, g.whip("live")), &lines)
			if len(lines) != 4 || !strings.HasPrefix(lines[0], "b=AS:") || !strings.HasPrefix(lines[1], "b=TIAS:") {
				t.Errorf("the answer says %q", lines)
			}
			eventually(t, 20*time.Second, publisher.name+" publishes", func() error { return publisher.sends(t, "video", 30) })
			time.Sleep(8 * time.Second) // what browsers take to find their rate
			if bits := publisher.sentRate(t, 10*time.Second); bits > row.most*11/10 {
				t.Errorf("%s sends %d bit/s, want at most %d", publisher.name, bits, row.most)
			} else {
				t.Logf("%s sends %d bit/s of %d", publisher.name, bits, row.most)
			}
		})
	}
}

// sentRate is how many bits of media per second leave the page for a while.
func (p *page) sentRate(t *testing.T, during time.Duration) int {
	t.Helper()
	sent := func() (bytes int) {
		for _, stream := range p.report(t).Sent {
			bytes += stream.Bytes
		}
		return bytes
	}
	before, begin := sent(), time.Now()
	time.Sleep(during)
	return int(float64(sent()-before) * 8 / time.Since(begin).Seconds())
}

// TestFFmpegThatIgnoresTheCapIsEnded lets FFmpeg, which does not read b= lines, send three times as much as it may.
func TestFFmpegThatIgnoresTheCapIsEnded(t *testing.T) {
	path := need(t, ffmpeg)
	g := serve(t, []string{"--open"}, "HEADGATE_CHANNELS_MAX_BITRATE=400000")
	encoder := start(t, "ffmpeg", ffmpegCommand(path, g.whip("live"), tone, "-b:v", "1100k", "-maxrate", "1100k", "-bufsize", "550k", "-minrate", "1100k", "-nal-hrd", "cbr"))
	resource := encoder.prints(t, 15*time.Second, `location=(http\S+),`)[1]
	begin := time.Now()
	g.prints(t, 20*time.Second, `publisher exceeds its cap.*max_bitrate=400000`)
	line := g.prints(t, 20*time.Second, `msg="session ended" session=\S+ action=publish.*reason=bitrate.*diagnosis=bitrate-above-cap.*-b:v.*`)[0]
	t.Logf("ended after %v: %s", time.Since(begin).Round(time.Second), line)
	if status, said := requested(t, http.MethodGet, resource); status != http.StatusNotFound || !strings.Contains(said, `"code":"bitrate"`) {
		t.Errorf("its session says %d %s", status, said)
	}
	if status, said := requested(t, http.MethodDelete, resource); status != http.StatusOK { // FFmpeg takes no notice of the end of DTLS
		t.Errorf("DELETE: %d %s", status, said)
	}
}

func requested(t *testing.T, method, url string) (status int, said string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
