package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// level is the level of one finding on the page.
func (tb *tab) level(id string) string {
	tb.t.Helper()
	return eval[string](tb, fmt.Sprintf(`document.querySelector("[data-id='%s']")?.dataset.level ?? "missing"`, id))
}

func TestCheckMeasuresALoop(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/check")
	tb.click("#go")
	tb.state("done")
	for id, want := range map[string]string{"udp": "ok", "tcp": "note", "turn": "note", "webrtc": "ok"} {
		if got := tb.level(id); got != want {
			t.Errorf("%s is %s, want %s: %s", id, got, want, tb.text("[data-id='"+id+"']"))
		}
	}
	if got := tb.text("#status"); got != "UDP works: live video works from here." {
		t.Errorf("the verdict is %q", got)
	}
	numbers := tb.text("[data-id='udp'] dl")
	for _, want := range []string{"Connected after\n", "Round trip\n", "Delay of the picture\n", "Loss\n0 %", "udp 127.0.0.1:"} {
		if !strings.Contains(numbers, want) {
			t.Errorf("the numbers lack %q:\n%s", want, numbers)
		}
	}
	if strings.Contains(numbers, "–") {
		t.Errorf("something was not measured:\n%s", numbers)
	}
	place := s.await("POST", "/whip/check-", 1).path
	if s.await("POST", "/whep/check-", 1).path != strings.Replace(place, "whip", "whep", 1) {
		t.Errorf("it plays something else than %s", place)
	}
	posts, ends := len(s.requests("POST", "/wh")), len(s.requests("DELETE", "/session"))
	if posts != ends {
		t.Errorf("%d sessions were made and %d ended", posts, ends)
	}
}

// TestCheckOfABlockedNetwork loses all datagrams: the only path there is.
func TestCheckOfABlockedNetwork(t *testing.T) {
	s := newStub(t, Config{})
	s.media.conn.deaf.Store(true)
	tb := newTab(t, look{})
	tb.open(s.URL + "/check")
	tb.click("#go")
	tb.state("done")
	if got := tb.text("#status"); !strings.HasPrefix(got, "Nothing gets through") || tb.level("udp") != "fault" {
		t.Errorf("it says %q, UDP is %s", got, tb.level("udp"))
	}
	if got := tb.text("[data-id='udp']"); !strings.Contains(got, "udp 127.0.0.1 port") || !strings.Contains(got, "--public-ip") {
		t.Errorf("UDP: %s", got)
	}
}

func TestCheckTellsRefusalsAsText(t *testing.T) {
	s := newStub(t, Config{})
	s.settings = `{"version":"1","open":false}`
	s.answer("POST /whip/mine", canned{status: 403, code: "not-allowed", detail: "Not <b>yours</b>."})
	tb := newTab(t, look{})
	tb.open(s.URL + "/check#token=abc.def")
	tb.typeIn("channel", "mine")
	tb.click("#go")
	tb.state("done")
	if got := tb.text("#status"); got != "The check could not be made: the gateway refused." {
		t.Errorf("it says %q", got)
	}
	if got := tb.text("[data-id='udp']"); !strings.Contains(got, "Not <b>yours</b>.") || !strings.Contains(got, "headgate token") {
		t.Errorf("UDP: %s", got)
	}
	if n := len(s.requests("POST", "/whip/mine")); n != 1 || tb.level("tcp") != "wait" {
		t.Errorf("it asked %d times; TCP is %s", n, tb.level("tcp"))
	}
	if got := s.await("POST", "/whip/mine", 1).header.Get("Authorization"); got != "Bearer abc.def" {
		t.Errorf("the POST has %q", got)
	}
	if got := eval[string](tb, "headgate.written()"); strings.Contains(got, "abc.def") || !strings.Contains(got, "[fault] UDP: Not <b>yours</b>.") {
		t.Errorf("the report is %s", got)
	}
}

func TestCheckWantsNamesAndTokensThatCanBe(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/check")
	for _, bad := range [][2]string{{"channel", "a/b"}, {"token", "a b"}} {
		tb.typeIn("channel", "fine")
		tb.typeIn("token", "fine")
		tb.typeIn(bad[0], bad[1])
		tb.click("#go")
		if got := tb.text("#ask-trouble"); got == "" {
			t.Errorf("%q is taken", bad)
		}
	}
	if n := len(s.requests("POST", "/")); n != 0 {
		t.Errorf("%d sessions were tried", n)
	}
}

func TestCheckLooksAtDevicesWhenAsked(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: `window.asked = 0; if (navigator.mediaDevices) { const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); navigator.mediaDevices.getUserMedia = (wish) => { window.asked++; return real(wish); }; }`})
	tb.open(s.URL + "/check")
	tb.wait(`document.querySelectorAll("#browser .finding").length > 3`)
	if n := eval[int](tb, "window.asked"); n != 0 {
		t.Error("it asked for devices by itself")
	}
	tb.js(`document.getElementById("look").focus()`)
	tb.do(chromedp.KeyEvent("\r"))
	tb.wait(`document.querySelectorAll("#devices .finding[data-level=ok]").length === 2`)
	if got := tb.text("[data-id='camera']"); !strings.Contains(got, "×") {
		t.Errorf("camera: %s", got)
	}
}

