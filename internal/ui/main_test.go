package ui

import (
	"os"
	"testing"

	"github.com/headgate/headgate/internal/testkit/leak"
)

// withBrowser closes the shared browser before leaks are looked for.
type withBrowser struct{ m *testing.M }

func (w withBrowser) Run() int {
	code := w.m.Run()
	if err := closeBrowser(); err != nil {
		_, _ = os.Stderr.WriteString("closing the browser: " + err.Error() + "\n")
	}
	return code
}

func TestMain(m *testing.M) { leak.Main(withBrowser{m}) }
