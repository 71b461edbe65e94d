package ui

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// all reads every embedded file.
func all(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(embedded, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := embedded.ReadFile(name)
		files[name] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEveryFileIsServable(t *testing.T) {
	files := all(t)
	if len(files) < 20 {
		t.Fatalf("only %d files are embedded", len(files))
	}
	for name, body := range files {
		if types[path.Ext(name)] == "" {
			t.Errorf("%s has no media type", name)
		}
		if !utf8.ValidString(body) || strings.Contains(body, "\r") || !strings.HasSuffix(body, "\n") || strings.HasPrefix(body, "\ufeff") {
			t.Errorf("%s is not plain UTF-8 with LF lines", name)
		}
		if n := strings.Count(body, "\n"); n > 400 && path.Ext(name) != ".css" {
			t.Errorf("%s has %d lines; split it", name, n)
		}
	}
}

// element is a start tag with its attributes and the tags around it.
type element struct {
	name   string
	attr   map[string]string
	around []element
}

// parse reads markup as a browser would read such well-formed markup; text is
// what stands directly in script and style.
func parse(t *testing.T, name, markup string, html bool) (elements []element, inline string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.Replace(markup, "<!doctype html>", "", 1)))
	if html {
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	}
	var open []element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elements, inline
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{token.Name.Local, map[string]string{}, slices.Clone(open)}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			elements, open = append(elements, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if n := len(open); n > 0 && (open[n-1].name == "script" || open[n-1].name == "style") {
				inline += strings.TrimSpace(string(token))
			}
		}
	}
}

func TestPagesNeedNothingThePolicyForbids(t *testing.T) {
	files := all(t)
	for name, markup := range files {
		ext := path.Ext(name)
		if ext != ".html" && ext != ".svg" {
			continue
		}
		elements, inline := parse(t, name, markup, ext == ".html")
		if inline != "" {
			t.Errorf("%s has inline script or style: %.40s", name, inline)
		}
		for _, e := range elements {
			for attribute, value := range e.attr {
				if strings.HasPrefix(attribute, "on") || attribute == "style" || strings.Contains(strings.ToLower(value), "javascript:") {
					t.Errorf("%s: <%s %s=%q>", name, e.name, attribute, value)
				}
				if (attribute == "src" || attribute == "href") && strings.HasPrefix(value, "/assets/") && files["assets/"+path.Base(value)] == "" {
					t.Errorf("%s wants %s, which does not exist", name, value)
				}
				if (attribute == "src" || attribute == "href") && strings.Contains(value, "//") {
					t.Errorf("%s loads from elsewhere: %s", name, value)
				}
			}
			if ext == ".svg" && slices.Contains([]string{"script", "foreignObject", "use", "image"}, e.name) {
				t.Errorf("%s has a <%s>", name, e.name)
			}
		}
	}
}

func TestPagesAreAccessible(t *testing.T) {
	for name, markup := range all(t) {
		if path.Ext(name) != ".html" {
			continue
		}
		elements, _ := parse(t, name, markup, true)
		count, ids := map[string]int{}, map[string]int{}
		for _, e := range elements {
			count[e.name]++
			if id := e.attr["id"]; id != "" {
				ids[id]++
			}
			inLabel := slices.ContainsFunc(e.around, func(a element) bool { return a.name == "label" })
			_, hasAlt := e.attr["alt"]
			switch {
			case (e.name == "input" || e.name == "select") && !inLabel && e.attr["aria-label"] == "":
				t.Errorf("%s: <%s id=%s> has no label", name, e.name, e.attr["id"])
			case e.name == "img" && !hasAlt:
				t.Errorf("%s: an image has no alt", name)
			case e.name == "html" && (e.attr["lang"] == "" || e.attr["data-state"] != "loading"):
				t.Errorf("%s: <html> needs lang, and data-state=loading until its script has run", name)
			case strings.Contains(e.attr["class"], "icon") && e.attr["aria-label"] == "":
				t.Errorf("%s: the icon button %s has no name", name, e.attr["id"])
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %s stands %d times", name, id, n)
			}
		}
		if count["h1"] != 1 || count["main"] != 1 || count["title"] != 1 || count["noscript"] != 1 {
			t.Errorf("%s: want one h1, main, title and noscript, have %v", name, count)
		}
		if !strings.Contains(markup, `aria-live="polite"`) {
			t.Errorf("%s tells its state to nobody who listens", name)
		}
	}
}

// scripts names the page of each page script.
var scripts = map[string]string{"assets/home.js": "pages/home.html", "assets/publish.js": "pages/publish.html", "assets/watch.js": "pages/watch.html", "assets/check.js": "pages/check.html",
	"assets/call.js": "pages/call.html", "assets/callchat.js": "pages/call.html", "assets/callgrid.js": "pages/call.html", "assets/calllobby.js": "pages/call.html",
	"assets/callnews.js": "pages/call.html", "assets/callpeople.js": "pages/call.html", "assets/callroom.js": "pages/call.html", "assets/callstats.js": "pages/call.html"}

func TestScriptsFindTheirElements(t *testing.T) {
	files := all(t)
	byID := regexp.MustCompile(`byID\("([\w-]+)"`)
	for script, page := range scripts {
		text := files[script]
		if strings.Contains(text, `"./page.js"`) {
			text += files["assets/page.js"]
		}
		for _, m := range byID.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(files[page], `id="`+m[1]+`"`) {
				t.Errorf("%s wants #%s, which %s has not", script, m[1], page)
			}
		}
	}
}

