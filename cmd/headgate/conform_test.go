package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit"
)

func TestConformRunsCasesAgainstAServer(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	page := filepath.Join(t.TempDir(), "page.md")
	c := &command{}
	err := c.run(t, "conform", "--whip", g.WHIP("{}"), "--whep", g.WHEP("{}"), "--only", "T-01,T-03", "--markdown", page)
	if err != nil {
		t.Fatal(err)
	}
	if out := c.stdout.String(); !strings.Contains(out, "PASS T-01") || !strings.Contains(out, "2 cases: 2 passed") {
		t.Errorf("stdout:\n%s", out)
	}
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "| T-03 | PASS |") {
		t.Errorf("page: %v\n%s", err, b)
	}
}

func TestConformFailsWhenAMustIsBroken(t *testing.T) {
	wrong := httptest.NewServer(http.NotFoundHandler())
	defer wrong.Close()
	c := &command{}
	if err := c.run(t, "conform", "--whip", wrong.URL+"/whip/x", "--only", "T-01"); !errors.Is(err, errNotConforming) {
		t.Errorf("a server that knows nothing: %v", err)
	}
	if err := (&command{}).run(t, "conform", "--whip", wrong.URL+"/whip/x", "--only", "T-06"); err != nil {
		t.Errorf("a SHOULD that is not followed fails the run: %v", err)
	}
}

func TestConformMergesRuns(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	dir := t.TempDir()
	var merge []string
	for _, only := range []string{"T-01", "T-20"} {
		c := &command{}
		if err := c.run(t, "conform", "--whip", g.WHIP("{}"), "--only", only, "--json"); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, only)
		if err := os.WriteFile(file, []byte(c.stdout.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		merge = append(merge, "--merge", file)
	}
	c := &command{}
	if err := c.run(t, append([]string{"conform"}, merge...)...); err != nil {
		t.Fatal(err)
	}
	if out := c.stdout.String(); !strings.Contains(out, "2 cases: 1 passed, 0 failed (0 of them break a MUST), 1 skipped") {
		t.Errorf("stdout: %s", out)
	}
}

func TestConformSaysWhatItWants(t *testing.T) {
	for name, args := range map[string][]string{
		"no endpoint":    {"conform"},
		"no such case":   {"conform", "--whip", "http://127.0.0.1:1/whip/x", "--only", "T-1000"},
		"no such fact":   {"conform", "--whip", "http://127.0.0.1:1/whip/x", "--given", "luck"},
		"a broken merge": {"conform", "--merge", "conform_test.go"},
	} {
		if err := (&command{}).run(t, args...); err == nil || errors.Is(err, errNotConforming) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := &command{}
	if err := c.run(t, "conform", "--list"); err != nil || !strings.Contains(c.stdout.String(), "T-92") {
		t.Errorf("--list: %v\n%s", err, c.stdout.String())
	}
}
