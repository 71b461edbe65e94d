package ui

import (
	"strings"
	"testing"
)

func TestArrangement(t *testing.T) {
	tb := module(t)
	// Tiles stay inside, never overlap, and use the room well.
	fault := eval[string](tb, `import("/assets/arrange.js").then(({ grid, stage }) => {
		const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
		const inside = (a, box) => a.x >= box.x - 1 && a.y >= box.y - 1 && a.x + a.width <= box.x + box.width + 1 && a.y + a.height <= box.y + box.height + 1;
		for (const box of [{ x: 0, y: 0, width: 1416, height: 783 }, { x: 0, y: 0, width: 374, height: 730 }, { x: 7, y: 3, width: 900, height: 200 }]) {
			for (let n = 1; n <= 30; n++) {
				for (const all of [grid(n, box), [stage(n, box).large, ...stage(n, box).small]]) {
					for (const [i, a] of all.entries()) {
						if (!inside(a, box)) return n + " tiles: " + JSON.stringify(a) + " is outside of " + JSON.stringify(box);
						if (a.width < 16 || a.height < 16) return n + " tiles: one is too small";
						for (const b of all.slice(i + 1)) if (overlap(a, b)) return n + " tiles overlap: " + JSON.stringify([a, b]);
					}
				}
				if (grid(n, box).length !== n) return "not " + n + " tiles";
				const area = grid(n, box).reduce((sum, a) => sum + a.width * a.height, 0) / (box.width * box.height);
				if (n <= 16 && box.height > 300 && area < 0.5) return n + " tiles use " + area + " of the room";
			}
		}
		return [grid(0, { x: 0, y: 0, width: 10, height: 10 }).length, grid(2, { x: 0, y: 0, width: 1000, height: 500 })[0].width, grid(2, { x: 0, y: 0, width: 400, height: 800 })[0].width].join();
	})`)
	if fault != "0,496,400" {
		t.Error(fault)
	}
}

