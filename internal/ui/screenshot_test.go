package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// onAir is a listing with what may come: calls, odd names, no picture.
const onAir = `{"channels":[
	{"name":"live","publications":[{"participant":"main","source":"main","state":"live","video":"H264","audio":"opus","width":1920,"height":1080}],"viewers":128},
	{"name":"workshop","publications":[
		{"participant":"anna","source":"camera","state":"live","video":"VP8","audio":"opus","width":1280,"height":720},
		{"participant":"anna","source":"screen","state":"live","video":"AV1","width":2560,"height":1440},
		{"participant":"guest-x3k9qa7b","source":"main","state":"live","audio":"opus"}],"viewers":1},
	{"name":"radio","publications":[{"participant":"main","source":"main","state":"live","audio":"opus"}],"viewers":12},
	{"name":"<img src=x onerror=alert(1)>&\"","publications":[{"participant":"<b>main</b>","source":"main","state":"interrupted","video":"<i>VP8</i>","width":640,"height":360}],"viewers":0}
]}`

// TestScreenshots is for eyes: it writes pictures of every page where
// HEADGATE_SCREENSHOTS says, and does nothing otherwise.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("HEADGATE_SCREENSHOTS")
	if dir == "" {
		t.Skip("HEADGATE_SCREENSHOTS names no directory")
	}
	s := newStub(t, Config{})
	s.live("live")
	s.settings = `{"version":"0.1.0","open":false}`
	s.answer("POST /whep/closed", canned{status: 401, code: "no-token", detail: "This channel wants a token. Ask whoever runs this gateway for a link."})
	for _, l := range []look{{width: 390, height: 844}, {width: 390, height: 844, dark: true}, {width: 1280, height: 800}, {width: 1280, height: 800, dark: true}} {
		for _, shot := range shots {
			t.Run(fmt.Sprintf("%s/%d/dark=%v", shot.name, l.width, l.dark), func(t *testing.T) {
				l := l
				l.before = shot.before
				tb := newTab(t, l)
				shot.take(s, tb)
				png, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
				if err != nil {
					t.Fatal(err)
				}
				name := fmt.Sprintf("%s-%d-%s.png", shot.name, l.width, map[bool]string{false: "light", true: "dark"}[l.dark])
				if err := os.WriteFile(filepath.Join(dir, name), png, 0o600); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

var shots = []struct {
	name, before string
	take         func(s *stub, tb *tab)
}{
	{name: "home-empty", take: func(s *stub, tb *tab) {
		s.setListing(`{"channels":[]}`)
		tb.open(s.URL + "/")
		tb.state("live")
	}},
	{name: "home-on-air", take: func(s *stub, tb *tab) {
		s.setListing(onAir)
		tb.open(s.URL + "/")
		tb.wait("document.querySelectorAll('.card').length === 4")
		tb.click("#tab-ffmpeg")
	}},
	{name: "check-idle", take: func(s *stub, tb *tab) { tb.open(s.URL + "/check") }},
	{name: "check-works", take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/check")
		tb.click("#look")
		tb.click("#go")
		tb.state("done")
	}},
	{name: "check-refused", take: func(s *stub, tb *tab) {
		s.answer("POST /whip/closed", canned{status: 403, code: "not-allowed", detail: "This token does not open this channel."})
		tb.open(s.URL + "/check#token=abc")
		tb.typeIn("channel", "closed")
		tb.click("#go")
		tb.state("done")
	}},
	{name: "publish-idle", take: func(s *stub, tb *tab) { tb.open(s.URL + "/publish/studio") }},
	{name: "publish-live", take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/publish/studio/anna")
		tb.click("#go")
		tb.state("live")
		tb.wait("document.querySelector('#numbers').innerText.includes('×')")
	}},
	{name: "publish-layers", before: largeCamera, take: func(s *stub, tb *tab) {
		s.diagnosis = gets
		tb.open(s.URL + "/publish/studio")
		tb.click("#go")
		tb.state("live")
		tb.wait("document.querySelectorAll('#layer-rows tr').length === 3 && /q[^]*kbit[^]*nothing/.test(document.querySelector('#layer-rows').innerText)")
	}},
	{name: "publish-insecure", take: func(s *stub, tb *tab) {
		tb.open(insecure(s) + "/publish/studio")
		tb.state("error")
	}},
	{name: "publish-refused", before: refuse("NotAllowedError"), take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/publish/studio")
		tb.click("#go")
		tb.state("error")
	}},
	{name: "watch-live", take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/watch/live")
		tb.state("live")
		tb.click("#stats-button")
		tb.wait("document.querySelector('#numbers').innerText.includes('×')")
	}},
	{name: "watch-layers", take: func(s *stub, tb *tab) {
		s.extends, s.diagnosis = true, watched
		s.say("layers", three)
		s.say("viewercount", `{"viewercount":12}`)
		tb.open(s.URL + "/watch/live")
		tb.state("live")
		tb.click("#stats-button")
		tb.wait("document.querySelector('#numbers').innerText.includes('Network takes') && /Gateway to screen\\s+\\d/.test(document.querySelector('#numbers').innerText)")
		tb.click("#quality")
	}},
	{name: "watch-paused", take: func(s *stub, tb *tab) {
		s.diagnosis = paused
		tb.open(s.URL + "/watch/live")
		tb.state("live")
		tb.wait("!document.querySelector('#paused').hidden")
	}},
	{name: "watch-muted", before: wantsGesture, take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/watch/live")
		tb.state("live")
		tb.wait(`document.getElementById("player").silenced`)
	}},
	{name: "watch-waiting", take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/watch/nobody")
		tb.state("waiting")
	}},
	{name: "watch-error", take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/watch/closed")
		tb.state("error")
	}},
	{name: "publish-advice", take: func(s *stub, tb *tab) {
		s.diagnosis = stutters
		tb.open(s.URL + "/publish/studio")
		tb.click("#go")
		tb.state("live")
		tb.wait(`!document.querySelector("#advice").hidden`)
	}},
	{name: "watch-advice", take: func(s *stub, tb *tab) {
		s.diagnosis = unreachable
		tb.open(s.URL + "/watch/closed")
		tb.state("error")
		tb.wait(`!document.querySelector("#advice").hidden`)
	}},
	{name: "watch-ask", take: func(s *stub, tb *tab) { tb.open(s.URL + "/watch") }},
}
