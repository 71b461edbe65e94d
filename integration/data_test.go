package integration

import (
	"fmt"
	"testing"
)

// TestBrowsersChat: a page that publishes and pages that play talk on data channels, with text that needs care, one that is too long, and a flood; each player shows its
// picture meanwhile.
func TestBrowsersChat(t *testing.T) {
	needNetwork(t)
	g := startGateway(t)
	site := startSite(t)
	ann := open(t, chromium, site.url+"/blank.html")
	ann.run(t, fmt.Sprintf(dataPage, g.whip("live")+"/ann", "ann"), nil)
	for _, c := range []client{chromium, firefox} {
		t.Run(c.name, func(t *testing.T) {
			bob := open(t, c, site.url+"/blank.html")
			bob.run(t, fmt.Sprintf(dataPage, g.whep("live")+"/ann?participant=bob", ""), nil)
			bob.run(t, `chat.say("<b>\u00e9\u2028 \ud83d\ude00")`, nil)
			ann.eventually(t, patience, "ann hears bob", `chat.heard.some((m) => m.type === "message" && m.from === "bob" && m.text === "<b>\u00e9\u2028 \ud83d\ude00" && m.id && m.at)`)
			ann.run(t, `chat.say("welcome")`, nil)
			bob.eventually(t, patience, "bob hears ann", `chat.heard.some((m) => m.from === "ann" && m.text === "welcome")`)
			bob.run(t, `chat.say("x".repeat(16385))`, nil)
			bob.eventually(t, patience, "bob is told that it was too long", `chat.heard.some((m) => m.type === "error" && m.code === "bad-message")`)
			bob.run(t, `chat.say("y".repeat(16384))`, nil)
			ann.eventually(t, patience, "the longest comes whole", `chat.heard.some((m) => m.text && m.text.length === 16384)`)
			bob.run(t, fmt.Sprintf(`(async () => { for (let i = 0; i < 30; i++) await chat.say("flood of %s " + i); })()`, c.name), nil)
			bob.eventually(t, patience, "bob is told that it is too much", `chat.heard.some((m) => m.code === "too-many-messages")`)
			bob.eventually(t, patience, "other labels are closed", `chat.other.readyState === "closed"`)
			var flood int
			ann.run(t, fmt.Sprintf(`chat.heard.filter((m) => m.text && m.text.startsWith("flood of %s")).length`, c.name), &flood)
			if flood > 6 {
				t.Errorf("%d messages of a flood of 30 were passed on", flood)
			}
			ann.run(t, `chat.heard.splice(0).length`, nil)
			if r := bob.report(t); len(r.Log) > 0 {
				t.Errorf("the console says %q", r.Log)
			}
		})
	}
}

// dataPage publishes a canvas as somebody, or plays where nobody is named, with a data channel for the chat.
const dataPage = `(async () => {
	const pc = new RTCPeerConnection();
	const heard = [];
	const channel = pc.createDataChannel("chat"), other = pc.createDataChannel("other");
	channel.onmessage = ({ data }) => heard.push(JSON.parse(data));
	const open = new Promise((done, fail) => { channel.onopen = done; channel.onclose = () => fail(new Error("the chat was closed")); });
	if (%[2]q) {
		const canvas = document.createElement("canvas");
		const draw = () => { canvas.getContext("2d").fillRect(Math.random() * 200, 0, 20, 20); };
		draw();
		setInterval(draw, 100);
		const sender = pc.addTransceiver(canvas.captureStream(10).getVideoTracks()[0], { direction: "sendonly" });
		sender.setCodecPreferences(RTCRtpSender.getCapabilities("video").codecs.filter(({ mimeType }) => mimeType === "video/VP8")); // every browser has it
	} else {
		pc.addTransceiver("video", { direction: "recvonly" });
	}
	await pc.setLocalDescription();
	let response;
	for (let i = 0; i < 50; i++) {
		response = await fetch(%[1]q, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
		if (response.status !== 409) break;
		await new Promise((done) => setTimeout(done, 200));
	}
	if (response.status !== 201) throw new Error(response.status + " " + await response.text());
	await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
	await open;
	window.chat = { heard, other, say: (text) => channel.send(text) };
})()`