func TestRosterFollowsEvents(t *testing.T) {
	tb := module(t)
	got := eval[string](tb, `import("/assets/roster.js").then(({ Roster }) => {
		const r = new Roster();
		r.apply("snapshot", { channel: "c", kind: "call", self: "me", speaker: null, participants: [{ participant: "me", sources: [] }, null, { name: "nobody" }], publications: [{ participant: "a", source: "main", video: "VP8" }] });
		const out = [[...r.participants.keys()].join("+"), r.participants.get("a").sources.join()];
		r.apply("joined", { participant: "b", name: "Bob", sources: [] });
		r.apply("published", { participant: "b", source: "screen" });
		r.apply("joined", { participant: "b", name: "Bob B", sources: ["screen"] });
		r.apply("interrupted", { participant: "b", source: "screen" });
		r.apply("muted", { participant: "b", source: "screen", audio: true, self_muted: { video: true }, by: "self" });
		r.apply("muted", { participant: "nobody", source: "x" });
		r.apply("speaking", { participant: "b", speaking: true });
		r.apply("speaker", { participant: "b" });
		r.apply("quality", { participants: { b: { up: 4 }, nobody: { up: 1 }, me: null } });
		out.push(r.nameOf("b"), JSON.stringify(r.publication("b", "screen")), r.participants.get("b").speaking, r.speaker, r.participants.get("b").quality.up);
		r.apply("resumed", { participant: "b", source: "screen" });
		out.push(r.publication("b", "screen").state);
		r.apply("unpublished", { participant: "b", source: "screen" });
		out.push(r.participants.get("b").sources.length, r.publications.length);
		r.apply("left", { participant: "b" });
		r.apply("left", { participant: "a" });
		r.apply("invented", {});
		r.apply("constructor", {});
		out.push(r.speaker, r.publications.length, r.nameOf("gone"));
		return out.join("|");
	})`)
	want := `me+a|main|Bob B|{"participant":"b","source":"screen","state":"interrupted","muted":{"audio":true,"video":false},"self_muted":{"audio":false,"video":true}}|true|b|4|live|0|1||0|gone`
	if got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

// TestHeadgateModule is the example of the head of headgate.js, run.
func TestHeadgateModule(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	tb.js(`(async () => {
		const { join } = await import("/assets/headgate.js");
		window.heard = [];
		const call = window.call = await join({ channel: "team", participant: "anna", name: "Anna" });
		for (const name of ["joined", "left", "published", "message"]) call.addEventListener(name, ({ detail }) => heard.push(name + " " + (detail.participant ?? detail.text)));
		window.mine = await call.publish(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
		window.others = call.subscribe({ slots: 3 });
	})()`)
	tb.wait(`mine.state === "live" && others.state === "live" && others.known`)
	if post := s.await("POST", "/whip/team/anna", 1); post.path != "/whip/team/anna" {
		t.Errorf("published to %s", post.path)
	}
	if post := s.await("POST", "/whep/team", 1); post.query != "participant=anna" || strings.Count(post.body, "m=video") != 3 {
		t.Errorf("plays with %s", post.query)
	}
	s.calls.joins("bob", "Bob")
	s.calls.sends("bob", "main", "VP8")
	tb.wait(`others.slots[0].participant === "bob" && call.roster.nameOf("bob") === "Bob"`)
	// Sizes go out together, and only what changed.
	tb.js(`(others.fit(0, { width: 320.5, height: 180 }), others.fit(1, { hidden: true }), others.fit(0, { width: 640, height: 360 }))`)
	sizes := func(n int) heard { return s.await("PATCH", "/session/s2/slots", n) }
	if got := sizes(1).body; got != `[{"slot":0,"hidden":false,"maxWidth":640,"maxHeight":360},{"slot":1,"hidden":true}]` {
		t.Errorf("sizes: %s", got)
	}
	tb.js(`(others.fit(0, { width: 640, height: 360 }), others.fit(1, { width: 10, height: 10 }))`)
	if got := sizes(2).body; got != `[{"slot":1,"hidden":false,"maxWidth":10,"maxHeight":10}]` {
		t.Errorf("sizes: %s", got)
	}
	s.calls.says("bob", "hello")
	tb.wait(`heard.filter((h) => h === "message hello").length === 1`)
	tb.js(`call.say("to you alone", "bob")`)
	if post := s.await("POST", "/api/v1/channels/team/messages", 1); post.body != `{"text":"to you alone","to":"bob"}` {
		t.Errorf("said %s", post.body)
	}
	// A new session is told all sizes again.
	s.drop(s.viewer(), "lost")
	s.await("POST", "/whep/team", 2)
	if got := s.await("PATCH", "/session/s3/slots", 1).body; strings.Count(got, `"slot"`) != 2 {
		t.Errorf("sizes for the new session: %s", got)
	}
	tb.js(`call.leave()`)
	s.await("DELETE", "/api/v1/events/", 1)
	s.await("DELETE", "/session/", 2)
	tb.wait(`call.state === "idle" && mine.state === "idle" && others.state === "idle"`)
}

func TestJoiningIsRefusedForGood(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	for request, answer := range map[string]canned{
		"403": {status: 403, code: "banned", detail: "Out."}, "409": {status: 409, code: "duplicate-id", detail: "Taken."}, "404": {status: 404, code: "channel-unknown", detail: "No such channel."},
	} {
		s.answer("POST /api/v1/channels/"+request+"/events", answer)
		got := eval[string](tb, `import("/assets/headgate.js").then(({ join }) => join({ channel: "`+request+`" })).then(() => "joined", (problem) => problem.code + " " + problem.message)`)
		if got != answer.code+" "+answer.detail {
			t.Errorf("%s: %s", request, got)
		}
	}
	// What passes is waited for.
	s.answer("POST /api/v1/channels/team/events", canned{status: 503, code: "overloaded", detail: "Later.", retryAfter: "1"}, canned{})
	tb.js(`import("/assets/headgate.js").then(async ({ join }) => (await join({ channel: "team" })).leave())`)
	if n := len(s.requests("POST", "/api/v1/channels/team/events")); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// TestMemberStreamComesBack covers a stream that breaks off: the browser reads on, and
// where the stream is over the reason decides.
func TestMemberStreamComesBack(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	tb.js(`(async () => {
		const { join } = await import("/assets/headgate.js");
		window.call = await join({ channel: "team", participant: "anna" });
		call.addEventListener("ended", ({ detail }) => (window.ended = detail.code));
	})()`)
	s.calls.cut("left") // the gateway forgot us: join again, as the same
	s.await("POST", "/api/v1/channels/team/events", 2)
	tb.wait(`call.state === "live" && call.self === "anna" && !window.ended`)
	s.calls.cut("kicked")
	tb.wait(`call.state === "error" && window.ended === "kicked"`)
	if n := len(s.requests("POST", "/api/v1/channels/team/events")); n != 2 {
		t.Errorf("%d requests: who was put out must not come back by itself", n)
	}
}

// TestTabsTakeTurns: more tabs than there are places all get their turn, and none
// waits long.
func TestTabsTakeTurns(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	got := eval[[]int](tb, `import("/assets/turns.js").then(async ({ turn }) => {
		const life = new AbortController();
		const had = [0, 0, 0, 0, 0, 0, 0];
		let open = 0, most = 0;
		const all = had.map(async (_, i) => {
			while (!life.signal.aborted) {
				await turn(location.origin, life.signal, (over) => new Promise((done) => {
					most = Math.max(most, ++open);
					had[i]++;
					const stop = () => { open--; done(); };
					over.addEventListener("abort", stop, { once: true });
					life.signal.addEventListener("abort", () => over.aborted || stop(), { once: true });
				}));
			}
		});
		while (had.some((n) => n === 0)) await new Promise((r) => setTimeout(r, 100));
		life.abort();
		await Promise.all(all);
		return [most, Math.min(...had)];
	})`)
	if got[0] != 4 || got[1] < 1 {
		t.Errorf("%d at once, the least had %d turns; want 4 at once, and everybody one", got[0], got[1])
	}
}
