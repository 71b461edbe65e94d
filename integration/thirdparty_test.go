package integration

import (
	"fmt"
	"strings"
	"testing"
)

// thirdParties are the clients in thirdparty/thirdparty.js.
var thirdParties = []struct {
	name string
	// trickles: its PATCH has the condition that RFC 9725 wants. The other one sends ETag instead of If-Match, is answered 428 and stops trickling;
	// it connects by its checks (Q-EYE-1).
	trickles bool
}{
	{name: "medooze", trickles: true},
	{name: "eyevinn"},
}

// TestThirdPartyPublishes T-11, Q-MED, Q-EYE: clients of other projects publish from a page of another origin, so CORS must let their scripts read
// Location, ETag and Link; stop ends with DELETE.
func TestThirdPartyPublishes(t *testing.T) {
	for _, row := range thirdParties {
		t.Run(row.name, func(t *testing.T) {
			g := startGateway(t)
			publisher := openThirdParty(t, startSite(t))
			publisher.run(t, fmt.Sprintf(`(async () => {
				const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
				window.stopPublishing = await thirdparty.%s.publish(%q, stream);
				return true;
			})()`, row.name, g.whip("live")), nil)
			eventually(t, patience, row.name+" publishes", func() error { return publisher.sends(t, "video", 3) })
			watch(t, chromium, g, "live").plays(t, picture{codec: "H264"})
			t.Logf("%s asked: %s", row.name, publisher.exchanges(t))
			if row.trickles {
				publisher.trickled(t)
			}
			publisher.run(t, `(async () => { await stopPublishing(); return true; })()`, nil)
			publisher.deleted(t)
		})
	}
}

// TestThirdPartyPlays Q-MED-1, Q-WRP-1: players of other projects play from a page of another origin.
func TestThirdPartyPlays(t *testing.T) {
	for _, row := range thirdParties {
		t.Run(row.name, func(t *testing.T) {
			g := startGateway(t)
			publishFFmpeg(t, g, "live")
			player := openThirdParty(t, startSite(t))
			player.run(t, fmt.Sprintf(`(async () => {
				window.stopPlaying = await thirdparty.%s.play(%q, document.querySelector("video"));
				return true;
			})()`, row.name, g.whep("live")), nil)
			player.plays(t, picture{codec: "H264", rate: 25})
			t.Logf("%s asked: %s", row.name, player.exchanges(t))
			player.run(t, `(async () => { await stopPlaying(); return true; })()`, nil)
		})
	}
}

// deleted asserts that the page ended its session with a DELETE that was answered 200 (N-150).
func (p *page) deleted(t *testing.T) {
	t.Helper()
	eventually(t, patience, p.name+" ends its session", func() error {
		requests := p.report(t).Requests
		for _, r := range requests {
			if r.Method == "DELETE" && r.Status == 200 {
				return nil
			}
		}
		return fmt.Errorf("its requests: %+v", requests)
	})
}

// exchanges lists what the page asked over HTTP and what it was answered: "OPTIONS 204, POST 201".
func (p *page) exchanges(t *testing.T) string {
	t.Helper()
	var all []string
	for _, r := range p.report(t).Requests {
		all = append(all, fmt.Sprintf("%s %d", r.Method, r.Status))
	}
	return strings.Join(all, ", ")
}
