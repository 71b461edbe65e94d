package ui

import (
	"regexp"
	"strings"
	"testing"
)

// whipOn makes a WHIP client in a page, publishing the browser's test picture.
func whipOn(tb *tab, url, options string) {
	tb.js(`(async () => {
		const { WHIPClient } = await import("/assets/whip.js");
		const client = window.client = new WHIPClient("` + url + `", ` + options + `);
		window.log = [];
		client.addEventListener("state", (e) => window.log.push(e.detail.state));
		client.publish(await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180 } })).catch(() => {});
	})()`)
}

// whepOn makes a WHEP client in a page.
func whepOn(tb *tab, url, options string) {
	tb.js(`(async () => {
		const { WHEPClient } = await import("/assets/whep.js");
		const client = window.client = new WHEPClient("` + url + `", ` + options + `);
		window.log = [];
		client.addEventListener("state", (e) => window.log.push(e.detail.state));
		const video = window.video = document.createElement("video");
		video.muted = true;
		document.body.append(video);
		client.addEventListener("track", () => { video.srcObject = client.stream; video.play().catch(() => {}); });
		client.play().catch(() => {});
	})()`)
}

// on opens a page of a stub that may use the camera and does nothing by itself,
// as a place for clients.
func (s *stub) on() *tab {
	s.t.Helper()
	tb := newTab(s.t, look{})
	tb.open(s.URL + "/publish")
	return tb
}

const (
	isLive = `window.client?.state === "live"`
	frames = `window.client.pc.getStats().then((r) => [...r.values()].filter((e) => e.type === "inbound-rtp" && e.kind === "video").reduce((n, e) => n + (e.framesDecoded ?? 0), 0))`
)

func TestWHIPClientSpeaksRFC9725(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	whipOn(tb, s.URL+"/whip/live", `{ token: "secret.token", codec: "VP8", bitrate: 300000 }`)
	tb.wait(isLive)
	post := s.await("POST", "/whip/live", 1)
	if post.header.Get("Content-Type") != "application/sdp" || post.header.Get("Authorization") != "Bearer secret.token" || post.query != "" {
		t.Errorf("POST %s?%s with %v", post.path, post.query, post.header)
	}
	for _, want := range []string{"a=sendonly", "a=group:BUNDLE", "VP8/90000", "opus/48000/2"} {
		if !strings.Contains(post.body, want) {
			t.Errorf("the offer has no %s", want)
		}
	}
	if regexp.MustCompile(`a=rtpmap:\d+ (H264|VP9|AV1)/`).MatchString(post.body) {
		t.Error("the offer has codecs that were not chosen")
	}
	if strings.Contains(post.body, "a=candidate:") {
		t.Error("the offer waited for candidates; it should go out at once")
	}
	trickle := s.await("PATCH", "/session/", 1)
	if trickle.header.Get("If-Match") != `"g0"` || trickle.header.Get("Content-Type") != "application/trickle-ice-sdpfrag" || trickle.header.Get("Authorization") != "Bearer secret.token" {
		t.Errorf("PATCH with %v", trickle.header)
	}
	if offered := ufrag.FindStringSubmatch(post.body)[1]; !strings.Contains(trickle.body, "a=ice-ufrag:"+offered+"\r\n") || !strings.Contains(trickle.body, "a=candidate:") {
		t.Errorf("the fragment is not of this offer:\n%s", trickle.body)
	}
	if got := eval[float64](tb, `client.pc.getSenders().find((s) => s.track.kind === "video").getParameters().encodings[0].maxBitrate`); got != 300000 {
		t.Errorf("bitrate limit %v, want 300000", got)
	}
	if got := eval[string](tb, `client.pc.getConfiguration().iceServers.map((s) => s.urls).join()`); got != "stun:127.0.0.1:9" {
		t.Errorf("ICE servers of the Link header: %s", got)
	}
	tb.js(`(() => { const real = window.fetch; window.fetch = (url, init) => { window.kept = init?.keepalive; return real(url, init); }; })()`)
	tb.js(`client.stop()`)
	end := s.await("DELETE", "/session/", 1)
	if !eval[bool](tb, "window.kept === true") {
		t.Error("the DELETE would not survive the page that sends it")
	}
	if end.header.Get("Authorization") != "Bearer secret.token" {
		t.Errorf("DELETE with %v", end.header)
	}
	if got := eval[[]string](tb, "window.log"); strings.Join(got, " ") != "connecting live idle" {
		t.Errorf("states %v", got)
	}
}

func TestWHIPClientKeepsItsSessionAcrossTracksAndRates(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	whipOn(tb, s.URL+"/whip/live", `{}`)
	tb.wait(isLive)
	tb.js(`(async () => {
		const canvas = document.createElement("canvas"); canvas.getContext("2d").fillRect(0, 0, 9, 9);
		await client.replace(canvas.captureStream(5).getVideoTracks()[0]);
		await client.limit(123000);
	})()`)
	sender := `client.pc.getSenders().find((s) => s.track.kind === "video")`
	if !eval[bool](tb, sender+`.track instanceof CanvasCaptureMediaStreamTrack && client.stream.getVideoTracks().length === 1`) {
		t.Error("the track was not replaced")
	}
	if got := eval[float64](tb, sender+`.getParameters().encodings[0].maxBitrate`); got != 123000 {
		t.Errorf("limit %v", got)
	}
	if n := len(s.requests("POST", "/whip/")); n != 1 {
		t.Errorf("%d POSTs; nothing here needs another", n)
	}
}

