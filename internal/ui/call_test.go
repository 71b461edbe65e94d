package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// joined opens the call page of a stub and joins.
func joined(s *stub, l look, name string) *tab {
	s.t.Helper()
	tb := newTab(s.t, l)
	tb.open(s.URL + "/call/team")
	tb.state("idle")
	tb.typeIn("name", name)
	tb.click("#join")
	tb.state("live")
	return tb
}

func TestCallJoinsSeesOthersAndLeaves(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	me := eval[string](tb, `headgate.call.self`)
	if !strings.HasPrefix(me, "guest-") {
		t.Errorf("joined as %q", me)
	}
	if post := s.await("POST", "/api/v1/channels/team/events", 1); !strings.Contains(post.body, `"kind":"call"`) || !strings.Contains(post.body, `"name":"Anna"`) {
		t.Errorf("joined with %s", post.body)
	}
	s.await("POST", "/whip/team/"+me, 1)
	other := joined(s, look{}, "Bob")
	them := eval[string](other, `headgate.call.self`)
	tb.wait(`[...document.querySelectorAll(".tile-name")].some((e) => e.textContent === "Bob")`)
	tb.wait(`document.querySelectorAll('.tile[data-picture="true"]').length === 2`)
	tb.wait(`[...document.querySelectorAll(".tile video")].at(-1).getVideoPlaybackQuality().totalVideoFrames > 10`)
	if whep := s.await("POST", "/whep/team", 1); whep.query != "participant="+me || strings.Count(whep.body, "m=video") != 12 || strings.Count(whep.body, "m=application") != 1 || len(whep.body) > 60_000 {
		t.Errorf("POST /whep?%s with %d bytes", whep.query, len(whep.body))
	}
	s.await("PATCH", "/session/", 1)
	other.click("#leave")
	other.state("over")
	tb.wait(`document.querySelectorAll(".tile").length === 1`)
	s.await("DELETE", "/api/v1/events/", 1)
	_ = them
}

// slotSizes waits until the newest sizes that were told say want.
func (s *stub) slotSizes(tb *tab, want string) {
	s.t.Helper()
	var last string
	for range 200 {
		for _, h := range s.requests("PATCH", "/session/") {
			if strings.HasSuffix(h.path, "/slots") {
				last = h.body
			}
		}
		if strings.Contains(last, want) {
			return
		}
		tb.js(`new Promise((r) => setTimeout(r, 50))`)
	}
	s.t.Fatalf("sizes told: %s, want %s", last, want)
}

func TestCallTilesSayTheirSize(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{width: 1440, height: 900}, "Anna")
	s.calls.joins("bob", "Bob")
	s.calls.sends("bob", "main", "VP8")
	tb.wait(`document.querySelectorAll(".tile").length === 2`)
	s.slotSizes(tb, fmt.Sprintf(`{"slot":0,"hidden":false,"maxWidth":%d,"maxHeight":`, eval[int](tb, `document.querySelectorAll(".tile")[1].offsetWidth`)))
	// A page that nobody looks at wants no pictures.
	tb.js(`(Object.defineProperty(document, "hidden", { value: true, configurable: true }), document.dispatchEvent(new Event("visibilitychange")))`)
	s.slotSizes(tb, `{"slot":0,"hidden":true}`)
	tb.js(`(delete document.hidden, document.dispatchEvent(new Event("visibilitychange")))`)
	s.slotSizes(tb, `{"slot":0,"hidden":false`)
}

// press clicks by script, for what a panel may cover.
func (tb *tab) press(selector string) {
	tb.t.Helper()
	tb.js(fmt.Sprintf("document.querySelector(%q).click()", selector))
}

// told waits until the page tells something in passing.
func (tb *tab) told(text string) {
	tb.t.Helper()
	tb.wait(fmt.Sprintf("document.getElementById('toast').textContent.includes(%q)", text))
}

