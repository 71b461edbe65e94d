package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// axeSource is axe-core as scripts/install-clients.sh puts it.
func axeSource(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HEADGATE_CLIENTS")
	if cache, err := os.UserCacheDir(); dir == "" && err == nil {
		dir = filepath.Join(cache, "headgate", "clients")
	}
	source, err := os.ReadFile(filepath.Join(dir, "js", "node_modules", "axe-core", "axe.min.js"))
	switch {
	case err == nil:
		return string(source)
	case os.Getenv("HEADGATE_REQUIRE_CLIENTS") == "1":
		t.Fatal(err)
	}
	t.Skipf("axe-core is missing; scripts/install-clients.sh installs it: %v", err)
	return ""
}

// judge is what axe-core has against a page; empty when it is clean.
const judge = `axe.run(document, { resultTypes: ["violations"], runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } })
	.then(({ violations }) => violations.map((v) => v.id + ": " + v.help + "\n" + v.nodes.slice(0, 3).map((n) => "    " + n.html.slice(0, 160) + "\n    " + n.failureSummary.replaceAll("\n", " ")).join("\n")))`

// accessible reports what axe-core finds in the page as it is.
func (tb *tab) accessible(source, state string) {
	tb.t.Helper()
	// What glides over something else is no fault.
	tb.wait(`document.getAnimations().every((a) => !(a instanceof CSSTransition))`)
	eval[bool](tb, source+"\n;true")
	if found := eval[[]string](tb, judge); len(found) > 0 {
		tb.t.Errorf("%s: axe-core found\n%s", state, strings.Join(found, "\n"))
	}
}

// TestPagesPassAxe looks at every page as it is before anything happens, in both
// schemes.
func TestPagesPassAxe(t *testing.T) {
	source := axeSource(t)
	s := newStub(t, Config{})
	s.listing = onAir
	for _, l := range []look{{width: 1280, height: 800}, {width: 390, height: 844, dark: true}} {
		tb := newTab(t, l)
		for _, page := range []string{"/", "/publish/live", "/watch/nobody", "/check", "/call", "/call/team"} {
			tb.open(s.URL + page)
			tb.wait(`document.readyState === "complete"`)
			tb.accessible(source, page)
		}
	}
}

// TestCallPassesAxe looks at a call with twelve, each panel open, a screen shared, and
// its end.
func TestCallPassesAxe(t *testing.T) {
	source := axeSource(t)
	for name, l := range map[string]look{"desk": {width: 1440, height: 900}, "phone, dark": {width: 390, height: 844, dark: true}} {
		t.Run(name, func(t *testing.T) { callPassesAxe(t, source, l) })
	}
}

func callPassesAxe(t *testing.T, source string, l look) {
	s := newStub(t, Config{})
	tb := newTab(t, l)
	tb.open(s.URL + "/call/team")
	tb.typeIn("name", "Anna")
	tb.click("#join")
	tb.state("live")
	s.calls.fills(11)
	s.calls.tell("quality", `{"participants":{"bob":{"up":5,"down":5},"emil":{"up":1}}}`)
	s.calls.tell("muted", `{"participant":"bob","source":"main","audio":true,"video":false}`)
	tb.wait(`document.querySelectorAll("#people-list li").length === 12 && document.querySelector(".tile-muted:not([hidden])")`)
	tb.accessible(source, "the grid")
	tb.click("#people-button")
	tb.js(`(document.querySelector("#people details").open = true)`)
	tb.accessible(source, "people")
	tb.click("#chat-button")
	s.calls.says("bob", "hello")
	tb.wait(`document.querySelector(".said")`)
	tb.accessible(source, "chat")
	tb.click("#chat-close")
	tb.click("#more")
	tb.accessible(source, "options")
	s.calls.sends("bob", "screen", "VP8")
	tb.wait(`document.querySelectorAll(".tile.away").length > 0`)
	tb.accessible(source, "a screen")
	tb.click("#leave")
	tb.state("over")
	tb.accessible(source, "the end")
}
