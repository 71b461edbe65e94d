package ui

import (
	"strings"
	"testing"
)

// TestModulesLoad imports every module: all of them parse, and those of pages
// do nothing wrong on a page that is not theirs but to miss their elements.
func TestModulesLoad(t *testing.T) {
	tb := module(t)
	for name := range all(t) {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		said := eval[string](tb, `import("/`+name+`").then(() => "", (e) => String(e))`)
		if said != "" && !strings.Contains(said, "the page has no HTML") && !strings.Contains(said, "the page has no HeadgatePlayer") {
			t.Errorf("%s: %s", name, said)
		}
	}
}

func TestLinksRFC8288(t *testing.T) {
	tests := []struct {
		name, header, want string
	}{
		{"N-180 stun and turn", `<stun:s.example:3478>; rel="ice-server", <turn:t.example:3478?transport=udp>; rel="ice-server"; username="u"; credential="p"; credential-type="password"`,
			`[{"urls":"stun:s.example:3478"},{"urls":"turn:t.example:3478?transport=udp","username":"u","credential":"p"}]`},
		{"N-181 quoted characters", `<turn:t>; rel=ice-server; username="a\"b,c;d"; credential="p\\q"`, `[{"urls":"turn:t","username":"a\"b,c;d","credential":"p\\q"}]`},
		{"other relations are left alone", `<https://x.example/>; rel="urn:ietf:params:whep:ext:core:layer", <stun:s>; rel="ice-server"`, `[{"urls":"stun:s"}]`},
		{"parameters before rel, spaces, case", `<turns:t:443> ; Username="u" ; Credential="c" ;REL="ice-server"`, `[{"urls":"turns:t:443","username":"u","credential":"c"}]`},
		{"first rel counts", `<stun:a>; rel="next"; rel="ice-server"`, `[]`},
		{"not an ICE server's scheme", `<javascript:alert(1)>; rel="ice-server"`, `[]`},
		{"rubbish", `;;,<,>; rel=`, `[]`},
		{"nothing", ``, `[]`},
	}
	tb := module(t)
	for _, tc := range tests {
		got := eval[string](tb, `import("/assets/sdp.js").then((m) => JSON.stringify(m.iceServersOf(`+inJS(t, tc.header)+`)))`)
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	if got := eval[string](tb, `import("/assets/sdp.js").then((m) => JSON.stringify(m.iceServersOf(null)))`); got != "[]" {
		t.Errorf("no header: %s", got)
	}
}

const someOffer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a v\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:a\r\na=ice-ufrag:UF\r\na=ice-pwd:0123456789012345678901\r\na=ice-options:trickle\r\n" +
	"a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n"

func TestFragmentsRFC8840(t *testing.T) {
	tb := module(t)
	got := eval[string](tb, `import("/assets/sdp.js").then((m) => m.fragment(m.iceView(`+inJS(t, someOffer)+`), ["candidate:1 1 udp 1 192.0.2.1 5 typ host"], true))`)
	want := "a=ice-options:trickle\r\na=group:BUNDLE a v\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:a\r\na=ice-ufrag:UF\r\na=ice-pwd:0123456789012345678901\r\n" +
		"a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=end-of-candidates\r\n"
	if got != want {
		t.Errorf("fragment:\n%s\nwant:\n%s", got, want)
	}
	// RFC 9143 section 7.3.1: the transport is that of the first tag, wherever its section stands.
	second := strings.Replace(someOffer, "BUNDLE a v", "BUNDLE v a", 1) + "a=ice-ufrag:VV\r\na=ice-pwd:9876543210987654321098\r\n"
	got = eval[string](tb, `import("/assets/sdp.js").then((m) => m.fragment(m.iceView(`+inJS(t, second)+`), [], false))`)
	if !strings.Contains(got, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=ice-ufrag:VV\r\na=ice-pwd:9876543210987654321098\r\n") || strings.Contains(got, "end-of") {
		t.Errorf("fragment of the second section:\n%s", got)
	}
}

// TestAnswersToCounterOffers: what browsers make inactive is rejected (W-06), and the server's side can be said as an answer afterwards.
func TestAnswersToCounterOffers(t *testing.T) {
	const offer = "v=0\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=fingerprint:sha-256 AA\r\n" +
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:0\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=extmap:1 urn:mid\r\na=extmap:3 urn:time\r\na=setup:actpass\r\na=ice-ufrag:u\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=setup:actpass\r\n"
	const answer = "v=0\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" +
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=extmap:1/recvonly urn:mid\r\na=setup:active\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\na=setup:active\r\n"
	rejected := strings.NewReplacer("BUNDLE 0 1", "BUNDLE 0", "m=video 9", "m=video 0").Replace(answer)
	turned := strings.NewReplacer("BUNDLE 0 1", "BUNDLE 0", "111 0", "111", "a=rtpmap:0 PCMU/8000\r\n", "", "a=extmap:3 urn:time\r\n", "", "actpass", "passive",
		"m=video 9 UDP/TLS/RTP/SAVPF 96 97", "m=video 0 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n", "").Replace(offer)
	tb := module(t)
	for name, tc := range map[string]struct{ call, want string }{
		"rejected":       {"m.withoutIdle(" + inJS(t, answer) + ")", rejected},
		"all wanted":     {"m.withoutIdle(" + inJS(t, strings.ReplaceAll(answer, "inactive", "recvonly")) + ")", strings.ReplaceAll(answer, "inactive", "recvonly")},
		"as an answer":   {"m.asAnswer(" + inJS(t, offer) + "," + inJS(t, answer) + ")", turned},
		"the other role": {"m.asAnswer(" + inJS(t, offer) + "," + inJS(t, strings.ReplaceAll(answer, "active\r\nm", "passive\r\nm")) + ")", strings.ReplaceAll(turned, "setup:passive", "setup:active")},
	} {
		if got := eval[string](tb, `import("/assets/sdp.js").then((m) => `+tc.call+`)`); got != tc.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, tc.want)
		}
	}
}

