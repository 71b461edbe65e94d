package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// countered plays by the module of the pages what the gateway offers, and lets it tell.
const countered = `(async () => {
  const { WHEPClient } = await import("/assets/whep.js");
  const client = window.client = new WHEPClient("WHEP", { kinds: KINDS });
  const video = document.createElement("video");
  Object.assign(video, { muted: true, autoplay: true, playsInline: true, srcObject: client.stream });
  document.body.append(video);
  client.events();
  await client.play();
  return client.response.status;
})()`

// alwaysCounter is a gateway that answers no player's offer.
func alwaysCounter(t *testing.T) *gateway {
	t.Helper()
	file := filepath.Join(t.TempDir(), "headgate.yaml")
	if err := os.WriteFile(file, []byte("sessions:\n  counter_offer: always\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return startGateway(t, "--config", file)
}

// TestTheModuleAnswersCounterOffers W-04: the page's module plays where its own offers are not taken, hears of events, and repairs its
// connection by an ICE restart of the same session.
func TestTheModuleAnswersCounterOffers(t *testing.T) {
	for _, row := range []struct {
		player  client
		publish func(*testing.T, *gateway)
	}{
		{chromium, func(t *testing.T, g *gateway) { publishFFmpeg(t, g, "live") }},
		{firefox, func(t *testing.T, g *gateway) { publishPage(t, chromium, g, "live", "VP8") }},
	} {
		t.Run(row.player.name, func(t *testing.T) {
			needNetwork(t)
			g := alwaysCounter(t)
			row.publish(t, g)
			page := open(t, row.player, g.url+"/")
			var status int
			page.run(t, fill(countered, g.whep("live"), `["audio", "video"]`), &status)
			if status != 406 {
				t.Fatalf("the POST was answered %d", status)
			}
			page.starts(t)
			page.eventually(t, patience, "it hears of viewers", `client.state === "live" && client.viewers === 1`)
			for range 2 { // the second is the way of every session
				page.restarts(t)
				page.showsMore(t, page.report(t).Video.Frames+15, patience)
			}
			if after := page.report(t); after.Connections != 1 {
				t.Errorf("%d connections", after.Connections)
			}
		})
	}
}

// TestTheModuleTakesOneKindOfACounterOffer W-13: what is not wanted is rejected.
func TestTheModuleTakesOneKindOfACounterOffer(t *testing.T) {
	needNetwork(t)
	g := alwaysCounter(t)
	publishFFmpeg(t, g, "live")
	page := open(t, chromium, g.url+"/")
	page.run(t, fill(countered, g.whep("live"), `["audio"]`), nil)
	page.eventually(t, patience, "sound alone plays", `client.state === "live" && client.stream.getTracks().map((track) => track.kind).join() === "audio"`)
	page.restarts(t)
	before := 0
	eventually(t, patience, "sound goes on", func() error {
		r := page.report(t)
		if r.Audio == nil {
			return errors.New("no sound yet")
		}
		if before == 0 {
			before = r.Audio.Packets
		}
		if r.Audio.Packets < before+25 {
			return fmt.Errorf("%d packets after %d", r.Audio.Packets, before)
		}
		return nil
	})
}

// restarts restarts ICE, and waits until packets come on the new path.
func (p *page) restarts(t *testing.T) {
	t.Helper()
	var ufrags []string
	p.run(t, `(async () => {
		const ufrag = () => /a=ice-ufrag:(.*)/.exec(client.pc.currentRemoteDescription.sdp)[1];
		const before = ufrag();
		await client.restart();
		return [before, ufrag()];
	})()`, &ufrags)
	if len(ufrags) != 2 || ufrags[0] == ufrags[1] {
		t.Errorf("the gateway's ufrags are %q", ufrags)
	}
	p.eventually(t, patience, "it is connected", `client.pc.connectionState === "connected"`)
}

func fill(script, endpoint, kinds string) string {
	return strings.NewReplacer("WHEP\"", endpoint+"\"", "KINDS", kinds).Replace(script)
}
