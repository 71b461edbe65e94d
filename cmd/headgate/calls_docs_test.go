package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// callRows is how many rows docs/calls.md has.
const callRows = 62

// TestTheRowsOfCalls compares docs/calls.md with the tests: every row is there once and
// names tests that exist, and every test that is named for a row stands in it.
func TestTheRowsOfCalls(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "calls.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testFunctions(t)
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (R-\d+) \|(.*)$`).FindAllStringSubmatch(string(text), -1) {
		if rows[m[1]] != "" {
			t.Errorf("%s is there twice", m[1])
		}
		rows[m[1]] = m[2]
	}
	for n := 1; n <= callRows; n++ {
		id := fmt.Sprintf("R-%02d", n)
		cells := strings.Split(rows[id], " | ")
		if len(cells) != 3 {
			t.Errorf("%s has %d cells, want three behind its id", id, len(cells))
			continue
		}
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(cells[2], -1)
		if len(named) == 0 {
			t.Errorf("%s names no test", id)
		}
		for _, test := range named {
			if !slices.Contains(tests, test[1]) {
				t.Errorf("%s names %s, which there is not", id, test[1])
			}
		}
	}
	if len(rows) != callRows {
		t.Errorf("%d rows, want %d", len(rows), callRows)
	}
	for _, test := range tests {
		if m := regexp.MustCompile(`^TestR(\d\d)[A-Z]`).FindStringSubmatch(test); m != nil && !strings.Contains(rows["R-"+m[1]], "`"+test+"`") {
			t.Errorf("R-%s does not name %s", m[1], test)
		}
	}
}

// testFunctions are the names of all tests of the repository.
func testFunctions(t *testing.T) (names []string) {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(filepath.Clean(path))
		for _, m := range function.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