func TestRestartKeepsAllButICERFC9725(t *testing.T) {
	answer := "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA\r\na=group:BUNDLE v\r\n" +
		"m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=ice-ufrag:old\r\na=ice-pwd:oldoldoldoldoldoldoldold\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=end-of-candidates\r\na=setup:passive\r\n"
	fragment := "a=ice-ufrag:new\r\na=ice-pwd:newnewnewnewnewnewnewnew\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=candidate:2 1 udp 2 198.51.100.1 2 typ host\r\na=end-of-candidates\r\n"
	want := strings.NewReplacer("old", "new", "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=end-of-candidates\r\n", "",
		"a=mid:v\r\n", "a=mid:v\r\na=candidate:2 1 udp 2 198.51.100.1 2 typ host\r\na=end-of-candidates\r\n").Replace(answer)
	tb := module(t)
	got := eval[string](tb, `import("/assets/sdp.js").then((m) => m.withFragment(`+inJS(t, answer)+`, `+inJS(t, fragment)+`))`)
	if got != want {
		t.Errorf("after the restart:\n%s\nwant:\n%s", got, want)
	}
	said := eval[string](tb, `import("/assets/sdp.js").then((m) => { try { return m.withFragment("v=0", "a=candidate:1") } catch (e) { return e.name } })`)
	if said != "SyntaxError" {
		t.Errorf("a fragment without credentials gives %q, want an error", said)
	}
}

func TestStereoQCHR2(t *testing.T) {
	tests := []struct{ name, sdp, rate, want string }{
		{"parameters are added", "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n", "0", "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n"},
		{"what is there is replaced", "a=rtpmap:111 OPUS/48000/2\r\na=fmtp:111 stereo=0; sprop-stereo=0;maxaveragebitrate=1\r\n", "128000", "a=rtpmap:111 OPUS/48000/2\r\na=fmtp:111 stereo=1;sprop-stereo=1;maxaveragebitrate=128000\r\n"},
		{"a missing line is made", "a=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 nack\r\n", "0", "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1;sprop-stereo=1\r\na=rtcp-fb:96 nack\r\n"},
		{"others are left alone", "a=rtpmap:11 PCMU/8000\r\na=fmtp:11 x\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n", "0", "a=rtpmap:11 PCMU/8000\r\na=fmtp:11 x\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"},
	}
	tb := module(t)
	for _, tc := range tests {
		got := eval[string](tb, `import("/assets/sdp.js").then((m) => m.withStereo(`+inJS(t, tc.sdp)+`, `+tc.rate+`))`)
		if got != tc.want {
			t.Errorf("%s:\n%s\nwant:\n%s", tc.name, got, tc.want)
		}
	}
}

