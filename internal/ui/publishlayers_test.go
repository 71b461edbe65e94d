package ui

import (
	"strings"
	"testing"
)

// gets is what the API says when two of three layers arrive.
const gets = `{"session":"s-1","facts":{"publisher":{"layers":[{"kind":"audio","bits_per_second":24000},
	{"kind":"video","rid":"f","bits_per_second":1500000},{"kind":"video","rid":"h","bits_per_second":400000},{"kind":"video","rid":"q","bits_per_second":0}]}}}`

// largeCamera gives 720 lines even while other tests want the one test camera smaller.
const largeCamera = picture + `; if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => picture(1280, 720);`

func TestPublishShowsItsLayers(t *testing.T) {
	s := newStub(t, Config{})
	s.diagnosis = gets
	tb := newTab(t, look{before: largeCamera})
	tb.open(s.URL + "/publish/live")
	if !eval[bool](tb, `document.getElementById("simulcast").checked && document.getElementById("layers").hidden`) {
		t.Error("a camera of 720p is not offered in layers, or a table is shown before anything is sent")
	}
	tb.click("#go")
	tb.state("live")
	row := func(i int) string { return `document.querySelectorAll("#layer-rows tr")[` + inJS(t, i) + `].innerText` }
	tb.wait(`!document.getElementById("layers").hidden && document.querySelectorAll("#layer-rows tr").length === 3`)
	tb.wait(`/^q\s+\d+ × \d+\s+\d+\s+\d+ kbit\/s[\s\S]*nothing$/.test(` + row(2) + `)`)
	tb.wait(`/^h[\s\S]*400 kbit\/s$/.test(` + row(1) + `) && /^f[\s\S]*1.5 Mbit\/s$/.test(` + row(0) + `)`)
	if got := eval[string](tb, `document.getElementById("simulcast").disabled + " " + headgate.layers`); got != "true q,h,f" {
		t.Errorf("live: %s", got)
	}
	tb.click("#go")
	tb.state("idle")
	tb.wait(`document.getElementById("layers").hidden && !document.getElementById("simulcast").disabled`)
}

func TestPublishOffersLayersWhereTheyAreOfUse(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live")
	choose := func(id, value string) {
		tb.js(`(() => { const f = document.getElementById("` + id + `"); f.value = "` + value + `"; f.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	}
	checked := func(when string, want bool) {
		t.Helper()
		if got := eval[bool](tb, `document.getElementById("simulcast").checked`); got != want {
			t.Errorf("%s: simulcast %v, want %v", when, got, want)
		}
	}
	checked("camera", true)
	choose("size", "480")
	checked("a small picture", false)
	choose("size", "1080")
	tb.click("input[value=screen] + span")
	checked("screen", false)
	tb.click("#simulcast")
	checked("a screen, but somebody wants it", true)
	choose("codec", "VP9")
	checked("a codec without", false)
	if !eval[bool](tb, `document.getElementById("simulcast").disabled`) || !strings.Contains(tb.text("#simulcast-why"), "H264") {
		t.Error("it does not say which codecs")
	}
	choose("codec", "VP8")
	checked("again", true)
}

func TestWordsForLayersThatWait(t *testing.T) {
	tb := module(t)
	for layer, want := range map[string]string{
		`{ active: false, bitrate: 0, fps: 0, limited: "" }`:            "the picture is too small for more",
		`{ active: true, bitrate: 0, fps: 0, limited: "" }`:             "until the network takes more",
		`{ active: true, bitrate: 0, fps: 0, limited: "cpu" }`:          "this computer cannot encode it too",
		`{ active: true, bitrate: 9e5, fps: 30, limited: "bandwidth" }`: "held back by the network",
		`{ active: true, bitrate: 9e5, fps: 30, limited: "" }`:          "",
	} {
		if got := eval[string](tb, `import("/assets/sending.js").then((m) => m.stateOf(`+layer+`))`); got != want {
			t.Errorf("%s: %q, want %q", layer, got, want)
		}
	}
}

func TestHowManyLayersAPictureIsWorth(t *testing.T) {
	tb := module(t)
	if got := eval[string](tb, `import("/assets/simulcast.js").then((m) => [[1920, 1080], [1280, 720], [720, 1280], [960, 540], [854, 480], [640, 360], [480, 270], [320, 180], [0, 0], []].map(([w, h]) => m.worth(w, h)).join())`); got != "3,3,3,3,2,2,2,1,3,3" {
		t.Errorf("layers %s", got)
	}
}
