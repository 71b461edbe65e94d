package ui

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestHomeSaysWhatToDoWhenNobodyIsOnAir(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/")
	tb.state("live")
	if got := tb.text("#empty"); !strings.Contains(got, "Nobody sends anything yet") || !strings.Contains(got, "OBS") {
		t.Errorf("the empty page says %q", got)
	}
	if got := tb.text("#version"); got != "test" {
		t.Errorf("version %q", got)
	}
	s.setListing(onAir)
	tb.wait(`document.querySelectorAll(".card").length === 4 && document.getElementById("empty").hidden`)
}

func TestHomeShowsHostileNamesAsText(t *testing.T) {
	s := newStub(t, Config{})
	s.listing = strings.Replace(onAir, `{"channels":[`, `{"channels":[{"name":"waiting","publications":[],"viewers":2},{"name":"..","publications":[]},{"name":7},null,{"name":"a/b"},{"name":"no list","publications":"x"},`, 1)
	tb := newTab(t, look{before: `window.alert = () => console.error("alert was called");`})
	tb.open(s.URL + "/")
	tb.wait(`document.querySelectorAll(".card").length === 6`)
	got := tb.text("#channels")
	if strings.Index(got, "Off air") < strings.Index(got, "Interrupted") || strings.Index(got, "Interrupted") < strings.LastIndex(got, "On air") {
		t.Errorf("what is on air does not come first:\n%s", got)
	}
	for _, want := range []string{`<img src=x onerror=alert(1)>&"`, "<i>VP8</i>", "anna / camera", "VP8 1280 × 720, Opus", "128 viewers", "1 viewer", "On air", "Interrupted", "Off air", "2 viewers"} {
		if !strings.Contains(got, want) {
			t.Errorf("the cards lack %q", want)
		}
	}
	if n := eval[int](tb, `document.querySelectorAll("#channels img, #channels b, #channels i, #channels script").length`); n != 0 {
		t.Errorf("%d elements came out of names", n)
	}
	links := eval[[]string](tb, `[...document.querySelectorAll("#channels a")].map((a) => a.getAttribute("href"))`)
	for _, want := range []string{"/watch/live", "/watch/workshop/anna/screen", "/watch/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%26%22"} {
		if !strings.Contains(strings.Join(links, " ")+" ", want+" ") {
			t.Errorf("no link to %s among %q", want, links)
		}
	}
	tb.click(".card-link[href='/watch/live']")
	tb.wait(`location.pathname === "/watch/live"`)
}

func TestHomeKeepsFocusWhenCardsChange(t *testing.T) {
	s := newStub(t, Config{})
	s.listing = onAir
	tb := newTab(t, look{})
	tb.open(s.URL + "/")
	tb.wait(`document.querySelectorAll(".card").length === 4`)
	tb.js(`document.querySelector(".card-link[href='/watch/radio']").focus()`)
	s.setListing(strings.Replace(onAir, `"viewers":128`, `"viewers":129`, 1))
	tb.wait(`document.querySelector("#channels").innerText.includes("129 viewers")`)
	if got := eval[string](tb, `document.activeElement.getAttribute("href") ?? ""`); got != "/watch/radio" {
		t.Errorf("focus is on %q", got)
	}
}

func TestHomeTellsWhyItCannotTell(t *testing.T) {
	s := newStub(t, Config{})
	s.answer("GET /api/v1/channels", canned{status: 401, code: "no-token", detail: "The list wants a token."})
	tb := newTab(t, look{})
	tb.open(s.URL + "/")
	tb.state("error")
	if got := tb.text("#trouble"); !strings.Contains(got, "The list wants a token.") {
		t.Errorf("it says %q", got)
	}
	s.answer("GET /api/v1/channels", canned{})
	tb.state("live")
	tb.wait(`document.getElementById("trouble").hidden`)
}