func TestCheckOfRefusedDevices(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: refuse("NotAllowedError")})
	tb.open(s.URL + "/check")
	tb.click("#look")
	tb.wait(`document.querySelectorAll("#devices .finding[data-level=warning] .remedy").length === 2`)
	tb.open(insecure(s) + "/check")
	tb.wait(`document.querySelector("[data-id='capture']")?.dataset.level === "warning"`)
}

func TestCheckWithoutWebRTC(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{before: `delete window.RTCPeerConnection;`})
	tb.open(s.URL + "/check")
	tb.state("error")
	if tb.level("webrtc") != "fault" || !eval[bool](tb, `document.getElementById("go").disabled`) {
		t.Error("it goes on without WebRTC")
	}
}

func TestCheckCopiesItsReport(t *testing.T) {
	s := newStub(t, Config{})
	s.answer("POST /whip/x", canned{status: 503, code: "overloaded", detail: "Too much to do."})
	tb := newTab(t, look{before: `Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied = text; } } });`})
	tb.open(s.URL + "/check")
	tb.typeIn("channel", "x")
	tb.do(chromedp.SendKeys(chromedp.CSS("#channel"), "\r"))
	tb.state("done")
	tb.click("#copy")
	tb.wait("window.copied")
	got := eval[string](tb, "window.copied")
	for _, want := range []string{"Headgate check of " + s.URL + "/check, ", "HeadlessChrome", "[ok] WebRTC", "[fault] UDP: Too much to do."} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
}