func TestCallExplainsDevices(t *testing.T) {
	tests := []struct{ name, before, want string }{
		{"permission refused", refuse("NotAllowedError"), "allow both, and try again"},
		{"nothing there", refuse("NotFoundError"), "No camera or microphone was found"},
		{"used by another program", refuse("NotReadableError"), "Another program may be using it"},
	}
	s := newStub(t, Config{})
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			tb := newTab(t, look{before: tc.before})
			tb.open(s.URL + "/call/team")
			tb.click("#join")
			tb.wait(`!document.getElementById("trouble").hidden`)
			if got := tb.text("#trouble"); !strings.Contains(got, tc.want) {
				t.Errorf("it says %q, want %q", got, tc.want)
			}
			tb.wait(`!document.getElementById("join-quiet").disabled`)
			tb.click("#join-quiet") // without devices one can still take part
			tb.state("live")
		})
	}
}

// TestCallWithACameraOnly: a microphone that is missing must not keep the camera from
// being used.
func TestCallWithACameraOnly(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: `const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
		navigator.mediaDevices.getUserMedia = (c) => c.audio ? Promise.reject(new DOMException("made up", "NotFoundError")) : real(c);`})
	tb.open(s.URL + "/call/team")
	tb.wait(`headgate.media.video && headgate.media.problem?.code === "no-devices"`)
	tb.click("#join")
	tb.state("live")
	if post := s.await("POST", "/whip/team/", 1); strings.Contains(post.body, "m=audio") {
		t.Error("sound is offered")
	}
}

func TestCallOverPlainHTTPWatchesOnly(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(insecure(s) + "/call/team")
	tb.click("#join")
	tb.wait(`!document.getElementById("trouble").hidden`)
	if got := tb.text("#trouble"); !strings.Contains(got, "HTTPS") || !strings.Contains(got, "http://localhost:") {
		t.Errorf("it says %q", got)
	}
	tb.click("#join-quiet")
	tb.state("live")
	if !eval[bool](tb, `document.getElementById("share").hidden`) {
		t.Error("a button that cannot work is shown")
	}
}

func TestCallWithAPassword(t *testing.T) {
	s := newStub(t, Config{})
	s.answer("POST /api/v1/channels/team/events", canned{status: 401, code: "no-token", detail: "This channel wants a token."}, canned{})
	s.answer("POST /api/v1/login", canned{status: 401, code: "wrong-password", detail: "The password is wrong."},
		canned{status: 200, contentType: "application/json", plain: `{"token":"tok.en.x","participant":"anna","expires":"2030-01-01T00:00:00Z"}`})
	tb := newTab(t, look{})
	tb.open(s.URL + "/call/team")
	tb.typeIn("name", "Anna")
	tb.click("#join")
	tb.wait(`!document.getElementById("password-row").hidden && !document.getElementById("join").disabled`)
	tb.typeIn("password", "wrong")
	tb.click("#join")
	tb.wait(`document.getElementById("trouble").textContent.includes("The password is wrong.")`)
	tb.typeIn("password", "right")
	tb.wait(`!document.getElementById("join").disabled`)
	tb.click("#join")
	tb.state("live")
	if login := s.await("POST", "/api/v1/login", 2); !strings.Contains(login.body, `"channel":"team"`) || !strings.Contains(login.body, `"password":"right"`) {
		t.Errorf("login with %s", login.body)
	}
	for _, path := range []string{"/whep/team", "/whip/team/"} {
		if got := s.await("POST", path, 1).header.Get("Authorization"); got != "Bearer tok.en.x" {
			t.Errorf("%s has %q", path, got)
		}
	}
	if strings.Contains(eval[string](tb, "location.href"), "tok.en") {
		t.Error("the token stands in the address, which people copy")
	}
}

