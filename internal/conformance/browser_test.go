package conformance_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/headgate/headgate/internal/conformance"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/chrome"
)

// inBrowser opens a page of another origin than the gateway's.
func inBrowser(t *testing.T, _ *testkit.Gateway, target *conformance.Target) {
	t.Helper()
	path := chrome.Path(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>another origin</title>"))
	}))
	t.Cleanup(page.Close)
	allocated, stopAllocator := chromedp.NewExecAllocator(context.Background(), chrome.Options(path, t.TempDir())...)
	tab, stop := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab)
		stop()
		stopAllocator()
	})
	address := strings.Replace(page.URL, "127.0.0.1", "localhost", 1)
	if err := errors.Join(chromedp.Do(tab), chromedp.Do(tab, chromedp.Navigate(address))); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	target.Browser = func(ctx context.Context, expression string) (string, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		done := context.AfterFunc(ctx, func() { _ = chromedp.Cancel(tab) })
		defer done()
		text := "(async () => JSON.stringify(await " + expression + "))()"
		return chromedp.Run(tab, chromedp.Evaluate[string](text, chromedp.EvalAwaitPromise))
	}
}
