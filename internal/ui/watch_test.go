package ui

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestWatchPlaysAtOnceWithSound(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live#token=t.t")
	tb.state("live")
	tb.wait(`document.getElementById("player").video.videoWidth > 0 && !document.getElementById("player").video.paused`)
	if eval[bool](tb, `document.getElementById("player").video.muted`) {
		t.Error("this browser allows sound, and it is muted")
	}
	if got := s.await("POST", "/whep/live", 1).header.Get("Authorization"); got != "Bearer t.t" {
		t.Errorf("the POST has %q", got)
	}
	if got := eval[string](tb, `document.title`); got != "live – Headgate" {
		t.Errorf("title %q", got)
	}
	if !eval[bool](tb, `window.headgate === document.getElementById("player").client`) {
		t.Error("no client for tests")
	}
	tb.do(chromedp.KeyEvent("s"))
	tb.wait(`!document.getElementById("stats").hidden && /×[\s\S]*VP8[\s\S]*bit\/s[\s\S]*ms/.test(document.getElementById("numbers").innerText)`)
	tb.do(chromedp.KeyEvent("m"))
	tb.wait(`document.getElementById("player").video.muted && document.getElementById("sound").ariaPressed === "false"`)
	tb.click("#sound")
	tb.wait(`!document.getElementById("player").video.muted && document.getElementById("sound").ariaPressed === "true"`)
	tb.click("#fullscreen")
	tb.wait(`document.fullscreenElement?.id === "stage"`)
	tb.do(chromedp.KeyEvent("f"))
	tb.wait(`document.fullscreenElement === null`)
}

// A browser that wants a gesture before it makes a sound.
const wantsGesture = `(() => {
	const play = HTMLMediaElement.prototype.play;
	window.gesture = false;
	addEventListener("pointerdown", () => (window.gesture = true), true);
	HTMLMediaElement.prototype.play = function () {
		return this.muted || window.gesture ? play.call(this) : Promise.reject(new DOMException("gesture, please", "NotAllowedError"));
	};
})();`

func TestWatchPlaysMutedAndOffersSound(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := newTab(t, look{before: wantsGesture})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
	tb.wait(`(() => { const p = document.getElementById("player"); return p.video.muted && !p.video.paused && p.silenced && document.getElementById("sound").ariaPressed === "false"; })()`)
	x := eval[[]float64](tb, `(() => { const b = document.getElementById("player").shadowRoot.querySelector("button"); const r = b.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2, b.textContent === "Tap for sound" ? 1 : 0]; })()`)
	if x[2] != 1 {
		t.Error("the button does not say what it does")
	}
	tb.do(chromedp.MouseClickXY(x[0], x[1]))
	tb.wait(`(() => { const p = document.getElementById("player"); return !p.video.muted && !p.video.paused && !p.silenced; })()`)
}

func TestWatchWaitsAndRecovers(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("waiting")
	if got := tb.text(".state"); !strings.Contains(got, "Nobody is on air yet") || !strings.Contains(got, "starts by itself") {
		t.Errorf("it says %q", got)
	}
	pub := s.live("live")
	tb.state("live")
	pub.click("#go")
	pub.state("idle")
	tb.state("waiting")
	if got := tb.text(".state"); !strings.Contains(got, "interrupted") {
		t.Errorf("it says %q", got)
	}
	pub.click("#go")
	tb.state("live")
	s.drop(s.viewer(), "lost")
	tb.wait(`headgate.problem !== null || headgate.state !== "live"`)
	tb.state("live")
	if got := tb.text("#announce"); got != "Playing." {
		t.Errorf("who listens is told %q", got)
	}
}

func TestWatchShowsSoundOnly(t *testing.T) {
	s := newStub(t, Config{})
	pub := newTab(t, look{})
	pub.open(s.URL + "/publish/radio")
	pub.js(`(() => { const c = document.getElementById("camera"); c.append(new Option("None", "none")); c.value = "none"; })()`)
	pub.click("#go")
	pub.state("live")
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/radio")
	tb.state("live")
	tb.wait(`getComputedStyle(document.querySelector(".sound-only")).display === "flex"`)
}

func TestWatchShowsRefusals(t *testing.T) {
	s := newStub(t, Config{})
	s.answer("POST /whep/closed", canned{status: 403, code: "not-allowed", detail: "This token does not open <this> channel."})
	s.answer("POST /whep/avc", canned{status: 422, code: "codec-unsupported", detail: "The channel sends H264, which this browser cannot play."})
	for page, wants := range map[string][]string{
		"/watch/closed":               {"This channel is not public", "This token does not open <this> channel.", "Try again"},
		"/watch/avc":                  {"The channel sends H264, which this browser cannot play."},
		"/watch/..%2fx":               {"This does not work", "nothing else"},
		"/watch/live/a/b/c":           {"too many parts"},
		"/watch/live#token=%F0":       {"Nobody is on air yet"},
		"/watch/live#token=%E2%82%AC": {"Copy the whole link again"},
	} {
		t.Run(page, func(t *testing.T) {
			tb := newTab(t, look{})
			tb.open(s.URL + page)
			tb.wait(`["error", "waiting"].includes(document.documentElement.dataset.state)`)
			got := tb.text(".state")
			for _, want := range wants {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in %q", want, got)
				}
			}
		})
	}
}

