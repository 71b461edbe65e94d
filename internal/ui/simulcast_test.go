package ui

import (
	"regexp"
	"strings"
	"testing"
)

const (
	sender    = `client.pc.getSenders().find((s) => s.track.kind === "video")`
	encodings = `JSON.stringify(` + sender + `.getParameters().encodings.map((e) => [e.rid, e.active, e.scaleResolutionDownBy, e.maxBitrate]))`
	// sentHeight leaves the lines of the largest layer that was sent in window.sent.
	sentHeight = `client.pc.getStats().then((r) => window.sent = Math.max(0, ...[...r.values()].filter((e) => e.type === "outbound-rtp" && e.kind === "video" && e.framesSent > 0).map((e) => e.frameHeight ?? 0)))`
)

// picture is what a page sends in these tests, of some size.
const picture = `window.picture = (width, height) => {
	const canvas = document.createElement("canvas");
	Object.assign(canvas, { width, height });
	const context = canvas.getContext("2d");
	setInterval(() => context.fillRect(Math.random() * 99, 0, 9, 9), 50);
	return canvas.captureStream(20);
}`

// layersOn publishes such a picture.
func layersOn(tb *tab, url, options, size string) {
	tb.js(`(async () => {
		` + picture + `;
		const { WHIPClient } = await import("/assets/whip.js");
		window.client = new WHIPClient("` + url + `", ` + options + `);
		client.publish(picture(` + size + `)).catch(() => {});
	})()`)
}

func TestWHIPClientOffersLayersN210(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	layersOn(tb, s.URL+"/whip/live", `{ simulcast: true, bitrate: 1000000 }`, "1280, 720")
	tb.wait(isLive)
	post := s.await("POST", "/whip/live", 1)
	for _, want := range []string{"a=simulcast:send q;h;f", "a=rid:q send", "VP8/90000", "H264/90000"} {
		if !strings.Contains(post.body, want) {
			t.Errorf("the offer has no %s", want)
		}
	}
	if found := regexp.MustCompile(`a=rtpmap:\d+ (VP9|AV1)/`).FindString(post.body); found != "" {
		t.Errorf("the offer has %s, which browsers do not send as simulcast", found)
	}
	tb.wait(encodings + ` === '[["q",true,4,70000],["h",true,2,210000],["f",true,1,720000]]'`)
	if got := eval[string](tb, `client.layers.join()`); got != "q,h,f" {
		t.Errorf("layers %q", got)
	}
	// Another picture is arranged as it is worth; of too many layers, browsers leave out the largest (N-217).
	tb.js(`client.limit(2000000)`)
	for size, want := range map[string]string{
		"640, 360":  `[["q",true,2,440000],["h",true,1,1560000],["f",false,1,1560000]]`,
		"320, 180":  `[["q",true,1,2000000],["h",false,1,2000000],["f",false,1,2000000]]`,
		"1280, 720": `[["q",true,4,140000],["h",true,2,420000],["f",true,1,1440000]]`,
	} {
		tb.js(`client.replace(picture(` + size + `).getVideoTracks()[0])`)
		if got := eval[string](tb, encodings); got != want {
			t.Errorf("%s: encodings %s", size, got)
		}
	}
}

func TestWHIPClientOffersTwoLayersOfASmallPicture(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	layersOn(tb, s.URL+"/whip/live", `{ simulcast: true, bitrate: 1000000 }`, "640, 360")
	tb.wait(isLive)
	if post := s.await("POST", "/whip/live", 1); !strings.Contains(post.body, "a=simulcast:send h;f\r\n") {
		t.Error("want two layers in the offer")
	}
	tb.wait(encodings + ` === '[["h",true,2,220000],["f",true,1,780000]]'`)
	tb.wait(sentHeight + `, window.sent >= 360`)
	tb.js(`client.stop()`)
	layersOn(tb, s.URL+"/whip/less", `{ simulcast: true, bitrate: 1000000 }`, "320, 180")
	if post := s.await("POST", "/whip/less", 1); strings.Contains(post.body, "a=simulcast") {
		t.Error("a very small picture is offered in layers")
	}
}

// TestWithoutSimulcastInTheAnswerN212 wants the whole picture: the first encoding,
// which is all that may be sent then, was offered as the smallest.
func TestWithoutSimulcastInTheAnswerN212(t *testing.T) {
	s := newStub(t, Config{})
	s.single = true
	tb := s.on()
	layersOn(tb, s.URL+"/whip/live", `{ simulcast: true, codec: "VP8", bitrate: 1000000 }`, "1280, 720")
	tb.wait(isLive)
	tb.wait(encodings + `.startsWith('[["q",true,1,1000000]')`)
	if n := eval[int](tb, `client.layers.length`); n != 0 {
		t.Errorf("%d layers", n)
	}
	tb.wait(sentHeight + `, window.sent === 720`)
	tb.js(`client.limit(300000)`)
	if got := eval[string](tb, encodings); !strings.HasPrefix(got, `[["q",true,1,300000]`) {
		t.Errorf("after another limit: %s", got)
	}
}

func TestNoLayersOfCodecsLayeredOtherwise(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	for _, codec := range []string{"VP9", "AV1"} {
		layersOn(tb, s.URL+"/whip/"+codec, `{ simulcast: true, codec: "`+codec+`" }`, "1280, 720")
		if post := s.await("POST", "/whip/"+codec, 1); strings.Contains(post.body, "a=simulcast") || !strings.Contains(post.body, codec+"/90000") {
			t.Errorf("%s: the offer has simulcast, or another codec", codec)
		}
		tb.js(`client.stop()`)
	}
}

func TestLayersOfAnAnswer(t *testing.T) {
	tb := module(t)
	for sdp, want := range map[string]string{
		"v=0\r\nm=video 9 x 96\r\na=simulcast:recv q;h;f\r\n": "q,h,f",
		"a=simulcast:recv ~0;1,2\r\n":                         "0,1",
		"a=simulcast:send a recv b;c\r\n":                     "b,c",
		"a=simulcast:send a\r\n":                              "",
		"a=rid:q recv\r\n":                                    "",
	} {
		if got := eval[string](tb, `import("/assets/simulcast.js").then((m) => m.takenLayers(`+inJS(t, sdp)+`).join())`); got != want {
			t.Errorf("%q: layers %q, want %q", sdp, got, want)
		}
	}
}
