package ui

import "testing"

// recorded keeps every track that the page takes from a device.
const recorded = `window.took = [];
	const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
	navigator.mediaDevices.getUserMedia = async (wish) => { const stream = await real(wish); window.took.push(...stream.getTracks()); return stream; };`

// TestR36NoDeviceIsLeftOn: whatever was switched off and on again, when the page has left no track of a device goes on, so that the camera's light
// is out.
func TestR36NoDeviceIsLeftOn(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{before: recorded}, "Anna")
	tb.wait(`headgate.call.publishers.get("main")?.state === "live"`)
	tb.click("#cam")
	tb.wait(`headgate.media.video === null && window.took.filter((track) => track.kind === "video").every((track) => track.readyState === "ended")`)
	tb.click("#cam")
	tb.wait(`headgate.media.video?.readyState === "live"`)
	if n := eval[int](tb, "window.took.length"); n < 3 {
		t.Errorf("%d tracks were taken, want sound and two pictures", n)
	}
	tb.click("#leave")
	tb.state("over")
	tb.wait(`window.took.every((track) => track.readyState === "ended")`)
}

func TestR48NumbersAreShownWhenAsked(t *testing.T) {
	s := newStub(t, Config{})
	for address, shown := range map[string]bool{"/call/team?debug=1": true, "/call/team": false} {
		tb := newTab(t, look{})
		tb.open(s.URL + address)
		tb.state("idle")
		tb.typeIn("name", "Anna")
		tb.click("#join")
		tb.state("live")
		tb.wait(`document.getElementById("show-numbers") !== null`)
		if got := eval[bool](tb, `document.getElementById("show-numbers").checked`); got != shown {
			t.Errorf("%s shows numbers: %v", address, got)
		}
	}
}

// TestR22AClosedTabLeaves: whoever closes the tab is gone for the others at once.
func TestR22AClosedTabLeaves(t *testing.T) {
	s := newStub(t, Config{})
	s.calls.feed = "feed"
	s.live("feed")
	tb := joined(s, look{}, "Anna")
	tb.wait(`headgate.call.publishers.get("main")?.state === "live" && headgate.call.others?.state === "live"`)
	tb.open(s.URL + "/")
	s.await("DELETE", "/api/v1/events/", 1)
	s.await("DELETE", "/session/", 2) // what was sent, and what was watched
}
