// Package chrome finds the Chromium that tests of pages drive, and starts it so
// that it needs neither a screen nor the network.
package chrome

import (
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// Path names the program, or skips the test; HEADGATE_REQUIRE_CLIENTS=1 makes a
// missing browser a failure. HEADGATE_CHROMIUM names another one.
func Path(t testing.TB) string {
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

// Options start the program at path with a profile in dir; flags are further ones
// without a value.
func Options(path, dir string, flags ...string) []chromedp.ExecAllocatorOption {
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(dir)}
	for _, flag := range append([]string{
		"headless", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync", "no-first-run",
	}, flags...) {
		options = append(options, chromedp.Flag(flag, true))
	}
	return options
}