func TestCallEndsWithItsReason(t *testing.T) {
	tests := []struct {
		name, event, data string
		title, text       string
		again             bool
	}{
		{"kicked", "kicked", `{"reason":"kicked","detail":"Please <b>behave</b>."}`, "You are no longer in the call", "Please <b>behave</b>.", false},
		{"duplicate", "kicked", `{"reason":"duplicate-id"}`, "You are in this call elsewhere", "another tab or device", true},
		{"disbanded", "closed", `{"reason":"disbanded"}`, "The call has ended", "for everybody", true},
		{"expired", "closed", `{"reason":"token-expired"}`, "Your access has run out", "has run out", true},
	}
	chromium(t)
	s := newStub(t, Config{})
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			tb := joined(s, look{}, "Anna")
			tb.wait(`headgate.call.publishers.get("main")?.state === "live"`)
			s.calls.to(eval[string](tb, "headgate.call.self"), tc.event, tc.data)
			tb.state("over")
			if got := tb.text("#over"); !strings.Contains(got, tc.title) || !strings.Contains(got, tc.text) {
				t.Errorf("it says %q", got)
			}
			if got := eval[bool](tb, `!document.getElementById("again").hidden`); got != tc.again {
				t.Errorf("offers to come again: %v", got)
			}
			if !eval[bool](tb, `headgate.media.video === null && document.activeElement.id === "over-title"`) {
				t.Error("the camera is still on, or a reader is not told")
			}
			if tc.again {
				tb.click("#again")
				tb.wait(`!document.getElementById("lobby").hidden`)
				tb.click("#join")
				tb.state("live")
			}
		})
	}
}

// TestCallComesBack covers a gateway that restarts: the stream is gone, and so are
// the sessions.
func TestCallComesBack(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	me := eval[string](tb, "headgate.call.self")
	tb.wait(`headgate.call.publishers.get("main")?.state === "live" && headgate.call.others.state === "live"`)
	tb.js(`(window.states = [], headgate.call.addEventListener("state", ({ detail }) => window.states.push(detail.state)))`)
	s.calls.tell("closed", `{"reason":"server-shutdown"}`)
	s.await("POST", "/api/v1/channels/team/events", 2)
	tb.wait(`headgate.call.state === "live" && window.states.includes("connecting")`)
	s.calls.joins("bob", "Bob")
	s.calls.sends("bob", "main", "VP8")
	tb.wait(`[...document.querySelectorAll(".tile-name")].some((e) => e.textContent === "Bob")`)
	if got := eval[string](tb, "headgate.call.self"); got != me {
		t.Errorf("came back as %s, was %s", got, me)
	}
	s.drop(s.viewer(), "lost")
	s.await("POST", "/whep/team", 2)
	tb.wait(`headgate.call.others.state === "live" && headgate.call.others.slots[0].participant === "bob"`)
	tb.wait(`document.getElementById("banner").hidden`)
}

func TestCallHostileNamesAndChatAreText(t *testing.T) {
	s := newStub(t, Config{})
	const evil = `<img src=x onerror=alert(1)>`
	tb := newTab(t, look{before: `window.alert = () => console.error("alert was called");`})
	enters(s, tb)
	s.calls.joins(evil, evil+"\u202e")
	s.calls.sends(evil, "main", "VP8")
	s.calls.joins("long", strings.Repeat("W", 64))
	s.calls.sends("long", evil, "VP8")
	tb.wait(`document.querySelectorAll(".tile").length === 3`)
	s.calls.says(evil, evil+"\n<script>alert(1)</script>")
	tb.told("onerror")
	tb.click("#chat-button")
	tb.wait(`document.querySelector(".said").textContent.includes("<script>alert(1)</script>")`)
	s.calls.to(eval[string](tb, "headgate.call.self"), "invited", inJSON(map[string]any{"id": "i1", "channel": evil, "from": evil, "message": evil, "state": "pending"}))
	tb.wait(`!document.getElementById("invited").hidden`)
	tb.click("#people-button")
	if n := eval[int](tb, `document.querySelectorAll("#room img, #room b, #room script").length`); n != 0 {
		t.Errorf("%d elements came out of names", n)
	}
	if !eval[bool](tb, `document.documentElement.scrollWidth <= innerWidth`) {
		t.Error("a long name makes the page wider than the window")
	}
}

