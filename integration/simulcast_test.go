package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// simulcast publishes the test camera in three layers with fetch and nothing else, and keeps offer and answer for the test to look at.
const simulcast = `(async () => {
	const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720, frameRate: 30 } });
	const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
	pc.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly", streams: [stream] });
	const layers = [["q", 4, 150_000], ["h", 2, 500_000], ["f", 1, 1_500_000]];
	const sendEncodings = layers.map(([rid, scaleResolutionDownBy, maxBitrate]) => ({ rid, scaleResolutionDownBy, maxBitrate }));
	const video = pc.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", streams: [stream], sendEncodings });
	video.setCodecPreferences(RTCRtpSender.getCapabilities("video").codecs.filter((codec) => /\/(%s|rtx)$/i.test(codec.mimeType)));
	await pc.setLocalDescription();
	const response = await fetch(%q, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
	if (response.status !== 201) throw new Error(response.status + " " + await response.text());
	const answer = await response.text();
	await pc.setRemoteDescription({ type: "answer", sdp: answer });
	return answer.split("\r\n").filter((line) => /^a=(simulcast|rid)/.test(line));
})()`

// publishSimulcast lets a browser publish three layers of a codec, and checks that the answer takes all.
func publishSimulcast(t *testing.T, b client, g *gateway, codec string) *page {
	t.Helper()
	publisher := open(t, b, startSite(t).url+"/blank.html")
	var lines []string
	publisher.run(t, fmt.Sprintf(simulcast, codec, g.whip("live")), &lines)
	want := []string{"a=rid:q recv", "a=rid:h recv", "a=rid:f recv", "a=simulcast:recv q;h;f"}
	if fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("the answer says %q, want %q", lines, want)
	}
	return publisher
}

// sendsLayers waits until so many layers of video really leave the page.
func (p *page) sendsLayers(t *testing.T, layers int, timeout time.Duration) {
	t.Helper()
	eventually(t, timeout, fmt.Sprintf("%s sends %d layers", p.name, layers), func() error {
		live := 0
		sent := p.report(t).Sent
		for _, stream := range sent {
			if stream.Kind == "video" && stream.Frames > 5 && stream.Active {
				live++
			}
		}
		if live < layers {
			return p.late("%d do: %+v", live, sent)
		}
		return nil
	})
}

// seesHeight waits until the picture has at least so many lines.
func (p *page) seesHeight(t *testing.T, height int, timeout time.Duration) {
	t.Helper()
	eventually(t, timeout, fmt.Sprintf("%s sees %d lines", p.name, height), func() error {
		if r := p.report(t); r.height() < height {
			return p.late("connection %s, video %+v", r.State, r.Video)
		}
		return nil
	})
}

// getsLayers waits until the gateway says that so many layers come, the lowest first.
func (g *gateway) getsLayers(t *testing.T, layers int, timeout time.Duration) {
	t.Helper()
	type layer struct {
		RID           string
		Width, Height int
		Bits          int `json:"bits_per_second"`
	}
	eventually(t, timeout, fmt.Sprintf("the gateway gets %d layers", layers), func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/api/v1/channels", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		var list struct {
			Channels []struct{ Publications []struct{ Layers []layer } }
		}
		if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
			return err
		}
		if len(list.Channels) != 1 || len(list.Channels[0].Publications) != 1 {
			return fmt.Errorf("%+v", list)
		}
		got, live := list.Channels[0].Publications[0].Layers, 0
		for i, l := range got {
			if i > 0 && l.Width*l.Height <= got[i-1].Width*got[i-1].Height {
				return fmt.Errorf("not lowest first: %+v", got)
			}
			if l.Bits > 0 {
				live++
			}
		}
		if live < layers {
			return fmt.Errorf("%+v", got)
		}
		t.Logf("%+v", got)
		return nil
	})
}
