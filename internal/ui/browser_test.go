package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/headgate/headgate/internal/testkit/chrome"
)

// browser is the one Chromium of the package; each test gets a profile of its
// own in it.
var browser struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
	dir    string
	err    error
}

// chromium names the program, or skips.
func chromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("browser tests take about a minute")
	}
	return chrome.Path(t)
}

func startBrowser(path string) {
	dir, err := os.MkdirTemp("", "headgate-ui-")
	if err != nil {
		browser.err = err
		return
	}
	options := chrome.Options(path, dir, "use-fake-ui-for-media-stream", "allow-loopback-in-peer-connection", "hide-scrollbars",
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding")
	options = append(options, chromedp.WindowSize(1280, 800),
		chromedp.Flag("use-fake-device-for-media-stream", "device-count=1,fps=30"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		// A name that is not this computer's own: pages from it are not secure.
		chromedp.Flag("host-resolver-rules", "MAP insecure.test 127.0.0.1"))
	allocated, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocated)
	browser.ctx, browser.dir, browser.cancel = ctx, dir, func() { stop(); stopAllocator() }
	browser.err = chromedp.Do(ctx)
}

// closeBrowser ends the browser, if one was started, and waits for it.
func closeBrowser() error {
	if browser.ctx == nil {
		return nil
	}
	err := chromedp.Cancel(browser.ctx)
	browser.cancel()
	return errors.Join(err, os.RemoveAll(browser.dir))
}

// tab is one page in a profile of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	mistakes []string
}

// look describes the screen and the person in front of it.
type look struct {
	width, height int64
	dark          bool
	// before runs before the page's own scripts.
	before string
}

// newTab opens an empty tab; its mistakes (exceptions, refused by policy) fail
// the test at its end.
func newTab(t *testing.T, l look) *tab {
	t.Helper()
	path := chromium(t)
	browser.once.Do(func() { startBrowser(path) })
	if browser.err != nil {
		t.Fatalf("start %s: %v", path, browser.err)
	}
	ctx, cancel := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	tb := &tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		cancel()
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, m := range tb.mistakes {
			t.Errorf("the page made a mistake: %s", m)
		}
	})
	if err := errors.Join(chromedp.Listen(ctx, tb.listen), tb.dress(l)); err != nil {
		t.Fatal(err)
	}
	return tb
}

// dress sets up a tab before it goes anywhere.
func (tb *tab) dress(l look) error {
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	_, e1 := chromedp.Call(tb.ctx, log.Enable, cdp.Empty{})
	_, e2 := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	var e3, e4 error
	if l.width > 0 {
		_, e3 = chromedp.Call(tb.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.width < 600})
	}
	if l.before != "" {
		_, e4 = chromedp.Call(tb.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: l.before})
	}
	return errors.Join(e1, e2, e3, e4)
}

func (tb *tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		tb.mistake("exception: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			tb.mistake(fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			tb.mistake(fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

func (tb *tab) mistake(text string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.mistakes = append(tb.mistakes, text)
}

// forgive takes back the mistakes that contain text, for tests that provoke
// them, and reports whether there was one.
func (tb *tab) forgive(text string) bool {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	var left []string
	for _, m := range tb.mistakes {
		if !strings.Contains(m, text) {
			left = append(left, m)
		}
	}
	found := len(left) < len(tb.mistakes)
	tb.mistakes = left
	return found
}

// patience bounds every wait of a browser test.
const patience = 40 * time.Second

func (tb *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		tb.t.Fatal(err)
	}
}

// open goes to an address.
func (tb *tab) open(url string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(url))
}

// wait waits until an expression is true; on failure it tells what else would
// help. (The library's own poll needs eval, which the pages' policy forbids.)
func (tb *tab) wait(expression string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if ok && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.t.Fatalf("waiting for %s: %v\npage: %s", expression, err, tb.describe())
		}
	}
}

// describe is what a failed wait tells.
func (tb *tab) describe() string {
	text, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](`JSON.stringify({
		state: document.documentElement.dataset.state, text: document.body.innerText.slice(0, 600),
		client: window.headgate?.state, problem: window.headgate?.problem?.message, pc: window.headgate?.pc?.connectionState})`))
	if err != nil {
		return err.Error()
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return fmt.Sprintf("%s, mistakes %q", text, tb.mistakes)
}

// state waits for a page state.
func (tb *tab) state(want string) {
	tb.t.Helper()
	tb.wait(fmt.Sprintf("document.documentElement.dataset.state === %q", want))
}

// eval runs an expression, waiting for its promise, into T.
func eval[T any](tb *tab, expression string) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// js runs an expression for its effect, its promise included.
func (tb *tab) js(expression string) {
	tb.t.Helper()
	eval[bool](tb, "(async () => { await "+expression+"; return true })()")
}

// typeIn replaces what stands in a field.
func (tb *tab) typeIn(id, text string) {
	tb.t.Helper()
	tb.js(fmt.Sprintf(`(() => { const f = document.getElementById(%q); f.value = %s; f.dispatchEvent(new Event("input", { bubbles: true })); })()`, id, inJS(tb.t, text)))
}

// text is what a person reads in an element.
func (tb *tab) text(selector string) string {
	tb.t.Helper()
	return eval[string](tb, fmt.Sprintf("document.querySelector(%q).innerText", selector))
}

// click clicks as a person does: a gesture.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.do(chromedp.Click(chromedp.CSS(selector)))
}

// insecure is the address of a stub under a name browsers do not trust.
func insecure(s *stub) string {
	return strings.Replace(s.URL, "127.0.0.1", "insecure.test", 1)
}

// refuse makes the browser refuse camera and microphone in one of its ways.
func refuse(name string) string {
	return fmt.Sprintf(`if (navigator.mediaDevices) {
		const no = () => Promise.reject(new DOMException("made up", %[1]q));
		navigator.mediaDevices.getUserMedia = no;
		navigator.mediaDevices.getDisplayMedia = no;
	}`, name)
}