func TestCallChat(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	tb.wait(`headgate.call.others.state === "live"`)
	s.calls.joins("bob", "Bob")
	s.calls.says("bob", "one")
	s.calls.says("bob", "two")
	tb.told("Bob: ")
	tb.wait(`document.getElementById("chat-count").textContent === "2" && document.getElementById("chat-button").ariaLabel === "Chat, 2 unread"`)
	tb.click("#chat-button")
	tb.wait(`document.getElementById("chat-count").textContent === "" && document.activeElement.id === "text"`)
	if got := eval[int](tb, `document.querySelectorAll(".message").length`); got != 2 {
		t.Errorf("%d messages; each comes by two ways and counts once", got)
	}
	tb.wait(`headgate.call.others.say("by channel")`)
	tb.wait(`[...document.querySelectorAll(".said")].some((e) => e.textContent === "by channel")`)
	// Without a data channel it goes by REST.
	tb.js(`(headgate.call.others.say = () => false)`)
	s.answer("POST /api/v1/channels/team/messages", canned{status: 429, code: "too-many-messages", detail: "Five a second are all."}, canned{})
	tb.typeIn("text", "hello")
	tb.press(".send")
	tb.wait(`document.getElementById("say-trouble").textContent === "Five a second are all." && document.getElementById("text").value === "hello"`)
	tb.press(".send")
	tb.wait(`[...document.querySelectorAll(".said")].some((e) => e.textContent === "hello") && document.getElementById("text").value === ""`)
}

func TestCallSharesTheScreenBesideTheCamera(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: sharing})
	enters(s, tb)
	me := eval[string](tb, "headgate.call.self")
	tb.wait(`headgate.call.publishers.get("main")?.state === "live"`)
	tb.click("#share")
	s.await("POST", "/whip/team/"+me+"/screen", 1)
	tb.wait(`headgate.call.publishers.get("screen")?.state === "live" && document.getElementById("share").ariaPressed === "true"`)
	if got := eval[string](tb, `headgate.room.sending.screen.getVideoTracks()[0].contentHint`); got != "detail" {
		t.Errorf("content hint %q", got)
	}
	tb.wait(`[...document.querySelectorAll(".tile-name")].some((e) => e.textContent === "You share your screen")`)
	// The browser's own bar ends it.
	tb.js(`headgate.room.sending.screen.getVideoTracks()[0].dispatchEvent(new Event("ended"))`)
	s.await("DELETE", "/session/", 1)
	tb.wait(`document.getElementById("share").ariaPressed === "false" && headgate.call.publishers.get("main").state === "live"`)
	if n := len(s.requests("POST", "/whip/team/"+me)); n != 2 {
		t.Errorf("%d sessions; the camera's is to stay", n)
	}
	// Somebody who changes their mind is told, and nothing else changes.
	tb.js(`(navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException("no", "NotAllowedError")))`)
	tb.click("#share")
	tb.told("Sharing was cancelled")
	// Somebody else's screen is large, and the others small.
	s.calls.joins("bob", "Bob")
	s.calls.sends("bob", "main", "VP8")
	s.calls.sends("bob", "screen", "VP8")
	width := `[...document.querySelectorAll(".tile")].find((e) => e.querySelector(".tile-name").textContent === "Bob’s screen")?.offsetWidth`
	tb.wait(width + " > innerWidth * 0.7")
	s.calls.unpublishes("bob", "screen")
	tb.wait(`document.querySelectorAll(".tile").length === 2 && document.querySelector(".tile").offsetWidth === document.querySelector(".tile:last-child").offsetWidth`)
}

