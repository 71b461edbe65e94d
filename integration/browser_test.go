package integration

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// probeScript watches a page from inside; see probe.js.
//
//go:embed probe.js
var probeScript string

// A browser opens tabs. One of each kind runs for all tests.
type browser interface {
	// alive is false once the browser has ended by itself.
	alive() bool
	// newTab opens a tab with a storage of its own, in which the preload scripts run before those of any page.
	newTab(preload ...string) (tab, error)
	stop()
}

// A tab is one page at a time. Methods are bounded in time.
type tab interface {
	navigate(url string) error
	// evaluate runs an expression in the page, waits for a promise, and returns the JSON of what it gives.
	evaluate(expression string) (string, error)
	close()
}

// evaluateTimeout bounds one question to a page. Some questions do a lot, and all browsers share the machine with encoders.
const evaluateTimeout = patience

// browsers holds those that run, by the client's name.
var browsers = struct {
	mu      sync.Mutex
	running map[string]browser
}{running: map[string]browser{}}

// open returns a new tab of a browser that shows url, with the probe in it. More preload scripts may set what the probe obeys.
func open(t *testing.T, c client, url string, preload ...string) *page {
	t.Helper()
	b, err := running(c, need(t, c))
	if err != nil {
		t.Fatalf("start %s: %v", c.name, err)
	}
	opened, err := b.newTab(append(preload, probeScript)...)
	if err != nil {
		t.Fatalf("new tab of %s: %v", c.name, err)
	}
	where, _, _ := strings.Cut(url, "#") // what follows may be a token
	return visit(t, opened, fmt.Sprintf("%s at %s", c.name, where), url)
}

// visit shows url in a new tab, which is closed at the end of the test, and described if that failed.
func visit(t *testing.T, opened tab, name, url string) *page {
	t.Helper()
	p := &page{tab: opened, name: name}
	t.Cleanup(func() { p.close(t) })
	if err := p.navigate(url); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	return p
}

func running(c client, path string) (browser, error) {
	browsers.mu.Lock()
	defer browsers.mu.Unlock()
	if b := browsers.running[c.name]; b != nil {
		if b.alive() {
			return b, nil
		}
		fmt.Printf("integration: %s has ended by itself, another one is started\n", c.name) // the test it ended in has failed
		b.stop()
		delete(browsers.running, c.name)
	}
	starter := startChromium
	switch c.name {
	case firefox.name:
		starter = startFirefox
	case trustingChromium.name:
		starter = startTrustingChromium
	}
	b, err := starter(path)
	if err == nil {
		browsers.running[c.name] = b
	}
	return b, err
}

// stopBrowser stops one, if it runs.
func stopBrowser(name string) {
	browsers.mu.Lock()
	defer browsers.mu.Unlock()
	if b := browsers.running[name]; b != nil {
		b.stop()
		delete(browsers.running, name)
	}
}

func stopBrowsers() {
	browsers.mu.Lock()
	defer browsers.mu.Unlock()
	for name, b := range browsers.running {
		b.stop()
		delete(browsers.running, name)
	}
}

// A page is a tab with the probe in it.
type page struct {
	tab
	name   string
	closed bool
}

// close closes the tab, once. The page of a test that failed is described first.
func (p *page) close(t *testing.T) {
	t.Helper()
	if p.closed {
		return
	}
	p.closed = true
	if t.Failed() {
		t.Logf("---- %s:\n%s", p.name, p.describe())
	}
	p.tab.close()
}

// run evaluates an expression and decodes what it gives into out, if out is not nil.
func (p *page) run(t *testing.T, expression string, out any) {
	t.Helper()
	if err := p.try(expression, out); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
}

func (p *page) try(expression string, out any) error {
	text, err := p.evaluate(expression)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal([]byte(text), out)
}

// late is an error for eventually: when it is the last one the page tells how it is.
func (p *page) late(format string, args ...any) error {
	return late{fmt.Errorf(format, args...), p.describe}
}

// describe is what a person wants to know about a page after a failure.
func (p *page) describe() string {
	text, err := p.evaluate(`window.headgateProbe ? headgateProbe.tell() : [location.pathname, document.documentElement.dataset.state, document.body?.innerText.slice(0, 600), window.observed].map((part) => JSON.stringify(part) ?? "").join("\n")`)
	if err != nil {
		return err.Error()
	}
	var told string
	if json.Unmarshal([]byte(text), &told) != nil {
		return text
	}
	return told
}

// asJSON wraps an expression so that it gives JSON in every browser.
func asJSON(expression string) string {
	return fmt.Sprintf("(async () => JSON.stringify(await (%s)) ?? 'null')()", expression)
}
