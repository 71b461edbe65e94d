package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// moduleCaller takes part by the module that people copy: it joins, sends a picture of one colour and plays the others.
const moduleCaller = `(async () => {
	const { join } = await import("/assets/headgate.js");
	const call = window.call = await join({ channel: "team", participant: %[1]q, name: %[1]q, kind: "call" });
	window.said = [];
	call.addEventListener("message", ({ detail }) => window.said.push(detail.text));
	const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 90 });
	const context = canvas.getContext("2d");
	let n = 0;
	setInterval(() => { context.fillStyle = n++ %% 2 ? "red" : "blue"; context.fillRect(0, 0, 160, 90); }, 100);
	await call.publish(canvas.captureStream(10));
	const others = call.subscribe({ slots: %[2]d });
	for (const slot of others.slots) {
		const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true, width: 80, height: 45, srcObject: slot.stream });
		document.body.append(video);
	}
	return true;
})()`

// TestSixTabs: six tabs of one browser, which opens six connections to a server over HTTP/1.1, are in one call. Every tab sees all others, what one
// says reaches all, and one that leaves is gone for the others.
func TestSixTabs(t *testing.T) {
	needNetwork(t)
	g := startGateway(t)
	const tabs = 6
	var pages []*page
	var names []string
	for i := range tabs {
		p := besideOthers(t, g.publishPage("nobody"))
		name := fmt.Sprintf("tab-%d", i)
		p.name = name
		p.run(t, fmt.Sprintf(moduleCaller, name, tabs-1), nil)
		pages, names = append(pages, p), append(names, name)
	}
	for i, p := range pages {
		p.eventually(t, patience, "all others in its slots", fmt.Sprintf("[...new Set(call.others.slots.map((slot) => slot.participant))].sort().join() === %q",
			strings.Join(slices.Delete(slices.Clone(names), i, i+1), ",")))
		p.eventually(t, patience, "moving pictures of all of them", `[...document.querySelectorAll("video")].filter((video) => video.getVideoPlaybackQuality && video.getVideoPlaybackQuality().totalVideoFrames > 5).length >= `+fmt.Sprint(tabs-1))
	}
	pages[0].run(t, `call.say("hello from the first")`, nil)
	for _, p := range pages {
		p.eventually(t, patience, "what the first tab said", `window.said.includes("hello from the first")`)
	}
	pages[0].run(t, "call.leave()", nil)
	for _, p := range pages[1:] {
		p.eventually(t, patience, "that the first tab has left", `![...call.roster.participants.keys()].includes("tab-0")`)
	}
}

// besideOthers opens a tab of Chromium that shares its connections with others opened so.
func besideOthers(t *testing.T, url string) *page {
	t.Helper()
	b, err := running(chromium, need(t, chromium))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := b.(*chromiumBrowser).besideTab(probeScript)
	if err != nil {
		t.Fatal(err)
	}
	return visit(t, opened, "a tab beside others", url)
}