func TestICERestartByPATCH(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.wait(isLive)
	before := eval[string](tb, "client.pc.localDescription.sdp")
	tb.js(`client.restart()`)
	if got := eval[string](tb, "client.etag"); got != `"g1"` {
		t.Errorf("entity-tag %s after the restart, want the new one", got)
	}
	var patch heard
	for _, p := range s.requests("PATCH", s.last()) {
		if p.header.Get("If-Match") == "*" {
			patch = p
		}
	}
	if patch.body == "" || ufrag.FindString(patch.body) == ufrag.FindString(before) || len(pwd.FindString(patch.body)) < 22 {
		t.Errorf("the restart's fragment:\n%s", patch.body)
	}
	tb.wait(`client.pc.connectionState === "connected"`)
	n := eval[int](tb, frames)
	tb.wait(`(` + frames + `).then((n) => window.n = n), window.n > ` + inJS(t, n+10))
	if posts := len(s.requests("POST", "/whep/")); posts != 1 {
		t.Errorf("%d POSTs; a restart keeps the session", posts)
	}
}

// TestSilentNetworkIsRepaired makes the path deaf without a word, as a walk
// out of the house does: the session is repaired, not made anew.
func TestSilentNetworkIsRepaired(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.wait(isLive)
	s.media.conn.deaf.Store(true)
	tb.wait(`client.state === "connecting" && client.problem.code === "interrupted"`)
	s.media.conn.deaf.Store(false)
	tb.wait(isLive)
	if posts := len(s.requests("POST", "/whep/")); posts != 1 {
		t.Errorf("%d POSTs; want the same session, by ICE restart", posts)
	}
}

func TestNoMediaPathIsExplained(t *testing.T) {
	s := newStub(t, Config{})
	s.media.conn.deaf.Store(true)
	tb := s.on()
	whipOn(tb, s.URL+"/whip/live", `{ patience: 400 }`)
	tb.wait(`client.problem?.code === "media-unreachable"`)
	got := eval[string](tb, "client.problem.message")
	if !strings.Contains(got, "no media can pass") || !strings.Contains(got, "Tried udp 127.0.0.1 port ") || !strings.Contains(got, "firewall") {
		t.Errorf("it says: %s", got)
	}
	s.media.conn.deaf.Store(false)
	tb.js(`(client.patience = 15000)`)
	tb.wait(isLive)
	s.await("DELETE", "/session/s1", 1)
}

func TestRefusalsAreFinalOrNot(t *testing.T) {
	tests := []struct {
		name   string
		answer canned
		state  string
	}{
		{"no token", canned{status: 401, code: "no-token", detail: "A token, please."}, "error"},
		{"wrong channel", canned{status: 403, code: "not-allowed", detail: "Not yours."}, "error"},
		{"nothing there", canned{status: 404, code: "not-found", detail: "Nothing here."}, "error"},
		{"codecs", canned{status: 422, code: "codec-unsupported", detail: "This channel takes H264 only."}, "error"},
		{"busy", canned{status: 409, code: "channel-busy", detail: "Busy.", retryAfter: "1"}, "waiting"},
		{"too many", canned{status: 429, code: "too-many-requests", detail: "Slowly.", retryAfter: "1"}, "waiting"},
		{"draining", canned{status: 503, code: "server-shutdown", detail: "Bye.", retryAfter: "1"}, "waiting"},
		{"a mistake", canned{status: 500, code: "internal", detail: "Our fault."}, "waiting"},
	}
	s := newStub(t, Config{})
	tb := s.on()
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			path := "/whep/" + tc.answer.code
			s.answer("POST "+path, tc.answer)
			whepOn(tb, s.URL+path, `{}`)
			tb.wait(`client.state === "` + tc.state + `"`)
			if got := eval[string](tb, "client.problem.message"); got != tc.answer.detail {
				t.Errorf("it says %q", got)
			}
			if tc.state == "waiting" {
				s.await("POST", path, 2)
			} else if n := len(s.requests("POST", path)); n != 1 {
				t.Errorf("%d POSTs; a final refusal is not tried again", n)
			}
			tb.js(`client.stop()`)
		})
	}
}

// TestReplacedDoesNotFight covers two pages on one name: the older one gives
// way and says so.
func TestReplacedDoesNotFight(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	whipOn(tb, s.URL+"/whip/live", `{}`)
	tb.wait(isLive)
	s.drop(s.last(), "replaced")
	tb.wait(`client.state === "error"`)
	if got := eval[string](tb, "client.problem.code"); got != "replaced" {
		t.Errorf("code %s", got)
	}
	if n := len(s.requests("POST", "/whip/")); n != 1 {
		t.Errorf("%d POSTs; a replaced publisher must not come back by itself", n)
	}
}

