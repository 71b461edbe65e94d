package ui

import (
	"regexp"
	"testing"
)

// three is what a gateway tells of a simulcast publisher, in the section of video.
const three = `{"1":[{"rid":"q","width":320,"height":180,"bitrate":150000},{"rid":"h","width":640,"height":360,"bitrate":500000},{"rid":"f","width":1280,"height":720,"bitrate":0}]}`

// extended is a stub with both extensions and a publisher.
func extended(t *testing.T) *stub {
	s := newStub(t, Config{})
	s.extends = true
	s.live("live")
	return s
}

func TestEventsOfASession(t *testing.T) {
	s := extended(t)
	s.say("active", "{}")
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{ token: "t" }`)
	tb.wait(isLive)
	if n := len(s.requests("POST", s.viewer()+"/events")); n != 0 {
		t.Error("a connection is taken before anybody wants events")
	}
	tb.js(`(window.told = [], ["active", "inactive", "layers", "viewercount"].forEach((name) => client.addEventListener(name, () => told.push(name))), client.events())`)
	post := s.await("POST", s.viewer()+"/events", 1)
	if post.header.Get("Authorization") != "Bearer t" || post.header.Get("Content-Type") != "application/json" || post.body != `["active","inactive","layers","reconnect","viewercount"]` {
		t.Errorf("V-01: POST %s with %v", post.body, post.header)
	}
	s.say("layers", three)
	s.say("viewercount", `{"viewercount":7}`)
	s.say("inactive", `{}`)
	s.say("scte35", `rubbish`)
	s.say("layers", `{broken`)
	tb.wait(`told.join() === "active,layers,viewercount,inactive,layers"`)
	if got := eval[string](tb, `[client.viewers, client.away, client.layers.length].join()`); got != "7,true,0" {
		t.Errorf("viewers, away, layers: %s", got)
	}
	s.say("layers", three)
	tb.wait(`client.layers.map((l) => l.rid + l.height).join() === "q180,h360,f720"`)
	tb.js(`client.stop()`)
	tb.wait(`client.layers.length === 0 && !client.selectable`)
}

// TestEventsComeBack covers a stream that breaks for good while its session lives.
func TestEventsComeBack(t *testing.T) {
	s := extended(t)
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.js(`client.events()`)
	tb.wait(isLive)
	stream := s.viewer() + "/events/e1"
	s.await("GET", stream, 1)
	s.answer("GET "+stream, canned{status: 404, code: "gone", detail: "Gone."}, canned{})
	s.hangUp()
	s.await("POST", s.viewer()+"/events", 2)
	s.await("GET", stream, 3)
	s.say("viewercount", `{"viewercount":3}`)
	tb.wait(`client.viewers === 3`)
}

func TestEventsThatAreRefusedAreLeftAlone(t *testing.T) {
	s := extended(t)
	tb := s.on()
	s.answer("POST /session/s2/events", canned{status: 404, code: "none", detail: "None."})
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.js(`client.events()`)
	tb.wait(isLive)
	s.await("POST", "/session/s2/events", 1)
	tb.js(`new Promise((done) => setTimeout(done, 1500))`)
	if n := len(s.requests("", "/session/s2/events")); n != 1 {
		t.Errorf("%d requests; a refusal is a refusal", n)
	}
}

func TestReconnectBeginsAnotherSession(t *testing.T) {
	s := extended(t)
	s.live("other")
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.js(`client.events()`)
	tb.wait(isLive)
	first := s.viewer()
	s.await("GET", first+"/events/", 1)
	s.say("reconnect", `{"url":"/whep/other"}`)
	s.await("DELETE", first, 1)
	s.await("POST", "/whep/other", 1)
	s.mu.Lock()
	s.said = nil
	s.mu.Unlock()
}

func TestNextURL(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	for said, want := range map[string]string{
		`{"url":"https://b.example/whep/x"}`: "https://b.example/whep/x",
		`{"url":"http://b.example/whep/x"}`:  "https://a.example/whep/live",
		`{"url":"javascript:alert(1)"}`:      "https://a.example/whep/live",
		`{"url":"http://"}`:                  "https://a.example/whep/live",
		`{"url":"x"}`:                        "https://a.example/whep/x",
		`{}`:                                 "https://a.example/whep/live",
	} {
		got := eval[string](tb, `import("/assets/whep.js").then((m) => m.nextURL(`+said+`.url, "https://a.example/whep/live") || "https://a.example/whep/live")`)
		if got != want {
			t.Errorf("%s leads to %s, want %s", said, got, want)
		}
	}
}

func TestLayersAreChosen(t *testing.T) {
	s := extended(t)
	s.say("layers", three)
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{ token: "t" }`)
	tb.js(`client.events()`)
	tb.wait(isLive + ` && client.layers.length === 3`)
	layer := s.viewer() + "/layer"
	sent := func(n int, want string) {
		t.Helper()
		if post := s.await("POST", layer, n); post.body != want || post.header.Get("Authorization") != "Bearer t" || post.header.Get("Content-Type") != "application/json" {
			t.Errorf("V-20: POST %s with %v, want %s", post.body, post.header, want)
		}
	}
	tb.js(`client.selectLayer(client.layers[1])`)
	sent(1, `{"mediaId":"1","rid":"h"}`)
	tb.js(`client.fit(500, 200)`)
	sent(2, `{"mediaId":"1","rid":"h"}`)
	tb.js(`client.selectLayer()`)
	sent(3, `{"mediaId":"1","maxWidth":800,"maxHeight":320}`)
	tb.js(`(client.fit(500, 200), client.fit(0, 0), client.fit(499, 199))`)
	s.answer("POST "+layer, canned{status: 404, code: "layer-unknown", detail: "No such layer."}, canned{})
	if said := eval[string](tb, `client.selectLayer("x").catch((e) => e.message)`); said != "No such layer." {
		t.Errorf("V-21: it says %q", said)
	}
	sent(4, `{"mediaId":"1","rid":"x"}`)
	s.say("layers", three)
	sent(5, `{"mediaId":"1","maxWidth":800,"maxHeight":320}`)
	if got := eval[string](tb, `JSON.stringify(client.selection)`); got != "{}" {
		t.Errorf("the choice is %s after a refusal", got)
	}
}

