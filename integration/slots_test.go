package integration

import (
	"fmt"
	"testing"
)

// TestChromiumSlots: a page of another origin offers nine slots, finds out which stream is whose, pins one, hides one, and decodes two codecs side by side. The
// offer is as large as a browser makes it.
func TestChromiumSlots(t *testing.T) {
	needNetwork(t)
	g := startGateway(t)
	publishFFmpeg(t, g, "live/ann")
	publishVP8(t, g, "live/bob")
	viewer := open(t, chromium, startSite(t).url+"/blank.html")
	viewer.run(t, fmt.Sprintf(slotsViewer, g.whep("live"), 9), nil)
	viewer.eventually(t, patience, "two people in the first slots",
		`slots.all().then(({ slots }) => slots.length === 9 && slots.slice(0, 2).map((slot) => slot.participant).sort().join() === "ann,bob" && slots[2].participant === null)`)
	for slot, codec := range viewer.slotCodecs(t) {
		if codec != "" && slot > 1 {
			t.Errorf("slot %d decodes %s", slot, codec)
		}
	}
	viewer.eventually(t, patience, "both codecs decoded", `slots.decodes().then((all) => [all[0].codec, all[1].codec].sort().join() === "H264,VP8" && all[0].frames > 20 && all[1].frames > 20)`)
	viewer.run(t, `slots.ask("PUT", "/5", { participant: "bob" })`, nil)
	viewer.eventually(t, patience, "bob where he is pinned", `slots.decodes().then((all) => all[5].codec === "VP8" && all[5].frames > 20)`)
	viewer.run(t, `slots.ask("PATCH", "", [{ slot: 5, hidden: true }])`, nil)
	viewer.eventually(t, patience, "a hidden slot stands still", `(async () => {
		const before = await slots.decodes();
		await new Promise((done) => setTimeout(done, 500));
		return (await slots.decodes())[5].frames === before[5].frames;
	})()`)
	if r := viewer.report(t); r.Connections != 1 || len(r.Log) > 0 {
		t.Errorf("%d connections; the console says %q", r.Connections, r.Log)
	}
}

// TestFirefoxSlots: whose picture a browser cannot decode is heard, after those who are seen, and said to be unplayable.
func TestFirefoxSlots(t *testing.T) {
	needNetwork(t)
	g := startGateway(t)
	publishFFmpeg(t, g, "live/ann")
	publishVP8(t, g, "live/bob")
	viewer := open(t, firefox, startSite(t).url+"/blank.html")
	viewer.run(t, fmt.Sprintf(slotsViewer, g.whep("live"), 3), nil)
	viewer.eventually(t, patience, "VP8 decoded", `slots.decodes().then((all) => all.some((slot) => slot.codec === "VP8" && slot.frames > 20))`)
	viewer.run(t, `slots.ask("PUT", "/2", { participant: "ann" })`, nil)
	if hasH264(t, viewer) {
		viewer.eventually(t, patience, "H.264 decoded", `slots.decodes().then((all) => all[2].codec === "H264" && all[2].frames > 20)`)
		return
	}
	viewer.eventually(t, patience, "ann pinned and unplayable", `slots.all().then(({ slots }) => slots[2].participant === "ann" && slots[2].unplayable)`)
	viewer.eventually(t, patience, "ann nowhere else", `slots.all().then(({ slots }) => slots[0].participant !== "ann" && slots[1].participant !== "ann")`)
}

// slotCodecs are the codecs decoded in the slots, empty for none.
func (p *page) slotCodecs(t *testing.T) (codecs []string) {
	t.Helper()
	p.run(t, `slots.decodes().then((all) => all.map((slot) => slot.codec))`, &codecs)
	return codecs
}

// slotsViewer offers slots with fetch and nothing else.
const slotsViewer = `(async () => {
	const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
	const transceivers = [];
	for (let i = 0; i < %[2]d; i++) {
		transceivers.push(pc.addTransceiver("video", { direction: "recvonly" }));
		pc.addTransceiver("audio", { direction: "recvonly" });
	}
	const strange = [];
	pc.ontrack = ({ transceiver, streams }) => {
		const slot = transceivers.indexOf(transceiver);
		if (slot >= 0 && (streams.length !== 1 || streams[0].id !== "slot-" + slot)) strange.push(slot + " is " + streams.map((stream) => stream.id));
	};
	await pc.setLocalDescription();
	const response = await fetch(%[1]q, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
	if (response.status !== 201) throw new Error(response.status + " " + await response.text());
	const link = response.headers.get("link").match(/<([^>]+)>;\s*rel="?https:\/\/headgate\.dev\/rel\/slots"?/);
	if (!link) throw new Error("no slots are announced: " + response.headers.get("link"));
	const target = new URL(link[1], %[1]q).href;
	await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
	if (strange.length) throw new Error("slots have other streams: " + strange);
	const ask = async (method, path, body) => {
		const answer = await fetch(target + path, { method, headers: body && { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
		if (answer.status !== 200) throw new Error(method + " " + path + ": " + answer.status + " " + await answer.text());
		return answer.json();
	};
	const decodes = async () => {
		const all = [];
		for (const { receiver } of transceivers) {
			const stats = await receiver.getStats();
			const inbound = [...stats.values()].find((report) => report.type === "inbound-rtp");
			const codec = inbound && stats.get(inbound.codecId);
			all.push({ frames: (inbound && inbound.framesDecoded) || 0, codec: codec && inbound.framesDecoded ? codec.mimeType.split("/")[1] : "" });
		}
		return all;
	};
	window.slots = { ask, decodes, all: () => ask("GET", "") };
})()`