func TestHomeRecipesFollowTheFields(t *testing.T) {
	s := newStub(t, Config{})
	s.settings = `{"version":"1","open":false,"whip":"https://gw.example/whip/","whep":"https://gw.example/whep/"}`
	tb := newTab(t, look{})
	tb.open(s.URL + "/#token=from.fragment")
	tb.wait(`document.querySelector("#panel").innerText.includes("https://gw.example/whip/live")`)
	tb.typeIn("name", `my "show"`)
	tb.typeIn("token", "other.token")
	for tab, wants := range map[string][]string{
		"obs":       {"WHIP", "https://gw.example/whip/my%20%22show%22", "other.token"},
		"ffmpeg":    {"-f whip -authorization other.token https://gw.example/whip/my%20%22show%22", "-bf 0"},
		"gstreamer": {"signaller::whip-endpoint=https://gw.example/whip/my%20%22show%22", "whip-client -u"},
		"browser":   {"/publish/my%20%22show%22#token=other.token", "/watch/my%20%22show%22#token=other.token", `<headgate-player src="https://gw.example/whep/my%20%22show%22" token="other.token" controls>`},
		"push":      {"headgate push --whip https://gw.example/whip/my%20%22show%22 --token other.token"},
		"curl":      {"Authorization: Bearer other.token", "Content-Type: application/sdp"},
	} {
		tb.click("#tab-" + tab)
		got := tb.text("#panel")
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", tab, want, got)
			}
		}
	}
	if got := eval[string](tb, `document.getElementById("go-publish").getAttribute("href")`); got != "/publish/my%20%22show%22#token=other.token" {
		t.Errorf("the button leads to %s", got)
	}
	tb.typeIn("name", "a/b")
	if got := tb.text("#name-trouble"); !strings.Contains(got, "nothing else") {
		t.Errorf("a bad name is not explained: %q", got)
	}
	for _, h := range s.requests("", "/") {
		if h.query != "" {
			t.Errorf("a query was sent: %s?%s", h.path, h.query)
		}
	}
	if got := s.await("GET", "/api/v1/channels", 1).header.Get("Authorization"); got != "Bearer from.fragment" {
		t.Errorf("the list was asked with %q", got)
	}
}

func TestHomeTabsByKeyboard(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/")
	tb.state("live")
	tb.js(`document.getElementById("tab-obs").focus()`)
	for _, want := range []string{"ffmpeg", "gstreamer"} {
		tb.do(chromedp.KeyEvent("\u0303")) // right arrow
		tb.wait(`document.activeElement.id === "tab-` + want + `" && document.activeElement.ariaSelected === "true"`)
	}
	if n := eval[int](tb, `document.querySelectorAll("#tabs [tabindex='0']").length`); n != 1 {
		t.Errorf("%d tabs can be reached by Tab, want 1", n)
	}
}

func TestHomeCopies(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: `Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied = text; } } });`})
	tb.open(s.URL + "/")
	tb.state("live")
	tb.click("#panel .field:nth-of-type(2) .copy")
	tb.wait(`window.copied === ` + inJS(t, s.URL+"/whip/live"))
}

func TestHomeTellsWhenEverybodyMayPublish(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/")
	tb.wait(`document.getElementById("version").textContent === "test"`)
	if eval[bool](tb, `!document.getElementById("open").hidden`) {
		t.Error("on this very computer there is nothing to warn of")
	}
	tb.open(insecure(s) + "/")
	tb.wait(`!document.getElementById("open").hidden && document.getElementById("token-row").hidden`)
}

// TestPolicyHoldsInTheBrowser tries what an attacker would.
func TestPolicyHoldsInTheBrowser(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/")
	tb.state("live")
	for name, attack := range map[string]string{
		"markup from a string":  `document.body.innerHTML = "<img src=x onerror=alert(1)>"`,
		"a script of its own":   `Object.assign(document.createElement("script"), { text: "alert(1)" })`,
		"a script from outside": `document.body.append(Object.assign(document.createElement("script"), { src: "https://example.com/x.js" }))`,
	} {
		if said := eval[string](tb, `(() => { try { `+attack+`; return "" } catch (e) { return e.name } })()`); said == "" {
			t.Errorf("%s was not refused", name)
		}
	}
	if said := eval[string](tb, `fetch("https://example.com/").then(() => "", (e) => e.name)`); said != "TypeError" {
		t.Errorf("a request to elsewhere: %q", said)
	}
	tb.wait(`performance.getEntriesByType("resource").every((e) => new URL(e.name).origin === location.origin || e.responseStatus === 0)`)
	for _, text := range []string{"Trusted", "Content Security Policy", "violates", "trusted"} {
		tb.forgive(text)
	}
}
