package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/gateway"
)

// sample has one setting of every sort there is.
type sample struct {
	Text     string        `yaml:"text"`
	Secret   auth.Secret   `yaml:"secret"`
	Flag     bool          `yaml:"flag"`
	Count    int           `yaml:"count"`
	Bytes    int64         `yaml:"bytes"`
	Rate     float64       `yaml:"rate"`
	Wait     time.Duration `yaml:"wait"`
	Until    time.Time     `yaml:"until"`
	Names    []string      `yaml:"names"`
	Inner    inner         `yaml:"inner"`
	Inners   []inner       `yaml:"inners"`
	Untagged string
	Hidden   string `yaml:"-"`
}

type inner struct {
	A string   `yaml:"a"`
	B []string `yaml:"b"`
}

func TestDecodeConfig(t *testing.T) {
	started := sample{Text: "kept", Names: []string{"kept"}, Inner: inner{A: "kept"}, Wait: time.Second}
	with := func(change func(*sample)) sample {
		s := started
		change(&s)
		return s
	}
	for name, tc := range map[string]struct {
		text string
		want sample
	}{
		"nothing":                      {"", started},
		"comments only":                {"# nothing\n---\n# at all\n", started},
		"null document":                {"null", started},
		"named without a value":        {"text:\nnames:\n#  - a\ninner:\nwait: null\nsecret: ~\n", started},
		"text":                         {"text: a b", with(func(s *sample) { s.Text = "a b" })},
		"text that looks like digits":  {"text: 0042", with(func(s *sample) { s.Text = "0042" })},
		"text that looks like hex":     {"text: 0x2a", with(func(s *sample) { s.Text = "0x2a" })},
		"text that looks like a float": {"text: 1.50", with(func(s *sample) { s.Text = "1.50" })},
		"text that looks like a bool":  {"text: true", with(func(s *sample) { s.Text = "true" })},
		"empty text":                   {`text: ""`, with(func(s *sample) { s.Text = "" })},
		"text over lines":              {"text: |\n  a\n  b\n", with(func(s *sample) { s.Text = "a\nb\n" })},
		"quoted key":                   {`"text": 'it''s'`, with(func(s *sample) { s.Text = "it's" })},
		"secret with leading zeros":    {"secret: 00017", with(func(s *sample) { s.Secret = "00017" })},
		"bool":                         {"flag: true", with(func(s *sample) { s.Flag = true })},
		"numbers":                      {"count: -3\nbytes: 5000000000\nrate: 2", with(func(s *sample) { s.Count, s.Bytes, s.Rate = -3, 5e9, 2 })},
		"duration":                     {"wait: 1m30s", with(func(s *sample) { s.Wait = 90 * time.Second })},
		"no duration at all":           {"wait: 0", with(func(s *sample) { s.Wait = 0 })},
		"time":                         {"until: 2030-01-02T03:04:05Z", with(func(s *sample) { s.Until = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) })},
		"list replaces":                {"names: [a, 02, true]", with(func(s *sample) { s.Names = []string{"a", "02", "true"} })},
		"block list":                   {"names:\n  - a\n  - b\n", with(func(s *sample) { s.Names = []string{"a", "b"} })},
		"empty list":                   {"names: []", with(func(s *sample) { s.Names = []string{} })},
		"mapping keeps the rest":       {"inner: {b: [x]}", with(func(s *sample) { s.Inner.B = []string{"x"} })},
		"list of settings":             {"inners:\n  - a: x\n  - {b: [y]}", with(func(s *sample) { s.Inners = []inner{{A: "x"}, {B: []string{"y"}}} })},
	} {
		t.Run(name, func(t *testing.T) {
			got := started
			if err := decodeConfig("f", []byte(tc.text), &got, make(sources)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestDecodeConfigRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"unknown setting":          {"texd: x", "f:1: unknown setting texd; did you mean text?"},
		"nothing near":             {"\nsomething: x", "f:2: unknown setting something; known here: bytes, count,"},
		"field without a tag":      {"Untagged: x", "f:1: unknown setting Untagged"},
		"field tagged off":         {"Hidden: x", "f:1: unknown setting Hidden"},
		"unknown inside":           {"inners:\n  - a: x\n  - c: y", "f:3: unknown setting inners[1].c; did you mean a?"},
		"key given twice":          {"text: a\ncount: 1\ntext: b", "f:3: text stands here a second time (first in line 1)"},
		"twice inside":             {"inners:\n  - a: x\n    a: y", "f:3: inners[0].a stands here a second time"},
		"duration without unit":    {"wait: 30", `f:1: wait must be a duration such as "5s" or "2m", got "30"`},
		"whole number":             {"count: 1.5", `f:1: count must be a whole number, got "1.5"`},
		"number too large":         {"count: 99999999999999999999", "f:1: count must be a whole number"},
		"hexadecimal":              {"count: 0x10", "f:1: count must be a whole number"},
		"text for a number":        {"rate: fast", `f:1: rate must be a number, got "fast"`},
		"not a number":             {"rate: .nan", "f:1: rate must be a number"},
		"infinite":                 {"rate: .inf", "f:1: rate must be a number"},
		"yes":                      {"flag: yes", `f:1: flag must be true or false, got "yes"`},
		"no time":                  {"until: tomorrow", `f:1: until must be a time such as "2030-12-31T23:59:59Z"`},
		"a date is no time":        {"until: 2030-01-01", "f:1: until must be a time"},
		"text for a list":          {"names: a", "f:1: names must be a list, got a single value"},
		"mapping for a list":       {"names: {a: b}", "f:1: names must be a list, got a mapping"},
		"list for a text":          {"text: [a]", "f:1: text must be a text, got a list"},
		"mapping for a text":       {"text: {a: b}", "f:1: text must be a text, got a mapping"},
		"text for a mapping":       {"inner: a", "f:1: inner must be a mapping of settings, got a single value"},
		"list for a mapping":       {"inner: [a]", "f:1: inner must be a mapping of settings, got a list"},
		"text in list of settings": {"inners: [a]", "f:1: inners[0] must be a mapping of settings"},
		"nothing in a list":        {"names:\n  - a\n  -\n", "names[1] has no value"},
		"top is a list":            {"- a", "f:1: the file must be a mapping of settings, got a list"},
		"top is a text":            {"hello", "f:1: the file must be a mapping of settings, got a single value"},
		"two documents":            {"text: a\n---\ntext: b", "f: holds 2 documents"},
		"anchor":                   {"text: &x a", "f:1: text must be a text, got an anchor, alias or tag"},
		"alias":                    {"text: &x a\ninner: {a: *x}", "f:2: inner.a must be a text, got an anchor, alias or tag"},
		"tag":                      {"count: !!int 5", "f:1: count must be a whole number, got an anchor, alias or tag"},
		"merge key":                {"inner:\n  <<: {a: b}", "f:2: unknown setting inner.<<"},
		"tab":                      {"text: a\n\tcount: 1", "f:2: found character"},
		"secrets stay hidden":      {"secret: [a]", "f:1: secret must be a text, got a list"},
	} {
		t.Run(name, func(t *testing.T) {
			var got sample
			err := decodeConfig("f", []byte(tc.text), &got, make(sources))
			mustSay(t, err, tc.want)
		})
	}
}

func TestLongValuesAreCutInErrors(t *testing.T) {
	err := decodeConfig("f", []byte("count: "+strings.Repeat("x", 5000)), new(sample), make(sources))
	mustSay(t, err, "…")
	if len(err.Error()) > 150 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

// TestEverySettingCanBeWritten finds settings of types the file could not hold,
// and settings without a tag.
func TestEverySettingCanBeWritten(t *testing.T) {
	var visit func(path string, kind reflect.Type)
	visit = func(path string, kind reflect.Type) {
		switch {
		case kind.Kind() == reflect.Slice:
			visit(path+"[0]", kind.Elem())
		case isScalar(kind):
			sampleText := map[bool]string{true: "1", false: "x"}[kind.Kind() != reflect.String]
			for _, text := range []string{sampleText, "1s", "true", "2030-12-31T23:59:59Z"} {
				if setText(reflect.New(kind).Elem(), text) == nil {
					return
				}
			}
			t.Errorf("%s has a type that cannot be written: %v", path, kind)
		default:
			for i := range kind.NumField() {
				f := kind.Field(i)
				tag := f.Tag.Get("yaml")
				if f.IsExported() && tag == "" {
					t.Errorf("%s.%s has no yaml tag", path, f.Name)
				}
				if tag != "" && tag != "-" {
					visit(joinPath(path, tag), f.Type)
				}
			}
		}
	}
	visit("", reflect.TypeFor[gateway.Config]())
}

func TestSuggest(t *testing.T) {
	for misspelt, want := range map[string]string{
		"channel": "; did you mean channels?", "htp": "; did you mean http?", "": "; did you mean a?",
		"elephant": "; known here: a, channels, http", "HTTP": "; known here: a, channels, http",
	} {
		if got := suggest(misspelt, []string{"http", "channels", "a"}); got != want {
			t.Errorf("suggest(%q) = %q, want %q", misspelt, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := editDistance(tc.a, tc.b); got != tc.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
