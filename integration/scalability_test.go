package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// scalable publishes a small moving picture as one encoding with scalability layers, and fails where the browser does not encode that.
const scalable = `(async () => {
	const stream = await navigator.mediaDevices.getUserMedia({ video: { width: %d, height: %d, frameRate: 30 } });
	const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
	const sendEncodings = [{ scalabilityMode: %q, maxBitrate: 1_000_000 }];
	const video = pc.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", streams: [stream], sendEncodings });
	video.setCodecPreferences(RTCRtpSender.getCapabilities("video").codecs.filter((codec) => /\/(%s|rtx)$/i.test(codec.mimeType)));
	await pc.setLocalDescription();
	const response = await fetch(%q, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
	if (response.status !== 201) throw new Error(response.status + " " + await response.text());
	await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
	return video.sender.getParameters().encodings[0].scalabilityMode ?? "";
})()`

// playing watches with fetch and nothing else, and keeps where layers are selected and events are read.
const playing = `(async () => {
	const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
	pc.addTransceiver("video", { direction: "recvonly" });
	const video = document.body.appendChild(document.createElement("video"));
	video.muted = true;
	pc.ontrack = (event) => { video.srcObject = new MediaStream([event.track]); video.play(); };
	await pc.setLocalDescription();
	const response = await fetch(%q, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
	if (response.status !== 201) throw new Error(response.status + " " + await response.text());
	window.links = response.headers.get("Link");
	await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
	const [, url] = links.match(/<([^<>]*)>; rel="urn:ietf:params:whep:ext:core:server-sent-events"/);
	const stream = new EventSource((await fetch(url, { method: "POST" })).headers.get("Location"));
	window.heard = [];
	stream.addEventListener("layers", (event) => window.heard.push(["layers", event.data]));
	return true;
})()`

// sublayer is one entry of the layers event.
type sublayer struct {
	Spatial  *int `json:"spatialLayerId"`
	Temporal *int `json:"temporalLayerId"`
	Bitrate  int
	Width    int
	Height   int
	Sent     bool
}

// TestChromiumScalability M-044, M-047, V-20: Chromium publishes VP9 with three spatial and three temporal layers, VP8 and AV1 with three temporal ones;
// another Chromium is sent what it chooses of them, decodes it without a break, and is sent everything again.
func TestChromiumScalability(t *testing.T) {
	for _, row := range []struct {
		codec, mode       string
		width, height     int
		spatial, temporal int // layers
	}{
		{"VP8", "L1T3", 640, 360, 1, 3},
		{"VP9", "L3T3_KEY", 960, 540, 3, 3}, // smaller ones are not sent in three sizes
		{"VP9", "L3T3", 960, 540, 3, 3},
		{"VP9", "L1T3", 640, 360, 1, 3},
		{"AV1", "L1T3", 640, 360, 1, 3},
	} {
		t.Run(row.codec+" "+row.mode, func(t *testing.T) {
			needNetwork(t)
			g := startGateway(t)
			publisher := open(t, chromium, startSite(t).url+"/blank.html")
			var mode string
			publisher.run(t, fmt.Sprintf(scalable, row.width, row.height, row.mode, row.codec, g.whip("live")), &mode)
			if mode != row.mode {
				lacking(t, "a browser that encodes %s as %s, this one says %q", row.codec, row.mode, mode)
			}
			publisher.sendsFrames(t, 60) // what they are made of is known by then
			viewer := open(t, chromium, startSite(t).url+"/blank.html")
			viewer.run(t, fmt.Sprintf(playing, g.whep("live")), nil)
			viewer.starts(t)
			viewer.hearsOfSublayers(t, row.height, row.spatial, row.temporal)
			viewer.seesHeight(t, row.height, 20*time.Second)
			viewer.rate(t, 5*time.Second) // what was replayed at the join is caught up with within 4 s
			full := viewer.rate(t, 3*time.Second)
			before := viewer.report(t)

			viewer.choosesLayer(t, "POST", `{"maxTemporalLayerId":0}`)
			viewer.settles(t)
			if rate := viewer.rate(t, 3*time.Second); rate > full/2 || rate < full/8 {
				t.Errorf("%.1f pictures a second of the lowest temporal layer, %.1f of all", rate, full)
			}
			viewer.choosesLayer(t, "POST", `{"temporalLayerId":1}`)
			viewer.settles(t)
			if rate := viewer.rate(t, 3*time.Second); rate > full*0.75 || rate < full*0.3 {
				t.Errorf("%.1f pictures a second of two temporal layers, %.1f of all", rate, full)
			}
			for sid := row.spatial - 2; sid >= 0; sid-- {
				viewer.choosesLayer(t, "POST", fmt.Sprintf(`{"spatialLayerId":%d}`, sid))
				viewer.seesLines(t, row.height>>(row.spatial-1-sid))
				if rate := viewer.rate(t, 2*time.Second); rate < full*0.7 {
					t.Errorf("%.1f pictures a second of spatial layer %d, %.1f of all", rate, sid, full)
				}
			}
			if status := viewer.refusal(t, fmt.Sprintf(`{"spatialLayerId":%d}`, row.spatial)); status != http.StatusNotFound {
				t.Errorf("a spatial layer that is not there is answered %d", status)
			}
			viewer.choosesLayer(t, "DELETE", "")
			viewer.seesLines(t, row.height)
			viewer.settles(t)
			if rate := viewer.rate(t, 3*time.Second); rate < full*0.7 {
				t.Errorf("%.1f pictures a second in the end, %.1f in the beginning", rate, full)
			}
			after := viewer.report(t)
			t.Logf("%.1f pictures a second; PLIs %d, NACKs %d, longest gap %.0f ms, key frames %d; %s", full, after.Video.PLIs-before.Video.PLIs,
				after.Video.NACKs-before.Video.NACKs, after.LongestGap, after.Video.KeyFrames-before.Video.KeyFrames, cpuPressure())
			if plis := after.Video.PLIs - before.Video.PLIs; plis > 2 {
				t.Errorf("the decoder asked for %d key frames", plis)
			}
		})
	}
}

