package ui

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestPublishGoesLiveAndStops(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live#token=a.b-c")
	tb.state("idle")
	if n := eval[int](tb, `document.getElementById("preview").srcObject ? 1 : 0`); n != 0 {
		t.Error("the camera is on before anybody asked")
	}
	tb.click("#go")
	tb.state("live")
	if got := s.await("POST", "/whip/live", 1).header.Get("Authorization"); got != "Bearer a.b-c" {
		t.Errorf("the POST has %q", got)
	}
	tb.wait(`document.getElementById("status").textContent === "You are live on live."`)
	tb.wait(`/kbit|Mbit/.test(document.getElementById("numbers").innerText) && document.getElementById("numbers").innerText.includes("×")`)
	tb.wait(`Number(document.getElementById("level").ariaValueNow) > 5`)
	if got := tb.text("#share-link"); got != s.URL+"/watch/live" {
		t.Errorf("the link for viewers is %q; it must not carry the publisher's token", got)
	}
	if !eval[bool](tb, `window.headgate.state === "live" && document.getElementById("codec").disabled && document.getElementById("guest-row").hidden`) {
		t.Error("client, or fields while live, or the guest box of somebody with a token")
	}
	tb.click("#mute")
	tb.wait(`!headgate.stream.getAudioTracks()[0].enabled && document.getElementById("mute").textContent === "Unmute"`)
	tb.click("#go")
	tb.state("idle")
	s.await("DELETE", "/session/", 1)
	if got := tb.text("#go"); got != "Go live" {
		t.Errorf("the button says %q", got)
	}
	tb.click("#look")
	tb.wait(`document.getElementById("preview").srcObject === null`)
}

func TestPublishOffersTheChosenCodecAndRate(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live")
	options := eval[[]string](tb, `[...document.getElementById("codec").options].map((o) => o.value)`)
	if strings.Join(options, " ") != " H264 VP8 VP9 AV1" {
		t.Errorf("codecs to choose from: %q", options)
	}
	tb.js(`(document.getElementById("codec").value = "VP8", document.getElementById("bitrate").value = "1000000", document.getElementById("size").value = "360")`)
	tb.click("#go")
	tb.state("live")
	if post := s.await("POST", "/whip/live", 1); strings.Contains(post.body, "H264/90000") || !strings.Contains(post.body, "VP8/90000") {
		t.Error("the offer is not of the chosen codec")
	}
	limit := `headgate.pc.getSenders().find((s) => s.track.kind === "video").getParameters().encodings[0].maxBitrate`
	if got := eval[float64](tb, limit); got != 1e6 {
		t.Errorf("limit %v", got)
	}
	if got := eval[float64](tb, `headgate.stream.getVideoTracks()[0].getSettings().height`); got != 360 {
		t.Errorf("picture of %v lines", got)
	}
	// Changes while live need no new session.
	tb.js(`(() => { for (const [id, value] of [["bitrate", ""], ["size", "480"]]) {
		const field = document.getElementById(id); field.value = value; field.dispatchEvent(new Event("change", { bubbles: true })); } })()`)
	tb.wait(limit + " === 1200000 && headgate.stream.getVideoTracks()[0].getSettings().height === 480")
	if n := len(s.requests("POST", "/whip/")); n != 1 {
		t.Errorf("%d POSTs", n)
	}
}

func TestPublishAsAGuest(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live")
	name := tb.text("#guest-id")
	tb.click("#guest")
	if got := tb.text("#share-link"); got != s.URL+"/watch/live/"+name {
		t.Errorf("the link for viewers is %q", got)
	}
	tb.click("#go")
	tb.state("live")
	if post := s.await("POST", "/whip/live/", 1); post.path != "/whip/live/"+name || !strings.HasPrefix(name, "guest-") {
		t.Errorf("POST to %s as %s", post.path, name)
	}
	tb.open(s.URL + "/publish/live")
	if again := tb.text("#guest-id"); again != name {
		t.Errorf("after a reload the guest is %s, was %s", again, name)
	}
	s.await("DELETE", "/session/", 1) // leaving a page ends its session
	tb.open(s.URL + "/publish/live/anna")
	if !eval[bool](tb, `document.getElementById("guest-row").hidden`) {
		t.Error("who has a name in the address is no guest")
	}
}

func TestPublishShowsTheScreenWithSound(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: `navigator.mediaDevices.getDisplayMedia = async () => {
		const canvas = document.createElement("canvas"); const c = canvas.getContext("2d");
		setInterval(() => c.fillRect(Math.random() * 99, 0, 9, 9), 50);
		return canvas.captureStream(20);
	};`})
	tb.open(s.URL + "/publish/live/anna/screen")
	tb.click("input[value=screen] + span")
	tb.click("#go")
	tb.state("live")
	if !eval[bool](tb, `headgate.stream.getVideoTracks()[0] instanceof CanvasCaptureMediaStreamTrack && headgate.stream.getAudioTracks().length === 1`) {
		t.Error("want the screen's picture and the microphone's sound")
	}
	if post := s.await("POST", "/whip/live/anna/screen", 1); strings.Count(post.body, "\nm=") != 2 {
		t.Error("want two sections")
	}
	// The browser's own "stop sharing" ends the track.
	tb.js(`(() => { for (const t of headgate.stream.getTracks()) { t.stop(); t.dispatchEvent(new Event("ended")); } })()`)
	tb.state("idle")
	tb.wait(`document.getElementById("status").textContent.includes("ended")`)
	s.await("DELETE", "/session/", 1)
}

func TestPublishExplainsWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, page, before string
		click              string
		want               string
	}{
		{"permission refused", "/publish/live", refuse("NotAllowedError"), "#go", "allow both, and try again"},
		{"nothing there", "/publish/live", refuse("NotFoundError"), "#go", "No camera or microphone was found"},
		{"used by another program", "/publish/live", refuse("NotReadableError"), "#look", "Another program may be using it"},
		{"unplugged", "/publish/live", refuse("OverconstrainedError"), "#go", "is not there any more"},
		{"something else", "/publish/live", refuse("WeirdError"), "#go", "could not start the camera (WeirdError)"},
		{"no WebRTC", "/publish/live", `delete window.RTCPeerConnection;`, "", "has no WebRTC"},
		{"a bad name", "/publish/a%2Fb", "", "", "and nothing else"},
		{"a damaged token", "/publish/live#token=%E2%82%AC", "", "", "Copy the whole link again"},
	}
	s := newStub(t, Config{})
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			tb := newTab(t, look{before: tc.before})
			tb.open(s.URL + tc.page)
			if tc.click != "" {
				tb.click(tc.click)
			}
			tb.state("error")
			if got := tb.text("#trouble"); !strings.Contains(got, tc.want) {
				t.Errorf("it says %q, want %q", got, tc.want)
			}
			if n := len(s.requests("POST", "/whip/")); n != 0 {
				t.Errorf("%d POSTs", n)
			}
		})
	}
}

func TestPublishExplainsPlainHTTP(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(insecure(s) + "/publish/live")
	tb.state("error")
	got := tb.text("#trouble")
	for _, want := range []string{"HTTPS", "http://localhost:", "/publish/live", "OBS"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if !eval[bool](tb, `document.getElementById("setup").hidden`) {
		t.Error("a form that cannot work is shown")
	}
}

func TestPublishShowsTheGatewaysSentence(t *testing.T) {
	s := newStub(t, Config{})
	s.answer("POST /whip/live", canned{status: 401, code: "token-expired", detail: "<b>This token has expired.</b>"})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live#token=old")
	tb.click("#go")
	tb.state("error")
	if got := tb.text("#trouble"); !strings.Contains(got, "<b>This token has expired.</b>") || !strings.Contains(got, "#token=") {
		t.Errorf("it says %q", got)
	}
	s.answer("POST /whip/live", canned{})
	tb.click("#go")
	tb.state("live")
	tb.wait(`document.getElementById("trouble").hidden`)
}

func TestPublishWaitsWhenTheChannelIsBusy(t *testing.T) {
	s := newStub(t, Config{})
	s.answer("POST /whip/live", canned{status: 409, code: "channel-busy", detail: "The channel has a publisher.", retryAfter: "1"}, canned{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live")
	tb.click("#go")
	tb.state("waiting")
	tb.wait(`document.getElementById("status").textContent.includes("The channel has a publisher. Trying again")`)
	tb.state("live")
}

func TestPublishPressedTwiceIsOneSession(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live")
	tb.js(`(document.getElementById("setup").requestSubmit(), document.getElementById("setup").requestSubmit())`)
	tb.state("live")
	s.await("PATCH", "/session/", 1)
	if n := len(s.requests("POST", "/whip/")); n != 1 {
		t.Errorf("%d POSTs", n)
	}
}

// TestPublishMutedStaysMuted covers a change of camera by somebody who is muted,
// and one of what is sent at all.
func TestPublishMutedStaysMuted(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live")
	choose := func(id, value string) {
		tb.js(`(() => { const f = document.getElementById("` + id + `"); f.value = "` + value + `"; f.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	}
	choose("camera", "none")
	tb.click("#go")
	tb.state("live")
	tb.click("#mute")
	before := eval[string](tb, `headgate.stream.getAudioTracks()[0].id`)
	choose("camera", "")
	s.await("POST", "/whip/live", 2) // a picture was not offered before
	tb.state("live")
	tb.wait(`headgate.stream.getVideoTracks().length === 1`)
	if !eval[bool](tb, `headgate.stream.getAudioTracks()[0].id !== "`+before+`" && !headgate.stream.getAudioTracks()[0].enabled && document.getElementById("mute").textContent === "Unmute"`) {
		t.Error("the microphone came back although nobody asked for it")
	}
}

func TestPublishListsDevices(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/live")
	tb.click("#look")
	tb.wait(`[...document.getElementById("camera").options].some((o) => o.label.includes("fake_device"))`)
	tb.js(`(() => { const m = document.getElementById("microphone"); m.value = "none"; m.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	tb.wait(`document.getElementById("preview").srcObject.getAudioTracks().length === 0 && document.getElementById("level-row").hidden`)
	tb.click("#go")
	tb.state("live")
	if post := s.await("POST", "/whip/live", 1); strings.Contains(post.body, "m=audio") {
		t.Error("sound is offered although none was wanted")
	}
}

func TestPublishAsksForAChannel(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish#token=keep.me")
	tb.do(chromedp.SendKeys(chromedp.CSS("#ask-name"), "a*b"), chromedp.Click(chromedp.CSS("#ask button")))
	if got := tb.text("#ask-trouble"); !strings.Contains(got, "nothing else") {
		t.Errorf("it says %q", got)
	}
	tb.typeIn("ask-name", "a b")
	tb.click("#ask button")
	tb.wait(`location.pathname === "/publish/a%20b" && location.hash === "#token=keep.me"`)
}