func TestLostSessionIsMadeAnew(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	whipOn(tb, s.URL+"/whip/live", `{}`)
	tb.wait(isLive)
	s.drop(s.last(), "lost")
	s.await("POST", "/whip/", 2)
	tb.wait(isLive)
	s.await("GET", "/session/s1", 1)
}

// TestAGoneSessionIsNoticedByTrickle covers a session that ended without a
// word on the media path: the next PATCH finds out.
func TestAGoneSessionIsNoticedByTrickle(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.wait(isLive)
	viewer := s.viewer()
	s.await("PATCH", viewer, 1)
	s.answer("PATCH "+viewer, canned{}, canned{status: 404, code: "lost", detail: "Lost."})
	s.answer("GET "+viewer, canned{status: 404, code: "lost", detail: "Lost."})
	tb.js(`client.restart()`)
	s.await("GET", viewer, 1)
	s.await("POST", "/whep/live", 2)
	tb.wait(isLive)
}

func TestWHEPClientWaitsAndPlays(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.wait(`client.state === "waiting"`)
	s.await("POST", "/whep/live", 2)
	pub := s.live("live")
	tb.wait(isLive)
	tb.wait("video.videoWidth > 0 && video.currentTime > 0")
	if post := s.await("POST", "/whep/live", 1); !strings.Contains(post.body, "stereo=1") || !strings.Contains(post.body, "a=recvonly") {
		t.Error("the offer asks for no stereo (Q-CHR-2), or does not receive only")
	}
	if !eval[bool](tb, "client.stream.getTracks().length === 2") {
		t.Error("want one audio and one video track")
	}
	sessions := len(s.requests("POST", "/whep/live"))
	pub.click("#go")
	pub.state("idle")
	tb.wait(`client.state === "waiting" && client.problem === null`)
	pub.click("#go")
	tb.wait(isLive)
	if n := len(s.requests("POST", "/whep/live")); n != sessions {
		t.Errorf("the viewer reconnected %d times although only the publisher did", n-sessions)
	}
}

func TestWHEPWaitingSessionW21(t *testing.T) {
	s := newStub(t, Config{})
	s.waits = true
	tb := s.on()
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.wait(`client.state === "waiting" && client.pc?.connectionState === "connected"`)
	if n := eval[int](tb, "client.stream.getTracks().length"); n != 0 {
		t.Errorf("%d tracks before anything came", n)
	}
	s.live("live")
	tb.wait(isLive)
	if n := len(s.requests("POST", "/whep/")); n != 1 {
		t.Errorf("%d POSTs, want the one waiting session", n)
	}
}

func TestWHEPCounterOfferW02(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	// The offer of a server, made by the browser itself: what is tested is the
	// order of requests.
	offer := eval[string](tb, `(async () => {
		const pc = window.other = new RTCPeerConnection();
		pc.addTransceiver("audio", { direction: "sendonly" });
		await pc.setLocalDescription();
		return pc.localDescription.sdp;
	})()`)
	s.answer("POST /whep/counter", canned{status: 406, contentType: "application/sdp", plain: offer, location: "/session/counter"})
	s.answer("PATCH /session/counter", canned{status: 204})
	whepOn(tb, s.URL+"/whep/counter", `{}`)
	patch := s.await("PATCH", "/session/counter", 1)
	for _, p := range s.requests("PATCH", "/session/counter") {
		if p.header.Get("Content-Type") == "application/sdp" {
			patch = p
		}
	}
	if patch.header.Get("Content-Type") != "application/sdp" || !strings.Contains(patch.body, "a=recvonly") || !strings.HasPrefix(patch.body, "v=0") {
		t.Errorf("W-04: PATCH %v\n%s", patch.header, patch.body)
	}
	tb.js(`client.stop()`)
	s.await("DELETE", "/session/counter", 1)
}

func TestA406WithoutAnOfferIsARefusalD7(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	s.answer("POST /whep/live", canned{status: 406, code: "nope", detail: "No."})
	whepOn(tb, s.URL+"/whep/live", `{}`)
	tb.wait(`client.state === "error" && client.problem.message === "No."`)
}

func TestStopBeforeTheAnswerLeavesNothing(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := s.on()
	tb.js(`(() => {
		const real = window.fetch;
		window.fetch = (url, init) => {
			const answer = real(url, init);
			if (init?.method === "POST") void window.client.stop();
			return answer;
		};
	})()`)
	whepOn(tb, s.URL+"/whep/live", `{}`)
	s.await("POST", "/whep/live", 1)
	s.await("DELETE", "/session/s2", 1)
	if got := eval[string](tb, "client.state"); got != "idle" {
		t.Errorf("state %s", got)
	}
}

func TestAStoppedClientStartsAgain(t *testing.T) {
	s := newStub(t, Config{})
	tb := s.on()
	whipOn(tb, s.URL+"/whip/live", `{}`)
	tb.wait(isLive)
	tb.js(`client.stop()`)
	tb.js(`client.publish(client.stream)`)
	tb.wait(isLive)
	s.await("DELETE", "/session/s1", 1)
}
