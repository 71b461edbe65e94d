package main

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/gateway"
)

const exampleFile = "../../examples/headgate.yaml"

func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decodeExample reads an example and returns where its settings stand.
func decodeExample(t *testing.T, text string) (gateway.Config, sources) {
	t.Helper()
	var cfg gateway.Config // not the defaults: what the file does not say is zero
	from := make(sources)
	if err := decodeConfig("example", []byte(text), &cfg, from); err != nil {
		t.Fatal(err)
	}
	return cfg, from
}

func TestTheExampleHasTheDefaults(t *testing.T) {
	cfg, from := decodeExample(t, readExample(t))
	if got, want := plain(cfg), plain(gateway.DefaultConfig()); !reflect.DeepEqual(got, want) {
		t.Errorf("the example says\n%+v\nwant\n%+v", got, want)
	}
	for _, path := range settingPaths("", reflect.TypeFor[gateway.Config]()) {
		if _, ok := from[path]; !ok && !strings.Contains(path, "[0]") {
			t.Errorf("the example lacks %s", path)
		}
	}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

// settingPaths lists every setting of a type; entries of lists as [0].
func settingPaths(path string, kind reflect.Type) (paths []string) {
	switch {
	case isScalar(kind):
		return []string{path}
	case kind.Kind() == reflect.Slice:
		paths = []string{path}
		if !isScalar(kind.Elem()) {
			paths = append(paths, settingPaths(path+"[0]", kind.Elem())...)
		}
		return paths
	}
	for i := range kind.NumField() {
		if tag := kind.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			paths = append(paths, settingPaths(joinPath(path, tag), kind.Field(i).Type)...)
		}
	}
	return paths
}

// TestTheExampleShowsEntriesOfLists takes away the "#" before the entries and
// wants the file to load and to name every setting.
func TestTheExampleShowsEntriesOfLists(t *testing.T) {
	behindHash := regexp.MustCompile(`(?m)^( *)#( {2,})(\S)`)
	emptyList := regexp.MustCompile(`(?m)\[\](\s+#[^\n]*\n *#  )`)
	text := readExample(t)
	header, rest, _ := strings.Cut(text, "\n\n")
	rest = emptyList.ReplaceAllString(rest, "  $1")
	_, from := decodeExample(t, header+"\n\n"+behindHash.ReplaceAllString(rest, "$1 $2$3"))
	for _, path := range settingPaths("", reflect.TypeFor[gateway.Config]()) {
		if _, ok := from[path]; !ok {
			t.Errorf("the example lacks %s", path)
		}
	}
}

// TestTheExampleExplainsEverySetting wants a comment behind each line.
func TestTheExampleExplainsEverySetting(t *testing.T) {
	plainMapping := []string{"http:", "tls:", "media:", "channels:", "calls:", "sessions:", "egress:", "pages:", "log:"}
	for i, line := range strings.Split(readExample(t), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "#  ") || line == "#" || slices.Contains(plainMapping, line) {
			continue
		}
		if _, comment, ok := strings.Cut(strings.TrimPrefix(line, "#"), " # "); i > 9 && (!ok || len(strings.TrimSpace(comment)) < 5) {
			t.Errorf("line %d has no comment: %s", i+1, line)
		}
		if len(line) > 150 {
			t.Errorf("line %d is too long", i+1)
		}
	}
}

func TestOtherExamplesLoad(t *testing.T) {
	entries, err := os.ReadDir("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".yaml") {
			var c command
			if err := c.run(t, "check-config", "../../examples/"+e.Name()); err != nil {
				t.Errorf("%s: %v", e.Name(), err)
			}
		}
	}
}