// sendsFrames waits until so many pictures have left the page.
func (p *page) sendsFrames(t *testing.T, frames int) {
	t.Helper()
	eventually(t, 20*time.Second, fmt.Sprintf("%s sends %d pictures", p.name, frames), func() error {
		if sent := p.report(t).Sent; len(sent) != 1 || sent[0].Frames < frames {
			return fmt.Errorf("%+v", sent)
		}
		return nil
	})
}

// rate is how many pictures a second are decoded.
func (p *page) rate(t *testing.T, over time.Duration) float64 {
	t.Helper()
	var before, after struct {
		Frames int
		At     float64 // ms
	}
	p.run(t, "headgateProbe.decoded()", &before)
	<-time.After(over)
	p.run(t, "headgateProbe.decoded()", &after)
	return float64(after.Frames-before.Frames) / (after.At - before.At) * 1000
}

// settles lets what was sent before a choice go by.
func (p *page) settles(t *testing.T) {
	t.Helper()
	p.rate(t, time.Second)
}

// seesLines waits until the picture has just so many lines.
func (p *page) seesLines(t *testing.T, height int) {
	t.Helper()
	eventually(t, 10*time.Second, fmt.Sprintf("%s sees %d lines", p.name, height), func() error {
		if r := p.report(t); r.Video.Height < height || r.Video.Height > height+1 { // decoders round up to even numbers
			return fmt.Errorf("%dx%d", r.Video.Width, r.Video.Height)
		}
		return nil
	})
}

// hearsOfSublayers waits until all scalability layers are listed, the highest as the one that is sent.
func (p *page) hearsOfSublayers(t *testing.T, lines, spatial, temporal int) {
	t.Helper()
	eventually(t, 30*time.Second, p.name+" hears of all layers", func() error {
		events := p.heard(t)
		if len(events) == 0 {
			return fmt.Errorf("no event")
		}
		var sections map[string][]sublayer
		if err := json.Unmarshal([]byte(events[len(events)-1][1]), &sections); err != nil {
			return err
		}
		list := sections["0"]
		if len(list) != spatial*temporal {
			return fmt.Errorf("%s", events[len(events)-1][1])
		}
		for i, l := range list {
			if l.Temporal == nil || *l.Temporal != i%temporal || (l.Spatial == nil) != (spatial == 1) || l.Bitrate == 0 || l.Sent != (i == len(list)-1) {
				return fmt.Errorf("%s", events[len(events)-1][1])
			}
			if height := lines >> (spatial - 1 - i/temporal); l.Height != height || i%temporal > 0 && l.Bitrate <= list[i-1].Bitrate {
				return fmt.Errorf("%s", events[len(events)-1][1])
			}
		}
		t.Log(strings.TrimSpace(events[len(events)-1][1]))
		return nil
	})
}

// refusal is the status of a selection.
func (p *page) refusal(t *testing.T, body string) (status int) {
	t.Helper()
	p.run(t, fmt.Sprintf(`(async () => {
		const [, url] = window.links.match(/<([^<>]*)>; rel="urn:ietf:params:whep:ext:core:layer"/);
		return (await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: %q })).status;
	})()`, body), &status)
	return status
}
