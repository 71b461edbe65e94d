package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const restKey = "0123456789abcdef0123456789abcdef"

// TestGuideToTheAPI runs every command of docs/api.md, in its order, against a gateway. What the page shows as an answer must have the members of the last answer of the block before.
func TestGuideToTheAPI(t *testing.T) {
	need(t, curl)
	g := serve(t, nil, "HEADGATE_KEY="+restKey)
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(sh|json)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	script := []string{
		"set -eu -o pipefail\nshopt -s inherit_errexit",
		`curl() { command curl --silent --show-error --fail-with-body --max-time 10 "$@" || { status=$?; echo "failed: curl $*" >&2; return $status; }; echo; }`,
		`headgate() { "$BINARY" "$@"; }`,
		`openssl() { echo "$KEY"; }`,
		`jq() { sed -n 's/.*"'"${2#.}"'":"\([^"]*\)".*/\1/p'; }`, // as the page uses it: jq -r .member
	}
	const mark = "=== block "
	for i, block := range blocks {
		if block[1] == "sh" {
			script = append(script, fmt.Sprintf("echo; echo '%s%d'", mark, i), strings.ReplaceAll(block[2], "http://localhost:8080", g.url))
		}
	}
	cmd := exec.Command("bash", "-c", strings.Join(script, "\n"))
	cmd.Dir = t.TempDir()
	cmd.Env = append(cleanEnvironment(), "BINARY="+absolute(t, binary()), "KEY="+restKey)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, output, trouble.String())
	}
	told := make(map[int]string)
	for _, part := range strings.Split(string(output), mark)[1:] {
		var i int
		number, rest, _ := strings.Cut(part, "\n")
		if _, err := fmt.Sscan(number, &i); err != nil {
			t.Fatal(err)
		}
		lines := strings.FieldsFunc(rest, func(r rune) bool { return r == '\n' })
		if len(lines) > 0 {
			told[i] = lines[len(lines)-1]
		}
	}
	compared := 0
	for i, block := range blocks {
		if block[1] == "json" {
			sameShape(t, block[2], told[i-1])
			compared++
		}
	}
	if compared < 6 {
		t.Errorf("only %d answers were compared", compared)
	}
	events, err := os.ReadFile(filepath.Join(cmd.Dir, "events.txt"))
	if err != nil || !strings.Contains(string(events), "event: snapshot") {
		t.Errorf("the stream shows %s, %v", events, err)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// sameShape wants two JSON texts to have the same members of the same types.
func sameShape(t *testing.T, shown, got string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(shown), &a); err != nil {
		t.Fatalf("the page shows %s: %v", shown, err)
	}
	if err := json.Unmarshal([]byte(got), &b); err != nil {
		t.Fatalf("answered %q where the page shows %s: %v", got, shown, err)
	}
	if s, g := shape(a), shape(b); !reflect.DeepEqual(s, g) {
		t.Errorf("the page shows %s\nand the answer was %s", shown, got)
	}
}

// shape is a document with its values taken out.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		members := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			members[name] = shape(v[name])
		}
		return members
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			list = append(list, shape(e))
		}
		return list
	}
	return reflect.TypeOf(v)
}