func TestWatchTriesAgainWhenAsked(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	s.answer("POST /whep/live", canned{status: 403, code: "not-allowed", detail: "No."}, canned{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("error")
	tb.click("#again")
	tb.state("live")
}

func TestWatchTakesANewTokenFromTheFragment(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	s.answer("POST /whep/live", canned{status: 401, code: "no-token", detail: "No."}, canned{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("error")
	tb.js(`(location.hash = "#token=new.one")`)
	tb.state("live")
	if got := s.await("POST", "/whep/live", 2).header.Get("Authorization"); got != "Bearer new.one" {
		t.Errorf("the POST has %q", got)
	}
}

func TestWatchHostileNames(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: `window.alert = () => console.error("alert was called");`})
	tb.open(s.URL + `/watch/%3Cimg%20src=x%20onerror=alert(1)%3E/%22%3E%3Cscript%3Ealert(2)%3C!--`)
	tb.state("waiting")
	if got := tb.text("#channel"); got != `<img src=x onerror=alert(1)> / "><script>alert(2)<!--` {
		t.Errorf("the name reads %q", got)
	}
	if n := eval[int](tb, `document.querySelectorAll("#channel *, img:not(.brand img)").length`); n != 0 {
		t.Errorf("%d elements came out of the address", n)
	}
	post := s.await("POST", "/whep/", 1)
	if post.path != "/whep/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E/%22%3E%3Cscript%3Ealert(2)%3C!--" {
		t.Errorf("POST to %s", post.path)
	}
}

func TestWatchEndsItsSessionWhenLeft(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
	viewer := s.viewer()
	tb.open(s.URL + "/")
	s.await("DELETE", viewer, 1)
}

func TestWatchAsksForAChannel(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch")
	tb.do(chromedp.SendKeys(chromedp.CSS("#ask-name"), "live\r"))
	tb.wait(`location.pathname === "/watch/live"`)
}

// TestFraming puts pages into a page of another origin.
func TestFraming(t *testing.T) {
	for _, tc := range []struct {
		name, page string
		cfg        func(parent string) Config
		want       bool
	}{
		{"nobody by default", "/watch/live", func(string) Config { return Config{} }, false},
		{"whoever is named", "/watch/live", func(parent string) Config { return Config{FrameAncestors: []string{parent}} }, true},
		{"never the publish page", "/publish/live", func(parent string) Config { return Config{FrameAncestors: []string{parent}} }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var inner string
			outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprintf(w, `<!doctype html><iframe src="%s" width="600" height="400"></iframe>`, inner)
			}))
			t.Cleanup(outer.Close)
			s := newStub(t, tc.cfg(outer.URL))
			inner = s.URL + tc.page
			tb := newTab(t, look{})
			tb.open(outer.URL)
			if tc.want {
				s.await("POST", "/whep/live", 1)
				return
			}
			tb.wait(`document.readyState === "complete"`)
			if !tb.forgive("frame-ancestors") && !tb.forgive("X-Frame-Options") {
				t.Error("the browser did not refuse the frame")
			}
			if n := len(s.requests("POST", "/")); n != 0 {
				t.Error("the framed page ran")
			}
		})
	}
}

// TestPlayerElementElsewhere uses the element as a copied or imported module
// does: in a page of another origin, by two lines of markup.
func TestPlayerElementElsewhere(t *testing.T) {
	s := newStub(t, Config{})
	s.cors = true
	s.live("live")
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+s.URL+"; connect-src "+s.URL+"; style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
		_, _ = fmt.Fprintf(w, `<!doctype html><script type="module" src="%[1]s/assets/player.js"></script>
			<headgate-player src="%[1]s/whep/live" token="abc" muted controls></headgate-player>`, s.URL)
	}))
	t.Cleanup(outer.Close)
	tb := newTab(t, look{})
	tb.open(outer.URL)
	player := `document.querySelector("headgate-player")`
	tb.wait(player + `.client?.state === "live" && ` + player + `.video.videoWidth > 0`)
	if !eval[bool](tb, player+`.video.muted && `+player+`.video.controls && !`+player+`.silenced && getComputedStyle(`+player+`).display === "block"`) {
		t.Error("the attributes are not obeyed")
	}
	if got := s.await("POST", "/whep/live", 1).header.Get("Authorization"); got != "Bearer abc" {
		t.Errorf("the POST has %q", got)
	}
	tb.js(`(document.querySelector("headgate-player").remove())`)
	s.await("DELETE", s.viewer(), 1)
	if !eval[bool](tb, `(() => { const made = document.createElement("headgate-player"); return made.client === null && made.getAttributeNames().length === 0; })()`) {
		t.Error("the element cannot be made by a script")
	}
}
