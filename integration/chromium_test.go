package integration

import (
	"context"
	"errors"
	"fmt"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromiumFlags give it a camera and a microphone made of test pictures and beeps, and keep it away from the network.
var chromiumFlags = []chromedp.ExecAllocatorOption{
	chromedp.NoSandbox,
	chromedp.DisableGPU,
	chromedp.Flag("use-fake-device-for-media-stream", "device-count=1,fps=30"),
	chromedp.Flag("use-fake-ui-for-media-stream", true),
	chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	chromedp.Flag("allow-loopback-in-peer-connection", true),
	chromedp.Flag("disable-component-update", true),
	chromedp.Flag("disable-quic", true),
	chromedp.Flag("mute-audio", true),
}

// chromiumBrowser is one headless Chromium, driven through a pipe.
type chromiumBrowser struct {
	ctx    context.Context
	cancel context.CancelFunc
}

func startChromium(path string) (browser, error) { return startChromiumWith(path) }

// startTrustingChromium is for gateways with a certificate of their own.
func startTrustingChromium(path string) (browser, error) {
	return startChromiumWith(path, chromedp.Flag("ignore-certificate-errors", true))
}

func startChromiumWith(path string, flags ...chromedp.ExecAllocatorOption) (browser, error) {
	options := append(append(chromedp.DefaultExecAllocatorOptions[:], chromiumFlags...), flags...)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(options, chromedp.ExecPath(path))...)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	b := &chromiumBrowser{ctx: ctx, cancel: func() { cancel(); cancelAllocator() }}
	started := make(chan error, 1)
	go func() { started <- chromedp.Do(ctx) }()
	select {
	case err := <-started:
		return b, err
	case <-time.After(patience):
		b.cancel()
		return nil, fmt.Errorf("not started within %v: %w", patience, <-started)
	}
}

func (b *chromiumBrowser) alive() bool { return b.ctx.Err() == nil }

func (b *chromiumBrowser) stop() {
	_ = chromedp.Cancel(b.ctx)
	b.cancel()
}

// chromiumTab is one page in a browser context of its own.
type chromiumTab struct {
	ctx    context.Context
	cancel context.CancelFunc
}

func (b *chromiumBrowser) newTab(preload ...string) (tab, error) {
	return b.tabWith(preload, chromedp.WithNewBrowserContext())
}

// besideTab opens a tab that shares storage and connections with the other tabs opened so.
func (b *chromiumBrowser) besideTab(preload ...string) (tab, error) { return b.tabWith(preload) }

func (b *chromiumBrowser) tabWith(preload []string, options ...chromedp.ContextOption) (tab, error) {
	ctx, cancel := chromedp.NewContext(b.ctx, options...)
	t := &chromiumTab{ctx: ctx, cancel: cancel}
	opened := make(chan error, 1)
	go func() { opened <- chromedp.Do(ctx) }()
	select {
	case err := <-opened:
		if err != nil {
			cancel()
			return nil, err
		}
	case <-time.After(patience):
		cancel()
		return nil, fmt.Errorf("no tab within %v: %w", patience, <-opened)
	}
	for _, script := range preload {
		if err := t.preload(script); err != nil {
			cancel()
			return nil, err
		}
	}
	return t, nil
}

func (t *chromiumTab) preload(script string) error {
	return t.bounded(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// navigate returns when the document is parsed; a page that streams or polls may never be done loading.
func (t *chromiumTab) navigate(url string) error {
	return t.bounded(func(ctx context.Context) error {
		result, err := chromedp.Call(ctx, cdppage.Navigate, cdppage.NavigateParams{URL: url})
		if err == nil && result.ErrorText != "" {
			err = errors.New(result.ErrorText)
		}
		if err != nil {
			return err
		}
		_, err = chromedp.Run(ctx, chromedp.Evaluate[string](asJSON(parsed), chromedp.EvalAwaitPromise))
		return err
	})
}

// parsed waits for the end of the document.
const parsed = `document.readyState !== "loading" || new Promise((done) => document.addEventListener("DOMContentLoaded", () => done(true)))`

func (t *chromiumTab) evaluate(expression string) (string, error) {
	var text string
	err := t.bounded(func(ctx context.Context) (err error) {
		text, err = chromedp.Run(ctx, chromedp.Evaluate[string](asJSON(expression), chromedp.EvalAwaitPromise, withGesture))
		return err
	})
	return text, err
}

// withGesture lets the page do what browsers allow only after a click.
func withGesture(p *runtime.EvaluateParams) { p.UserGesture = new(true) }

func (t *chromiumTab) bounded(f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.ctx, evaluateTimeout)
	defer cancel()
	return f(ctx)
}

func (t *chromiumTab) close() {
	_ = chromedp.Cancel(t.ctx)
	t.cancel()
}