func TestCallCameraAndMicrophoneGoOffAndOn(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	me := eval[string](tb, "headgate.call.self")
	tb.wait(`headgate.call.publishers.get("main")?.state === "live"`)
	tb.click("#cam")
	tb.wait(`headgate.media.video === null && document.querySelector(".tile").dataset.picture === "false" && document.getElementById("cam").ariaLabel === "Turn the camera on"`)
	tb.wait(`headgate.call.publishers.get("main").pc.getSenders().every((s) => s.track?.kind !== "video")`)
	tb.click("#cam")
	tb.wait(`headgate.call.publishers.get("main").pc.getSenders().some((s) => s.track?.kind === "video") && document.querySelector(".tile").dataset.picture === "true"`)
	tb.click("#mic")
	tb.wait(`headgate.media.audio.enabled === false && !document.querySelector(".tile-muted").hasAttribute("hidden")`)
	tb.click("#mic")
	tb.wait(`headgate.media.audio.enabled`)
	if n := len(s.requests("POST", "/whip/team/"+me)); n != 1 {
		t.Errorf("%d sessions; none of this needs another", n)
	}
	said := func() (all []string) {
		for _, put := range s.requests("PUT", "/api/v1/channels/team/publications/"+me+"/main/self-mute") {
			all = append(all, put.body)
		}
		return all
	}
	off := func(audio, video bool) string { return fmt.Sprintf(`{"audio":%v,"video":%v}`, audio, video) }
	tb.wait(`headgate.call.roster.publication(headgate.call.self, "main").self_muted.audio === false`)
	if want := []string{off(false, true), off(false, false), off(true, false), off(false, false)}; !slices.Equal(said(), want) {
		t.Errorf("told the others %v, want %v", said(), want)
	}
	tb.js(`(async () => {
		const muted = { audio: true, video: false };
		const first = headgate.call.muteSelf(muted);
		await new Promise((settled) => setTimeout(settled));
		await Promise.all([first, headgate.call.muteSelf({ ...muted })]); // said again while it is being told
		await headgate.call.muteSelf({ audio: false, video: false });
	})()`)
	if all := said(); !slices.Equal(all[4:], []string{off(true, false), off(false, false)}) {
		t.Errorf("told the others %v", all)
	}
	if news := eval[string](tb, `document.getElementById("toast").textContent`); strings.Contains(news, "dministrator") {
		t.Errorf("the page says %q of its own button", news)
	}
}

// TestCallShowsWhoIsOff covers what the others say of their own microphones and cameras,
// and that the list of people follows.
func TestCallShowsWhoIsOff(t *testing.T) {
	s := newStub(t, Config{})
	s.calls.fills(1)
	s.calls.feed = "feed"
	s.live("feed")
	tb := joined(s, look{}, "Anna")
	tb.click("#people-button")
	bob := `[...document.querySelectorAll(".tile")].find((e) => e.querySelector(".tile-name").textContent === "Bob Baker")`
	list := `[...document.querySelectorAll("#people-list li")].find((e) => e.textContent.includes("Bob Baker")).textContent`
	tb.wait(bob + `?.dataset.picture === "true" && ` + bob + `.querySelector(".tile-muted").hasAttribute("hidden")`)
	s.calls.tell("muted", `{"participant":"bob","source":"main","audio":false,"video":false,"self_muted":{"audio":true,"video":true},"by":"self"}`)
	tb.wait(bob + `.dataset.picture === "false" && !` + bob + `.querySelector(".tile-muted").hasAttribute("hidden") && ` + list + `.endsWith("muted")`)
	s.calls.tell("muted", `{"participant":"bob","source":"main","audio":true,"video":false,"self_muted":{"audio":false,"video":false},"by":"administrator"}`)
	tb.wait(bob + `.dataset.picture === "true" && !` + bob + `.querySelector(".tile-muted").hasAttribute("hidden") && ` + list + `.endsWith("muted by an administrator")`)
	s.calls.tell("muted", `{"participant":"bob","source":"main","audio":false,"video":false,"self_muted":{"audio":false,"video":false},"by":"administrator"}`)
	tb.wait(bob + `.querySelector(".tile-muted").hasAttribute("hidden")`)
	s.calls.tell("interrupted", `{"participant":"bob","source":"main"}`)
	tb.wait(list + `.includes("reconnecting…")`)
}

// TestCallTellsWhoJoins covers names with commas, and somebody who only takes another
// name.
func TestCallTellsWhoJoins(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	s.calls.joins("lee", "Lee, Ann")
	tb.wait(`document.getElementById("toast").textContent === "Lee, Ann joined."`)
	s.calls.tell("joined", `{"participant":"lee","name":"Lee","sources":[],"changed":true}`)
	s.calls.joins("bob", "Bob")
	s.calls.joins("cy", "Cy")
	tb.wait(`document.getElementById("toast").textContent === "Bob and Cy joined."`)
	if names := eval[string](tb, `import("/assets/callnews.js").then(({ together }) => [["A, B"], ["A", "B, C"], ["A", "B", "C"], ["A", "B", "C", "D"]].map(together).join("|"))`); names != "A, B|A and B, C|A, B and C|A, B and 2 others" {
		t.Errorf("names are told as %s", names)
	}
}