func TestCheckCapabilities(t *testing.T) {
	side := func(names ...string) string {
		var list []string
		for _, n := range names {
			list = append(list, `{mimeType:"video/`+n+`"}`)
		}
		return `{ getCapabilities: () => ({ codecs: [` + strings.Join(list, ",") + `] }) }`
	}
	devices := `navigator: { mediaDevices: { getUserMedia: 1, getDisplayMedia: 1 } }, isSecureContext: true`
	tests := []struct{ name, world, want string }{
		{"all there", `{ RTCPeerConnection: 1, RTCRtpReceiver: ` + side("H264", "VP8") + `, RTCRtpSender: ` + side("H264") + `, ` + devices + `}`, "webrtc ok receive ok send ok capture ok"},
		{"no H.264", `{ RTCPeerConnection: 1, RTCRtpReceiver: ` + side("VP8") + `, RTCRtpSender: ` + side("VP8") + `, ` + devices + `}`, "webrtc ok receive warning send note capture ok"},
		{"nothing to send", `{ RTCPeerConnection: 1, RTCRtpReceiver: {}, RTCRtpSender: ` + side("odd") + `, isSecureContext: true, navigator: {}}`, "webrtc ok receive note send warning capture warning"},
		{"a phone", `{ RTCPeerConnection: 1, isSecureContext: true, navigator: { mediaDevices: { getUserMedia: 1 } } }`, "webrtc ok receive note send note capture note"},
		{"plain HTTP", `{ RTCPeerConnection: 1, isSecureContext: false }`, "webrtc ok receive note send note capture warning"},
		{"no WebRTC", `{}`, "webrtc fault"},
	}
	tb := module(t)
	for _, tc := range tests {
		got := eval[string](tb, `import("/assets/capabilities.js").then((m) => m.capabilities(`+tc.world+`).map((f) => f.id + " " + f.level + ((f.remedy === "") === (f.level === "ok") ? "" : " REMEDY")).join(" "))`)
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestCheckVerdicts(t *testing.T) {
	loop := func(kind, problem string, more ...string) string {
		if problem != "" {
			problem = fmt.Sprintf(`{ code: %q, message: "Because.", status: %s }`, problem, strings.Join(more, ""))
		} else {
			problem = "null"
		}
		return fmt.Sprintf(`{ kind: %q, problem: %s, connect: 50, rtt: 2, delay: 100, loss: %s, path: "udp 192.0.2.1:8190", tried: ["udp 192.0.2.1 port 8190"] }`, kind, problem, map[bool]string{true: "0.05", false: "0"}[kind == "lossy"])
	}
	blocked := func(kind string) string { return loop(kind, "blocked", "0") }
	tests := []struct {
		name         string
		loops        []string
		verdict      string
		levels, want string
	}{
		{"all", []string{loop("udp", ""), loop("tcp", ""), loop("turn", "")}, "UDP works, and TCP too", "ok ok ok", ""},
		{"UDP alone", []string{loop("udp", ""), blocked("tcp"), loop("turn", "no-turn", "404")}, "UDP works: live video", "ok note note", "publish the port by TCP"},
		{"UDP and TURN", []string{loop("udp", ""), blocked("tcp"), loop("turn", "")}, "UDP works, and TURN too", "ok note ok", ""},
		{"UDP blocked", []string{blocked("udp"), loop("tcp", ""), loop("turn", "no-turn", "404")}, "UDP blocked, TCP works", "warning ok note", "udp 192.0.2.1 port 8190"},
		{"TURN is left", []string{blocked("udp"), blocked("tcp"), loop("turn", "")}, "UDP and TCP blocked, TURN works", "warning note ok", "--public-ip"},
		{"nothing", []string{blocked("udp"), blocked("tcp"), blocked("turn")}, "Nothing gets through", "fault fault fault", "firewall"},
		{"no TCP offered", []string{loop("udp", ""), loop("tcp", "not-offered", "404")}, "UDP works: live video", "ok note", "media.tcp"},
		{"no large packets", []string{loop("udp", "no-media", "400"), blocked("tcp")}, "Nothing gets through", "fault fault", "MTU"},
		{"no token", []string{loop("udp", "no-token", "401"), loop("tcp", "no-token", "401")}, "the gateway refused", "fault fault", "headgate token"},
		{"a wrong name", []string{loop("udp", "wrong-host", "421")}, "the gateway refused", "fault", "http.hosts"},
	}
	tb := module(t)
	for _, tc := range tests {
		got := eval[string](tb, `import("/assets/verdict.js").then((m) => { const loops = [`+strings.Join(tc.loops, ",")+`]; const all = m.findings(loops);
			return [m.verdict(loops).text, all.map((f) => f.level + ((f.remedy === "") === (f.level === "ok") ? "" : " REMEDY")).join(" "), JSON.stringify(all)].join("|") })`)
		parts := strings.SplitN(got, "|", 3)
		if !strings.Contains(parts[0], tc.verdict) || parts[1] != tc.levels || !strings.Contains(parts[2], tc.want) {
			t.Errorf("%s: %s\nwant %q, %s, %q", tc.name, got, tc.verdict, tc.levels, tc.want)
		}
	}
	if got := eval[string](tb, `import("/assets/verdict.js").then((m) => m.findings([{ kind: "udp", problem: null, loss: 0.05, delay: 100, tried: [] }, { kind: "tcp", problem: null, loss: 0, delay: 2000, tried: [] }]).map((f) => f.level).join(" "))`); got != "warning note" {
		t.Errorf("loss and delay: %s", got)
	}
}

func TestCheckCandidatesOfOneKind(t *testing.T) {
	tb := module(t)
	got := eval[string](tb, `import("/assets/loop.js").then((m) => { const all = ["candidate:1 1 udp 1 192.0.2.1 5 typ host", "candidate:1 1 TCP 1 192.0.2.1 9 typ host tcptype active", "candidate:1 1 udp 1 192.0.2.1 5 typ relay raddr 10.0.0.1 rport 4"];
		return ["udp", "tcp", "turn"].map((kind) => all.map((c) => Number(m.fits(c, kind))).join("")).join(" ") })`)
	if got != "100 010 001" {
		t.Errorf("fits: %s", got)
	}
	answer := `"v=0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=candidate:2 1 TCP 1 192.0.2.1 5 typ host tcptype passive\r\na=end-of-candidates\r\n"`
	got = eval[string](tb, `import("/assets/loop.js").then((m) => ["udp", "tcp", "turn"].map((kind) => m.narrowed(`+answer+`, kind).match(/candidate:\d/g).join()).join(" "))`)
	if got != "candidate:1 candidate:2 candidate:1" {
		t.Errorf("narrowed: %s", got)
	}
}

func TestCheckPictureTellsItsTime(t *testing.T) {
	tb := module(t)
	if bad := eval[int](tb, `import("/assets/picture.js").then((m) => { let bad = 0; for (let ms = 0; ms < 200000; ms += 7) if (m.timeOf(m.cellsOf(ms)) !== ms % 65536 || m.ageOf(m.timeOf(m.cellsOf(ms)), ms + 1234) !== 1234) bad++; return bad })`); bad != 0 {
		t.Errorf("%d times were read wrongly", bad)
	}
	if got := eval[string](tb, `import("/assets/picture.js").then((m) => [true, false].map((all) => String(m.timeOf(Array(20).fill(all)))).join(" "))`); got != "undefined undefined" {
		t.Errorf("plain pictures are %s", got)
	}
}

func TestCheckIsHeardAndReachedByKeyboard(t *testing.T) {
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/check")
	tb.wait(`document.querySelectorAll("#network .finding").length === 3`)
	if got := eval[string](tb, `[...document.querySelectorAll(".finding h3")].map((h) => h.textContent).join("; ")`); !strings.HasPrefix(got, "UDP: Not checked yet; TCP: Not checked yet; TURN relay: Not checked yet; WebRTC: Good") {
		t.Errorf("headings: %s", got)
	}
	var reached []string
	for range 9 {
		tb.do(chromedp.KeyEvent("\t"))
		reached = append(reached, eval[string](tb, `document.activeElement.id || document.activeElement.className`))
	}
	if got := strings.Join(reached, " "); !strings.Contains(got, "skip brand token channel go look") && !strings.Contains(got, "skip brand channel go look") {
		t.Errorf("Tab goes %s", got)
	}
}
