package integration

import (
	"errors"
	"strings"
	"testing"
)

// counterOffered plays from a WHEP address by a counter-offer: the page offers neither sound nor picture, and answers what the gateway offers.
const counterOffered = `(async () => {
  const asking = new RTCPeerConnection();
  asking.createDataChannel("nothing");
  await asking.setLocalDescription();
  const type = { "Content-Type": "application/sdp" };
  const posted = await fetch("WHEP", { method: "POST", headers: type, body: asking.localDescription.sdp });
  asking.close();
  if (posted.status !== 406) return "POST " + posted.status + " " + await posted.text();
  const pc = new RTCPeerConnection();
  const video = document.createElement("video");
  Object.assign(video, { muted: true, autoplay: true, playsInline: true, srcObject: new MediaStream() });
  document.body.append(video);
  pc.ontrack = (event) => video.srcObject.addTrack(event.track);
  await pc.setRemoteDescription({ type: "offer", sdp: await posted.text() });
  await pc.setLocalDescription();
  const patched = await fetch(posted.headers.get("Location"), { method: "PATCH", headers: type, body: pc.localDescription.sdp });
  if (patched.status !== 204) return "PATCH " + patched.status + " " + await patched.text() + pc.localDescription.sdp;
  return "PATCH " + patched.status + " until " + posted.headers.get("Content-Type");
})()`

// TestBrowsersAnswerCounterOffers T-100, T-101: browsers take what the gateway offers, with every codec of the channel's list in it.
func TestBrowsersAnswerCounterOffers(t *testing.T) {
	for _, row := range []struct {
		player  client
		codec   string
		publish func(*testing.T, *gateway)
	}{
		{chromium, "H264", func(t *testing.T, g *gateway) { publishFFmpeg(t, g, "live") }},
		{firefox, "VP8", func(t *testing.T, g *gateway) { publishPage(t, chromium, g, "live", "VP8") }},
	} {
		t.Run(row.player.name, func(t *testing.T) {
			needNetwork(t)
			g := startGateway(t)
			row.publish(t, g)
			page := open(t, row.player, g.url+"/") // any page of the gateway
			var said string
			eventually(t, patience, "the channel is live", func() error {
				page.run(t, strings.Replace(counterOffered, "WHEP", g.whep("live"), 1), &said)
				if strings.HasPrefix(said, "POST 409") {
					return errors.New(said)
				}
				return nil
			})
			if !strings.HasPrefix(said, "PATCH 204") || !strings.Contains(said, "valid-until=") {
				t.Fatal(said)
			}
			if r := page.starts(t); r.Video.Codec != row.codec {
				t.Errorf("codec %q", r.Video.Codec)
			}
		})
	}
}
