package conformance_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/headgate/headgate/internal/conformance"
	"github.com/headgate/headgate/internal/testkit"
)

// chromium names the program, or skips; HEADGATE_REQUIRE_CLIENTS=1 makes a
// missing browser a failure.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("HEADGATE_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			return path
		}
	}
	if os.Getenv("HEADGATE_REQUIRE_CLIENTS") == "1" {
		t.Fatal("no Chromium found, and HEADGATE_REQUIRE_CLIENTS=1 wants one")
	}
	t.Skip("no Chromium found; install the package chromium")
	return ""
}

// inBrowser opens a page of another origin than the gateway's.
func inBrowser(t *testing.T, _ *testkit.Gateway, target *conformance.Target) {
	t.Helper()
	path := chromium(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>another origin</title>"))
	}))
	t.Cleanup(page.Close)
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync", "no-first-run",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocated, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
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
