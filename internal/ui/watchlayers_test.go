package ui

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestWatchChoosesALayer(t *testing.T) {
	s := extended(t)
	tb := newTab(t, look{width: 900, height: 600})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
	if !eval[bool](tb, `document.getElementById("quality").hidden`) {
		t.Error("a menu with nothing to choose")
	}
	s.say("layers", three)
	s.say("viewercount", `{"viewercount":12}`)
	tb.wait(`!document.getElementById("quality").hidden && document.getElementById("viewers").innerText === "12 watching"`)
	tb.do(chromedp.KeyEvent("q"))
	focused := func(want string) {
		t.Helper()
		tb.wait(`document.activeElement?.role === "menuitemradio" && document.activeElement.innerText.startsWith("` + want + `")`)
	}
	focused("Automatic")
	if got := tb.text("#qualities"); !regexp.MustCompile(`(?s)1280 × 720\s+not sent now.*640 × 360\s+500 kbit/s.*320 × 180.*Automatic`).MatchString(got) {
		t.Errorf("the menu reads %q", got)
	}
	press := func(key string) { tb.do(chromedp.KeyEvent(key)) }
	press(kb.ArrowUp)
	focused("320 × 180")
	press(kb.ArrowUp)
	press(kb.ArrowUp)
	focused("1280 × 720")
	press("\r")
	tb.wait(`!document.getElementById("qualities").hidden`) // what is not sent cannot be chosen
	press(kb.ArrowDown)
	press(kb.ArrowDown)
	focused("320 × 180")
	press("\r")
	tb.wait(`document.getElementById("qualities").hidden && document.activeElement.id === "quality" && document.getElementById("announce").textContent === "Picture size 320 × 180."`)
	posts := s.requests("POST", s.viewer()+"/layer")
	if got := posts[len(posts)-1].body; got != `{"mediaId":"1","rid":"q"}` {
		t.Errorf("POST %s", got)
	}
	tb.click("#quality")
	focused("320 × 180")
	press(kb.Escape)
	tb.wait(`document.getElementById("qualities").hidden`)
	s.answer("POST "+s.viewer()+"/layer", canned{status: 404, code: "layer-unknown", detail: "Nothing fits."})
	press("q")
	press(kb.ArrowUp)
	press("\r")
	tb.wait(`document.getElementById("announce").textContent === "Nothing fits."`)
	press("q")
	focused("320 × 180")
}

// watched is what the API says of a viewer.
const watched = `{"session":"s-1","facts":{"viewer":{"packets":900,"estimate_bits_per_second":2300000,"layer":"h","paused":false,"queue_ns":4000000}}}`

func TestWatchShowsWhatTheGatewayKnows(t *testing.T) {
	s := extended(t)
	s.diagnosis = watched
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
	s.say("layers", strings.Replace(three, `"height":360`, `"height":0`, 1))
	tb.do(chromedp.KeyEvent("s"))
	tb.wait(`/Layer\s+h of q, h, f[\s\S]*Network takes\s+2.3 Mbit\/s[\s\S]*Waiting on the way\s+4 ms[\s\S]*Gateway to screen\s+\d+ ms[\s\S]*Round trip[\s\S]*Freezes\s+\d+ \([\s\S]*Packets lost\s+\d+ \(/.test(document.getElementById("numbers").innerText)`)
	// An encoder that is short of time sends sizes that nobody announced.
	s.say("layers", strings.NewReplacer("180", "181", "360", "361", "720", "721").Replace(three))
	tb.wait(`headgate.layers[1]?.height === 361`)
	tb.js(`document.getElementById("numbers").replaceChildren()`)
	tb.wait(`/Layer\s+h of q, h, f/.test(document.getElementById("numbers").innerText)`)
	tb.do(chromedp.KeyEvent(kb.Escape))
	tb.wait(`document.getElementById("stats").hidden && document.getElementById("stats-button").ariaExpanded === "false"`)
}

// paused is what the API says of a viewer whose picture is stopped.
const paused = `{"session":"s-1","facts":{"viewer":{"packets":900,"estimate_bits_per_second":60000,"paused":true,"switches":3}}}`

func TestWatchExplainsAStillPicture(t *testing.T) {
	s := extended(t)
	s.diagnosis = paused
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
	tb.do(chromedp.KeyEvent("s"))
	tb.wait(`!document.getElementById("paused").hidden && document.getElementById("paused").innerText.includes("network takes too little")`)
	tb.wait(`/Switches\s+3/.test(document.getElementById("numbers").innerText)`)
	s.answer("GET /api/v1/sessions/s-1", canned{status: 200, contentType: "application/json", plain: watched})
	tb.wait(`document.getElementById("paused").hidden`)
}

func TestWatchSaysThatThePublisherIsAway(t *testing.T) {
	s := newStub(t, Config{})
	s.extends = true
	pub := s.live("live")
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
	s.await("GET", s.viewer()+"/events/", 1)
	pub.click("#go")
	pub.state("idle")
	s.say("inactive", "{}")
	tb.state("waiting")
	tb.wait(`document.querySelector(".state").innerText.includes("The publisher is away")`)
	pub.click("#go")
	s.say("active", "{}")
	tb.state("live")
}
