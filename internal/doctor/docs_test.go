package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFindingIsInTheTableAndTested compares the sources with docs/doctor.md,
// and wants every id in a test.
func TestEveryFindingIsInTheTableAndTested(t *testing.T) {
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1) {
		if listed[m[1]] != "" {
			t.Errorf("%s stands twice in the table", m[1])
		}
		listed[m[1]] = m[2]
	}
	made, tests := sources(t)
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(ok|note|warning|fault)\("([a-z-]+)"`).FindAllStringSubmatch(made, -1) {
		level, id := m[1], m[2]
		if listed[id] != level {
			t.Errorf("%s is %q in docs/doctor.md, want %q", id, listed[id], level)
		}
		if !regexp.MustCompile(`[" ]` + id + `[" ]`).MatchString(tests) {
			t.Errorf("no test expects %s", id)
		}
		found[id] = true
	}
	for id := range listed {
		if !found[id] {
			t.Errorf("docs/doctor.md lists %s, which nobody finds", id)
		}
	}
}

func sources(t *testing.T) (made, tests string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			tests += string(text)
		} else {
			made += string(text)
		}
	}
	return made, tests
}