// TestCallWithoutDevicesFirst covers somebody who only watches and then speaks up.
func TestCallWithoutDevicesFirst(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/call/team")
	tb.click("#join-quiet")
	tb.state("live")
	tb.wait(`headgate.call.others.state === "live"`)
	if n := len(s.requests("POST", "/whip/")); n != 0 {
		t.Errorf("%d sessions of somebody who only watches", n)
	}
	tb.click("#mic")
	if post := s.await("POST", "/whip/team/", 1); strings.Contains(post.body, "m=video") || !strings.Contains(post.body, "m=audio") {
		t.Error("want sound alone")
	}
	tb.wait(`headgate.call.publishers.get("main")?.state === "live"`)
	tb.click("#cam")
	if post := s.await("POST", "/whip/team/", 2); !strings.Contains(post.body, "m=video") || !strings.Contains(post.body, "m=audio") {
		t.Error("want both")
	}
}

func TestCallPinsByKeyboard(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	s.calls.fills(3)
	tb.wait(`document.querySelectorAll(".tile").length === 4 && headgate.call.others.known`)
	tb.js(`document.querySelectorAll(".tile-button")[2].focus()`)
	tb.do(chromedp.KeyEvent("\r"))
	tb.wait(`document.querySelectorAll(".tile")[2].offsetWidth > innerWidth * 0.7 && document.querySelectorAll(".tile-button")[2].ariaPressed === "true"`)
	if put := s.await("PUT", "/session/", 1); !strings.HasSuffix(put.path, "/slots/1") || put.body != `{"participant":"chen","source":"main"}` {
		t.Errorf("PUT %s %s", put.path, put.body)
	}
	tb.do(chromedp.KeyEvent("\r"))
	if put := s.await("DELETE", "/session/", 1); !strings.HasSuffix(put.path, "/slots/1") {
		t.Errorf("DELETE %s", put.path)
	}
	tb.wait(`document.querySelectorAll(".tile-button")[2].ariaPressed === "false"`)
	// A panel takes the focus, Escape gives it back.
	tb.js(`document.getElementById("people-button").focus()`)
	tb.do(chromedp.KeyEvent("\r"))
	tb.wait(`!document.getElementById("people").hidden && document.activeElement.id === "people-close"`)
	tb.do(chromedp.KeyEvent("\u001b"))
	tb.wait(`document.getElementById("people").hidden && document.activeElement.id === "people-button"`)
}

// TestCallMakesRoomForAScreen: a screen is what all want to see, also where all places
// are taken.
func TestCallMakesRoomForAScreen(t *testing.T) {
	s := newStub(t, Config{})
	s.calls.fills(7) // a phone has six places
	s.calls.sends("bob", "screen", "VP8")
	tb := joined(s, look{width: 390, height: 844}, "Anna")
	if put := s.await("PUT", "/session/", 1); !strings.HasSuffix(put.path, "/slots/5") || put.body != `{"participant":"bob","source":"screen"}` {
		t.Errorf("PUT %s %s", put.path, put.body)
	}
	tb.wait(`[...document.querySelectorAll(".tile")].some((e) => e.querySelector(".tile-name").textContent === "Bob Baker’s screen" && e.offsetWidth > 300)`)
	s.calls.unpublishes("bob", "screen")
	s.await("DELETE", "/session/", 1)
}

