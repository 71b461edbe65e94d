package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// crowd are the others of a call with twelve; some names are as people make them.
var crowd = []struct{ id, name string }{
	{"bob", "Bob Baker"}, {"chen", "陈伟"}, {"dora", "Dora"}, {"emil", "Emil von Hohenstein-Rabenau zu Guttenberg"}, {"farah", "فرح"}, {"gina", "Gina"},
	{"hugo", "Hugo"}, {"ines", "Inês Ferreira"}, {"jan", "Jan"}, {"kim", "<b>Kim</b>"}, {"lea", "Léa"},
}

// fills puts the first n of the crowd into a call; every third has no picture.
func (k *stubCalls) fills(n int) {
	for i, one := range crowd[:n] {
		k.joins(one.id, one.name)
		video := "VP8"
		if i%3 == 2 {
			video = ""
		}
		k.sends(one.id, "main", video)
	}
}

// TestCallScreenshots is for eyes, as TestScreenshots.
func TestCallScreenshots(t *testing.T) {
	dir := os.Getenv("HEADGATE_SCREENSHOTS")
	if dir == "" {
		t.Skip("HEADGATE_SCREENSHOTS names no directory")
	}
	for _, l := range []look{{width: 390, height: 844}, {width: 390, height: 844, dark: true}, {width: 1280, height: 800}, {width: 1280, height: 800, dark: true}} {
		for _, shot := range callShots {
			t.Run(fmt.Sprintf("%s/%d/dark=%v", shot.name, l.width, l.dark), func(t *testing.T) {
				s := newStub(t, Config{})
				if shot.feed {
					s.calls.feed = "feed"
					s.live("feed")
				}
				l := l
				l.before = shot.before
				tb := newTab(t, l)
				shot.take(s, tb)
				tb.js(`new Promise((settled) => setTimeout(settled, 800))`)
				png, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
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

// enters joins a call on a page.
func enters(s *stub, tb *tab) {
	tb.open(s.URL + "/call/team")
	tb.typeIn("name", "Anna")
	tb.click("#join")
	tb.state("live")
}

func pictures(n int) string {
	return fmt.Sprintf(`document.querySelectorAll('.tile[data-picture="true"]').length >= %d`, n)
}

// sharing gives a screen to share.
const sharing = `navigator.mediaDevices.getDisplayMedia = async () => {
	const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 800 }); const c = canvas.getContext("2d");
	setInterval(() => { c.fillStyle = "#fff"; c.fillRect(0, 0, 1280, 800); c.fillStyle = "#123"; c.font = "48px sans-serif"; c.fillText("Quarterly report", 80, 120);
		for (let i = 0; i < 9; i++) c.fillRect(100 + i * 120, 700 - i * 50, 70, i * 50 + Math.random() * 4); }, 100);
	return canvas.captureStream(10);
};`

var callShots = []struct {
	name, before string
	feed         bool
	take         func(s *stub, tb *tab)
}{
	{name: "call-lobby", take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/call/team")
		tb.wait(`document.getElementById("preview").videoWidth > 0`)
	}},
	{name: "call-lobby-first", before: `navigator.permissions.query = async () => ({ state: "prompt" });`, take: func(s *stub, tb *tab) { tb.open(s.URL + "/call/team") }},
	{name: "call-lobby-refused", before: refuse("NotAllowedError"), take: func(s *stub, tb *tab) {
		tb.open(s.URL + "/call/team")
		tb.click("#join")
		tb.wait(`!document.getElementById("trouble").hidden`)
	}},
	{name: "call-password", take: func(s *stub, tb *tab) {
		s.answer("POST /api/v1/channels/team/events", canned{status: 401, code: "no-token", detail: "This channel wants a token."})
		tb.open(s.URL + "/call/team")
		tb.click("#join")
		tb.wait(`!document.getElementById("trouble").hidden`)
	}},
	{name: "call-alone", take: func(s *stub, tb *tab) {
		enters(s, tb)
		tb.wait(pictures(1))
	}},
	{name: "call-two", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(1)
		enters(s, tb)
		tb.wait(pictures(2))
	}},
	{name: "call-five", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(4)
		enters(s, tb)
		tb.wait(pictures(4))
		s.calls.tell("muted", `{"participant":"chen","source":"main","audio":false,"video":false,"self_muted":{"audio":true,"video":true},"by":"self"}`)
		s.calls.tell("joined", `{"participant":"bob","name":"Dr. Bartholomew Featherstonehaugh-Cholmondeley the Third, Department of Acoustics","sources":["main"],"changed":true}`)
		tb.click("#mic")
		tb.wait(pictures(3))
	}},
	{name: "call-twelve", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(11)
		s.calls.joins("mute", "Max")
		enters(s, tb)
		s.calls.tell("quality", `{"participants":{"bob":{"up":5,"down":5},"dora":{"up":3},"emil":{"up":1,"down":1},"hugo":{"up":2}}}`)
		s.calls.tell("speaking", `{"participant":"dora","speaking":true}`)
		s.calls.tell("muted", `{"participant":"bob","source":"main","audio":true,"video":false}`)
		s.calls.tell("interrupted", `{"participant":"gina","source":"main"}`)
		tb.wait(pictures(map[bool]int{true: 8, false: 5}[eval[int](tb, "innerWidth") > 600]))
	}},
	{name: "call-screen", feed: true, before: sharing, take: func(s *stub, tb *tab) {
		s.calls.fills(7)
		s.calls.sends("bob", "screen", "VP8")
		enters(s, tb)
		tb.wait(pictures(map[bool]int{true: 6, false: 3}[eval[int](tb, "innerWidth") > 600]))
	}},
	{name: "call-chat", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(3)
		enters(s, tb)
		tb.wait(pictures(2))
		tb.click("#chat-button")
		s.calls.says("bob", "Can you hear me?")
		s.calls.says("bob", "I sent the slides: https://example.com/slides — <b>page 12</b> has the numbers we talked about on Thursday.")
		s.calls.says("farah", "مرحبا")
		tb.typeIn("text", "Loud and clear")
		tb.js(`document.getElementById("say").requestSubmit()`)
		s.calls.says(eval[string](tb, `headgate.call.self`), "Loud and clear")
		tb.wait(`document.querySelectorAll('#messages .message').length >= 4`)
	}},
	{name: "call-people", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(11)
		enters(s, tb)
		s.calls.tell("speaking", `{"participant":"chen","speaking":true}`)
		tb.wait(pictures(3))
		tb.click("#people-button")
		tb.wait(`document.querySelectorAll("#people-list li").length === 12`)
	}},
	{name: "call-options", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(4)
		enters(s, tb)
		tb.wait(pictures(2))
		tb.click("#more")
		tb.click("#show-numbers")
		tb.wait(`document.querySelector("#numbers").innerText.includes("Round trip")`)
	}},
	{name: "call-invited", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(2)
		enters(s, tb)
		tb.wait(pictures(2))
		s.calls.to(eval[string](tb, `headgate.call.self`), "invited", `{"id":"i1","channel":"design review","from":"bob","to":"x","in":"team","message":"We need you","state":"pending"}`)
		tb.wait(`!document.getElementById("invited").hidden`)
	}},
	{name: "call-kicked", take: func(s *stub, tb *tab) {
		enters(s, tb)
		s.calls.leaves(eval[string](tb, `headgate.call.self`), "kicked")
		tb.state("over")
	}},
	{name: "call-disbanded", take: func(s *stub, tb *tab) {
		enters(s, tb)
		s.calls.tell("closed", `{"reason":"disbanded"}`)
		s.calls.cut("disbanded")
		tb.state("over")
	}},
	{name: "call-sure", feed: true, take: func(s *stub, tb *tab) {
		s.calls.fills(2)
		enters(s, tb)
		tb.wait(pictures(2))
		tb.click("#people-button")
		tb.wait(`document.querySelector('#people-list [data-act="kick"]')`)
		tb.click(`#people-list [data-act="kick"]`)
		tb.wait(`document.getElementById("sure").open`)
	}},
	{name: "call-ask", take: func(s *stub, tb *tab) { tb.open(s.URL + "/call") }},
}