func TestProblemsRFC9457(t *testing.T) {
	response := func(body, status, headers string) string {
		return `import("/assets/problem.js").then(async (m) => { const p = await m.problemFrom(new Response(` + body + `, { status: ` + status + `, headers: ` + headers + ` }));
			return { Detail: p.message, Code: p.code, Retry: p.retryAfter, Passing: p.passing } })`
	}
	type told struct {
		Detail, Code string
		Retry        float64
		Passing      bool
	}
	const document = `{ "Content-Type": "application/problem+json; charset=utf-8" }`
	tests := []struct {
		name, expression string
		want             told
	}{
		{"a problem document is its sentence", response(`'{"detail":"Wait a bit.","code":"channel-busy"}'`, "409", `{ "Content-Type": "application/problem+json", "Retry-After": "2" }`), told{"Wait a bit.", "channel-busy", 2, true}},
		{"a date to retry at that has passed", response(`'{"detail":"x"}'`, "503", `{ "Content-Type": "application/json", "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT" }`), told{"x", "http-503", 0, true}},
		{"an absurd delay is bounded", response(`""`, "429", `{ "Retry-After": "99999999" }`), told{"Too many requests from this address. Wait a little.", "http-429", 300, true}},
		{"no body", response(`null`, "401", `{}`), told{"The gateway wants a token. Open the link you were given; it ends in #token=…", "http-401", 0, false}},
		{"a proxy's page is not shown", response(`"<h1>Bad Gateway</h1>"`, "502", `{ "Content-Type": "text/html" }`), told{"The proxy in front of the gateway does not reach it.", "http-502", 0, true}},
		{"a status nobody knows", response(`""`, "418", `{}`), told{"The gateway answered with status 418.", "http-418", 0, false}},
		{"broken JSON", response(`"{"`, "422", document), told{"The gateway cannot serve what this browser offers.", "http-422", 0, false}},
		{"JSON of another shape", response(`"[1]"`, "400", document), told{"The gateway did not understand the request.", "http-400", 0, false}},
		{"values of other types", response(`'{"detail":{"a":1},"code":7,"title":"Nope"}'`, "403", document), told{"Nope", "http-403", 0, false}},
		{"null", response(`"null"`, "500", document), told{"The gateway answered with status 500.", "http-500", 0, true}},
	}
	tb := module(t)
	for _, tc := range tests {
		if got := eval[told](tb, tc.expression); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
	long := eval[int](tb, `import("/assets/problem.js").then(async (m) => (await m.problemFrom(new Response(JSON.stringify({ detail: "x".repeat(9999) }), { status: 400, headers: `+document+` }))).message.length)`)
	if long != 500 {
		t.Errorf("a sentence of %d characters is shown", long)
	}
}

// TestEndedSessions tells which ends a client may come back from by itself:
// coming back after a replacement would be a fight for ever.
func TestEndedSessions(t *testing.T) {
	tb := module(t)
	for code, want := range map[string]bool{"lost": true, "idle": true, "ice-failed": true, "codec-changed": true, "server-shutdown": true, "session-unknown": true,
		"replaced": false, "kicked": false, "duplicate-id": false, "token-expired": false, "token-replayed": false, "bitrate": false} {
		got := eval[bool](tb, `import("/assets/problem.js").then((m) => m.ended(new m.Problem({ detail: "x", code: "`+code+`", status: 404 })).passing)`)
		if got != want {
			t.Errorf("after %s a client comes back: %v, want %v", code, got, want)
		}
	}
}

func TestMeterLevels(t *testing.T) {
	tb := module(t)
	got := eval[[]float64](tb, `import("/assets/meter.js").then((m) => [0, 0.001, 0.1, 1].map((a) => m.levelOf(Float32Array.from({ length: 1024 }, () => a))))`)
	for i, want := range []float64{0, 0, 40.0 / 60, 1} {
		if diff := got[i] - want; diff > 0.02 || diff < -0.02 {
			t.Errorf("level %d is %.3f, want %.3f", i, got[i], want)
		}
	}
}