func TestCallAdministrators(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	s.calls.fills(2)
	tb.click("#people-button")
	tb.wait(`document.querySelectorAll('[data-act="kick"]').length === 2 && !document.getElementById("admin").hidden`)
	tb.click(`[data-act="mute"]`)
	if put := s.await("PUT", "/api/v1/channels/team/publications/bob/main/mute", 1); put.body != `{"audio":true,"video":false}` {
		t.Errorf("muted with %s", put.body)
	}
	tb.click(`[data-act="kick"]`)
	tb.wait(`document.getElementById("sure").open && document.getElementById("sure-title").textContent === "Remove Bob Baker?"`)
	tb.click("#sure [value=no]")
	tb.click(`[data-act="kick"]`)
	tb.click("#sure-ban")
	tb.click("#sure-yes")
	if kick := s.await("DELETE", "/api/v1/channels/team/participants/bob", 1); kick.body != `{"ban_seconds":600}` {
		t.Errorf("kicked with %s", kick.body)
	}
	tb.wait(`document.querySelectorAll("#people-list li").length === 2`)
	if n := len(s.requests("DELETE", "/api/v1/channels/team/participants/")); n != 1 {
		t.Errorf("%d were kicked, though one was meant", n)
	}
	tb.click("#disband")
	tb.click("#sure-yes")
	tb.state("over")

	s.calls.admin = false
	other := joined(s, look{}, "Zoe")
	s.await("GET", "/api/v1/channels/team/bans", 2)
	other.click("#people-button")
	other.wait(`document.querySelector('[data-act="show"]')`)
	if n := eval[int](other, `document.querySelectorAll('[data-act="kick"], [data-act="mute"], #admin:not([hidden])').length`); n != 0 {
		t.Errorf("%d buttons that only administrators may use", n)
	}
}

func TestCallInvitations(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	me := eval[string](tb, "headgate.call.self")
	tb.click("#people-button")
	tb.js(`(document.querySelector("#people details").open = true)`)
	tb.typeIn("invite-to", "bob")
	tb.typeIn("invite-in", "a/b")
	tb.press("#invite details button")
	tb.wait(`document.getElementById("invite-state").textContent.includes("nothing else")`)
	tb.typeIn("invite-in", "lounge")
	tb.press("#invite details button")
	if post := s.await("POST", "/api/v1/channels/team/invitations", 1); post.body != `{"to":"bob","in":"lounge"}` {
		t.Errorf("invited with %s", post.body)
	}
	s.calls.to(me, "invitation", `{"id":"i1","from":"`+me+`","to":"bob","state":"declined"}`)
	tb.told("bob does not come.")
	s.calls.to(me, "invited", `{"id":"i9","channel":"elsewhere","from":"bob","to":"`+me+`","state":"pending"}`)
	tb.click("#accept")
	if patch := s.await("PATCH", "/api/v1/invitations/i9", 1); patch.body != `{"state":"accepted"}` {
		t.Errorf("answered with %s", patch.body)
	}
	tb.wait(`location.pathname === "/call/elsewhere"`)
	s.await("DELETE", "/api/v1/events/", 1)
}

func TestCallWantsAGestureForSound(t *testing.T) {
	s := newStub(t, Config{})
	s.calls.feed = "feed"
	s.live("feed")
	tb := newTab(t, look{before: `const play = HTMLMediaElement.prototype.play;
		HTMLMediaElement.prototype.play = function () { return this.muted || window.touched ? play.call(this) : Promise.reject(new DOMException("no", "NotAllowedError")); };`})
	enters(s, tb)
	s.calls.fills(1)
	tb.wait(`!document.getElementById("unmute-all").hidden`)
	tb.js(`(window.touched = true)`)
	tb.click("#unmute-all")
	tb.wait(`document.getElementById("unmute-all").hidden && [...document.querySelectorAll(".tile video")].filter((v) => !v.muted && !v.paused).length === 1`)
}

func TestCallSaysWhatItDoesNotShow(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{width: 390, height: 844}, "Anna")
	for i := range 14 {
		s.calls.joins(fmt.Sprintf("p%d", i), "")
		s.calls.sends(fmt.Sprintf("p%d", i), "main", "VP8")
	}
	tb.wait(`document.querySelector(".rest .tile-name")?.textContent === "+8 more"`)
	tb.click(".rest button")
	tb.wait(`!document.getElementById("people").hidden && document.querySelectorAll("#people-list li").length === 15`)
}

func TestCallAsksForAChannel(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/call#token=keep.me")
	tb.typeIn("ask-name", "a b")
	tb.click("#ask button")
	tb.wait(`location.pathname === "/call/a%20b" && location.hash === "#token=keep.me"`)
	tb.open(s.URL + "/call/a/b")
	tb.state("error")
	if got := tb.text("#trouble"); !strings.Contains(got, "nothing more") {
		t.Errorf("it says %q", got)
	}
}