// TestTheChoiceOutlivesASession wants the next session to begin with what was chosen.
func TestTheChoiceOutlivesASession(t *testing.T) {
	s := extended(t)
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.wait(isLive)
	tb.js(`client.selectLayer("q")`)
	first := s.viewer()
	s.drop(first, "lost")
	s.await("POST", "/whep/live", 2)
	tb.wait(isLive)
	if post := s.await("POST", s.viewer()+"/layer", 1); post.body != `{"mediaId":"1","rid":"q"}` || s.viewer() == first {
		t.Errorf("POST %s", post.body)
	}
}

func TestLayersOfAnEvent(t *testing.T) {
	tb := module(t)
	for _, tc := range []struct{ name, data, want string }{
		{"2.3", three, "q:320x180:150000 h:640x360:500000 f:1280x720:0"},
		{"highest first", `{"1":[{"rid":"f","height":720,"bitrate":9},{"rid":"q","height":180,"bitrate":3}]}`, "q:0x180:3 f:0x720:9"},
		{"an unknown size keeps the order", `{"1":[{"rid":"f","height":720},{"rid":"q"}]}`, "f:0x720:0 q:0x0:0"},
		{"temporal layers are one picture", `{"1":[{"rid":"f","temporalLayerId":0,"bitrate":5},{"rid":"f","temporalLayerId":1,"bitrate":8}]}`, "f:0x0:8"},
		{"spatial layers", `{"1":[{"spatialLayerId":0,"bitrate":5},{"spatialLayerId":1,"bitrate":8}]}`, "/0:0x0:5 /1:0x0:8"},
		{"before October 2024", `{"video":{"active":[{"encodingId":"0","bitrate":4}],"inactive":[{"encodingId":"1"}],"layers":[{"encodingId":"0","width":160,"height":90,"bitrate":4}]}}`, "0:160x90:4"},
		{"another section", `{"0":[{"rid":"a"}],"2":[{"rid":"b"}]}`, ""},
		{"rubbish", `{"1":[null,3,"x",{"rid":7,"width":"wide","bitrate":-1,"height":1e999}]}`, "7:0x0:0"},
		{"no list", `{"1":5}`, ""},
		{"nothing", `null`, ""},
	} {
		got := eval[string](tb, `import("/assets/layers.js").then((m) => m.layersOf(`+tc.data+`, "1").map((l) => l.rid + (l.spatial === undefined ? "" : "/" + l.spatial) + ":" + l.width + "x" + l.height + ":" + l.bitrate).join(" "))`)
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	if got := eval[string](tb, `import("/assets/layers.js").then((m) => [m.mediaID("m=audio 9\r\nm=video 9\r\nm=video 9", "video"), m.mediaID("m=video 9", "video"), m.mediaID("m=audio 9", "video"), m.largest(640), m.largest(1)].join())`); got != "1,0,,1024,32" {
		t.Errorf("media ids, sizes: %s", got)
	}
}

func TestPlayerTellsItsSize(t *testing.T) {
	s := extended(t)
	tb := s.on()
	tb.js(`import("/assets/player.js")`)
	tb.js(`(() => {
		const player = window.player = document.createElement("headgate-player");
		const sheet = new CSSStyleSheet();
		sheet.replaceSync("headgate-player { width: 400px; height: 300px }");
		document.adoptedStyleSheets = [sheet];
		window.sheet = sheet;
		player.setAttribute("muted", "");
		document.body.append(player);
		player.setAttribute("src", "/whep/live");
	})()`)
	tb.wait(`player.client?.state === "live"`)
	if post := s.await("POST", s.viewer()+"/layer", 1); post.body != `{"mediaId":"1","maxWidth":640,"maxHeight":480}` {
		t.Errorf("POST %s", post.body)
	}
	tb.js(`(async () => { for (let width = 399; width > 100; width -= 20) { sheet.replaceSync("headgate-player { width: " + width + "px; height: 90px }"); await new Promise(requestAnimationFrame); } })()`)
	// On a busy machine the changes take longer than one pause between two reports.
	const changes, most = 15, 5
	for n := 2; ; n++ {
		if post := s.await("POST", s.viewer()+"/layer", n); regexp.MustCompile(`"maxWidth":192,"maxHeight":160`).MatchString(post.body) {
			return
		} else if n == most {
			t.Fatalf("%d reports of %d changes, the last one %s", n, changes, post.body)
		}
	}
}
