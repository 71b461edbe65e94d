package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/headgate/headgate/internal/gateway"
)

// page is a Markdown file of the repository.
type page struct {
	path string // from the repository's root
	text string
	// prose is the text without blocks of code.
	prose string
}

var fence = regexp.MustCompile("(?ms)^```.*?^```$")

func pages(t *testing.T) (all []page) {
	t.Helper()
	visit := func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(repository, path)
		all = append(all, page{path: filepath.ToSlash(name), text: string(text), prose: fence.ReplaceAllString(string(text), "")})
		return err
	}
	if err := filepath.WalkDir(repository, visit); err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d pages were found", len(all))
	}
	return all
}

// TestLinksResolve follows every relative link and image of every page.
func TestLinksResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(p.prose, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path := filepath.Join(repository, filepath.Dir(p.path), target)
			if target == "" {
				path = filepath.Join(repository, p.path)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s: %v", p.path, m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(t, path), anchor) {
				t.Errorf("%s links to %s, which has no such heading", p.path, m[1])
			}
		}
	}
}

// anchors are the headings of a page as they stand in links.
func anchors(t *testing.T, path string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	unwanted := regexp.MustCompile(`[^\w\- ]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
		list = append(list, strings.ReplaceAll(unwanted.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return list
}

// TestNamedFilesExist looks for the files that pages name in passing.
func TestNamedFilesExist(t *testing.T) {
	file := regexp.MustCompile("`((?:auth|cmd|docs|examples|integration|internal|router|scripts|tools|whep|whip)/[\\w./*-]*)[^`]*`")
	for _, p := range pages(t) {
		for _, m := range file.FindAllStringSubmatch(p.prose, -1) {
			name := strings.TrimRight(m[1], "/.")
			if found, _ := filepath.Glob(filepath.Join(repository, name)); len(found) == 0 {
				t.Errorf("%s names %s, which is not there", p.path, name)
			}
		}
	}
}

// commandLines are the headgate commands of a page: lines of blocks, and code
// in a sentence.
func commandLines(p page) (lines []string) {
	block := regexp.MustCompile(`(?m)(?:^|[ (])(?:bin/)?(headgate [^\n#)]+)`)
	for _, b := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(p.text, -1) {
		for _, m := range block.FindAllStringSubmatch(strings.ReplaceAll(b[1], "\\\n", " "), -1) {
			lines = append(lines, m[1])
		}
	}
	for _, m := range regexp.MustCompile("`(headgate [^`]+)`").FindAllStringSubmatch(p.prose, -1) {
		lines = append(lines, m[1])
	}
	return lines
}

// words splits a command line as a shell does, as far as pages need it.
func words(line string) (list []string) {
	for _, m := range regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(line, -1) {
		if m == "&&" || m == "&" || m == "|" {
			break
		}
		list = append(list, strings.Trim(m, `'"`))
	}
	return list
}

// TestCommandsOfThePagesParse gives every headgate command to the real parser.
// Files are made up, as the reader's are.
func TestCommandsOfThePagesParse(t *testing.T) {
	list := pages(t)
	t.Chdir(t.TempDir())
	n := 0
	for _, p := range list {
		for _, line := range commandLines(p) {
			args := words(line)[1:]
			parser, err := newParser(t.Context(), (&command{}).console())
			if err != nil {
				t.Fatal(err)
			}
			if len(args) == 1 && !strings.HasPrefix(args[0], "-") { // only mentioned
				if !slices.ContainsFunc(parser.Model.Children, func(n *kong.Node) bool { return n.Name == args[0] }) {
					t.Errorf("%s: there is no command %s", p.path, line)
				}
				continue
			}
			makeFiles(t, args)
			if _, err := parser.Parse(args); err != nil {
				t.Errorf("%s: %s: %v", p.path, line, err)
			}
			n++
		}
	}
	if n < 15 {
		t.Errorf("only %d commands were found", n)
	}
}

func makeFiles(t *testing.T, args []string) {
	t.Helper()
	for _, a := range args {
		if !regexp.MustCompile(`\.(yaml|ivf|h264|ogg|json|sdp)$|^FILE$`).MatchString(a) || filepath.IsAbs(a) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(a), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(a, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSettingsOfThePagesExist checks variables and blocks of configuration.
func TestSettingsOfThePagesExist(t *testing.T) {
	known := make(map[string]envSetting)
	cfg := gateway.DefaultConfig()
	collectEnv("", reflect.ValueOf(&cfg).Elem(), known)
	paths := settingPaths("", reflect.TypeFor[gateway.Config]())
	for _, p := range pages(t) {
		for _, name := range regexp.MustCompile(`HEADGATE_[A-Z_]*[A-Z]`).FindAllString(p.text, -1) {
			if _, ok := known[name]; !ok && !reservedEnv()[name] {
				t.Errorf("%s names %s, which is no variable", p.path, name)
			}
		}
		for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(p.text, -1) {
			if err := decodeConfig(p.path, []byte(m[1]), &cfg, make(sources)); err != nil {
				t.Error(err)
			}
		}
		section := regexp.MustCompile("`((?:http|cors|media|auth|channels|sessions|ice_servers|egress|pages|log)\\.[a-z_.…]+)(?:: [^`]*)?`")
		for _, m := range section.FindAllStringSubmatch(p.prose, -1) {
			name := strings.TrimSuffix(m[1], "…")
			if !slices.ContainsFunc(paths, func(path string) bool {
				return path == name || strings.HasPrefix(path, name+".") || name != m[1] && strings.HasPrefix(path, name)
			}) {
				t.Errorf("%s names %s, which is no setting", p.path, m[1])
			}
		}
	}
}

// TestMakeTargetsOfThePagesExist compares "make something" with the Makefile.
func TestMakeTargetsOfThePagesExist(t *testing.T) {
	makefile, err := os.ReadFile(repository + "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		for _, m := range regexp.MustCompile("(?m)(?:^|`|[A-Z]=\\S+ )make ([a-z-]+)").FindAllStringSubmatch(p.text, -1) {
			if !regexp.MustCompile(`(?m)^` + m[1] + `:`).Match(makefile) {
				t.Errorf("%s names make %s, which is no target", p.path, m[1])
			}
		}
	}
}

// TestTheReadmeListsEveryDependency compares README.md and its decision record
// with go.mod.
func TestTheReadmeListsEveryDependency(t *testing.T) {
	mod, err := os.ReadFile(repository + "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct, _, _ := strings.Cut(string(mod), "\n)")
	for _, name := range []string{"README.md", "docs/decisions/0013-dependencies.md"} {
		text, err := os.ReadFile(repository + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v`).FindAllStringSubmatch(direct, -1) {
			short := strings.TrimPrefix(strings.TrimPrefix(m[1], "github.com/pion/"), "github.com/chromedp/")
			if !regexp.MustCompile(regexp.QuoteMeta(short) + `\b`).Match(text) {
				t.Errorf("%s does not list %s", name, m[1])
			}
		}
	}
}
