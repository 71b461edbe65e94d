package integration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// listening plays by medooze's player, and keeps what its EventSource hears and the Links of the session.
const listening = `(async () => {
	window.heard = [];
	const Real = window.EventSource;
	window.EventSource = class extends Real {
		constructor(url) {
			super(url);
			for (const name of ["active", "inactive", "layers", "reconnect", "viewercount"])
				this.addEventListener(name, (e) => window.heard.push([name, e.data]));
		}
	};
	const ask = window.fetch;
	window.fetch = async (...args) => {
		const response = await ask(...args);
		window.links ??= response.headers.get("Link");
		return response;
	};
	window.stopPlaying = await thirdparty.medooze.play(%q, document.querySelector("video"));
	return true;
})()`

// TestMedoozeListensAndSelects V-01, V-04, V-20, V-22, V-23, Q-MED-3: a player of another project, in a page of another origin, opens the event stream
// by itself and hears of Chromium's layers; the page chooses one of them and sees its size, and gives the choice back.
func TestMedoozeListensAndSelects(t *testing.T) {
	needNetwork(t)
	g := startGateway(t)
	publisher := open(t, chromium, startSite(t).url+"/blank.html")
	publisher.run(t, fmt.Sprintf(simulcast, "VP8", g.whip("live")), nil)
	publisher.sendsLayers(t, 3, patience) // TestChromiumSimulcast bounds it
	player := openThirdParty(t, startSite(t))
	player.run(t, fmt.Sprintf(listening, g.whep("live")), nil)
	player.hears(t, "active", "viewercount")
	rids := player.hearsOfLayers(t, 3)
	player.starts(t)
	player.seesHeight(t, 360, patience)
	player.choosesLayer(t, "POST", fmt.Sprintf(`{"mediaId":"1","encodingId":%q}`, rids[0]))
	eventually(t, patience, "the lowest layer is seen", func() error {
		if r := player.report(t); r.height() == 0 || r.height() >= 360 {
			return fmt.Errorf("connection %s, video %+v", r.State, r.Video)
		}
		return nil
	})
	player.choosesLayer(t, "DELETE", "")
	player.seesHeight(t, 360, patience)
	player.run(t, `(async () => { await stopPlaying(); return true; })()`, nil)
}

// heard are the events of the page's stream, each with its data.
func (p *page) heard(t *testing.T) (events [][2]string) {
	t.Helper()
	p.run(t, `(async () => window.heard)()`, &events)
	return events
}

// hears waits until the stream told of all these.
func (p *page) hears(t *testing.T, names ...string) {
	t.Helper()
	eventually(t, patience, p.name+" hears "+strings.Join(names, ", "), func() error {
		events := p.heard(t)
		for _, name := range names {
			found := false
			for _, e := range events {
				found = found || e[0] == name
			}
			if !found {
				return fmt.Errorf("%v", events)
			}
		}
		return nil
	})
}

// hearsOfLayers waits for so many layers with a bit rate and returns their RIDs, lowest first.
func (p *page) hearsOfLayers(t *testing.T, layers int) (rids []string) {
	t.Helper()
	eventually(t, patience, p.name+" hears of layers", func() error {
		events := p.heard(t)
		for _, e := range events {
			var sections map[string][]struct {
				RID     string
				Bitrate int
			}
			if e[0] != "layers" || json.Unmarshal([]byte(e[1]), &sections) != nil {
				continue
			}
			rids = nil
			for _, l := range sections["1"] {
				if l.Bitrate > 0 && !slices.Contains(rids, l.RID) { // each may have temporal layers
					rids = append(rids, l.RID)
				}
			}
			if len(rids) == layers {
				return nil
			}
		}
		return fmt.Errorf("%v", events)
	})
	return rids
}

// choosesLayer sends a selection as medooze's player does.
func (p *page) choosesLayer(t *testing.T, method, body string) {
	t.Helper()
	var status int
	p.run(t, fmt.Sprintf(`(async () => {
		const [, url] = window.links.match(/<([^<>]*)>; rel="urn:ietf:params:whep:ext:core:layer"/);
		const body = %q;
		const response = await fetch(url, { method: %q, headers: body ? { "Content-Type": "application/json" } : {}, body: body || undefined });
		return response.status;
	})()`, body, method), &status)
	if status != 200 {
		t.Fatalf("%s of a selection is answered %d", method, status)
	}
}