// sinks turn text into markup or code.
var sinks = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\("|srcdoc|DOMParser|createContextualFragment|\.cssText|javascript:`)

func TestScriptsHaveNoSinks(t *testing.T) {
	imports := regexp.MustCompile(`(?m)(?:from |import )"([^"]+)"`)
	files := all(t)
	for name, text := range files {
		if path.Ext(name) != ".js" {
			continue
		}
		if found := sinks.FindString(text); found != "" {
			t.Errorf("%s has %s", name, found)
		}
		if !strings.HasPrefix(text, "// Headgate, MIT licence.") || !strings.Contains(text, "// @ts-check") {
			t.Errorf("%s lacks its first line or @ts-check", name)
		}
		for _, m := range imports.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "./") || files["assets/"+m[1][2:]] == "" {
				t.Errorf("%s imports %s, which does not exist", name, m[1])
			}
		}
	}
}

// TestCopiedModulesStandAlone keeps the promise in the heads of whip.js, whep.js
// and player.js: copied with the named files they need nothing of the pages.
func TestCopiedModulesStandAlone(t *testing.T) {
	together := []string{"headgate.js", "slots.js", "member.js", "roster.js", "rest.js", "turns.js", "whip.js", "simulcast.js", "whep.js", "events.js", "layers.js", "player.js", "wish.js", "connection.js", "resource.js", "problem.js", "sdp.js"}
	imports := regexp.MustCompile(`(?m)from "\./([^"]+)"`)
	files := all(t)
	for _, name := range together {
		text := files["assets/"+name]
		for _, m := range imports.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(together, m[1]) {
				t.Errorf("%s needs %s", name, m[1])
			}
		}
		if strings.Contains(text, "byID(") || strings.Contains(text, "location.") {
			t.Errorf("%s knows about a page", name)
		}
	}
}

func TestStyleSheet(t *testing.T) {
	css := all(t)["assets/style.css"] + all(t)["assets/call.css"]
	if strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error("braces do not balance")
	}
	if found := regexp.MustCompile(`@import|url\(|expression\(|https?:`).FindString(css); found != "" {
		t.Errorf("the style sheet loads something: %s", found)
	}
	for _, m := range regexp.MustCompile(`var\((--[\w-]+)`).FindAllStringSubmatch(css, -1) {
		if !strings.Contains(css, m[1]+":") {
			t.Errorf("%s is used and never set", m[1])
		}
	}
	for _, want := range []string{"prefers-reduced-motion", "prefers-color-scheme: dark", ":focus-visible", "forced-colors"} {
		if !strings.Contains(css, want) {
			t.Errorf("the style sheet does not respect %s", want)
		}
	}
	if bytes.Contains([]byte(css), []byte("outline: none")) && !strings.Contains(css, ".card-link:focus-visible::after") {
		t.Error("a focus ring is taken away without another")
	}
}

// colours reads the custom properties that are plain colours.
func colours(block string) map[string]string {
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(--[\w-]+):\s*(#[0-9a-f]{6})`).FindAllStringSubmatch(block, -1) {
		if _, ok := found[m[1]]; !ok {
			found[m[1]] = m[2]
		}
	}
	return found
}

// luminance follows WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(colour[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func TestContrast(t *testing.T) {
	css := all(t)["assets/style.css"]
	dark := css[strings.Index(css, "prefers-color-scheme: dark"):]
	watch := css[strings.Index(css, ".watch {"):]
	schemes := map[string]map[string]string{"light": colours(css), "dark": colours(dark), "watch": colours(watch)}
	pairs := [][2]string{{"--text", "--ground"}, {"--text", "--surface"}, {"--muted", "--ground"}, {"--muted", "--surface"}, {"--muted", "--sunken"},
		{"--accent", "--surface"}, {"--accent", "--ground"}, {"--on-accent", "--accent"}, {"--on-accent", "--accent-strong"}, {"--danger", "--surface"},
		{"--live", "--surface"}, {"--text", "--sunken"}, {"--warn-text", "--warn-ground"}, {"--text", "--notice-ground"}}
	for scheme, set := range schemes {
		for _, pair := range pairs {
			front, back := set[pair[0]], set[pair[1]]
			if front == "" || back == "" {
				t.Fatalf("%s: %v is not set", scheme, pair)
			}
			a, b := luminance(t, front), luminance(t, back)
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has contrast %.2f, want 4.5", scheme, pair[0], pair[1], ratio)
			}
		}
	}
}

// A form that is sent before its script has run is a native submit, which the policy stops without a word.
func TestNothingIsSubmittedBeforeTheScriptHasRun(t *testing.T) {
	hidden := func(e element) bool { _, yes := e.attr["hidden"]; return yes || e.name == "dialog" }
	submits := 0
	for name, markup := range all(t) {
		if path.Ext(name) != ".html" {
			continue
		}
		elements, _ := parse(t, name, markup, true)
		for _, e := range elements {
			if e.name != "button" || e.attr["type"] != "" {
				continue
			}
			submits++
			if _, disabled := e.attr["disabled"]; !disabled && !hidden(e) && !slices.ContainsFunc(e.around, hidden) {
				t.Errorf("%s: the button %q can be pressed before the script has run", name, e.attr["id"])
			}
		}
	}
	if submits == 0 {
		t.Error("no button found")
	}
}
