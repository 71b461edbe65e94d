package wish

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/signaling"
)

func TestParseIfMatch(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		want   signaling.Precondition
	}{
		{"N-103 absent", nil, signaling.Precondition{}},
		{"D2 asterisk", []string{"*"}, signaling.Precondition{Present: true, Any: true}},
		{"D2 quoted asterisk", []string{`"*"`}, signaling.Precondition{Present: true, Any: true}},
		{"D2 asterisk with blanks", []string{" \t* "}, signaling.Precondition{Present: true, Any: true}},
		{"one tag", []string{`"abc"`}, signaling.Precondition{Present: true, Tags: []string{`"abc"`}}},
		{"empty tag", []string{`""`}, signaling.Precondition{Present: true, Tags: []string{`""`}}},
		{"N-105 list", []string{`"a", "b"`}, signaling.Precondition{Present: true, Tags: []string{`"a"`, `"b"`}}},
		{"N-105 list in two fields", []string{`"a"`, `"b"`}, signaling.Precondition{Present: true, Tags: []string{`"a"`, `"b"`}}},
		{"N-105 weak tags never match", []string{`W/"a"`}, signaling.Precondition{Present: true}},
		{"N-105 weak among strong", []string{`W/"a","b"`}, signaling.Precondition{Present: true, Tags: []string{`"b"`}}},
		{"empty elements", []string{`, "a",,"b" ,`}, signaling.Precondition{Present: true, Tags: []string{`"a"`, `"b"`}}},
		{"comma and backslash inside", []string{`"a,b\"`}, signaling.Precondition{Present: true, Tags: []string{`"a,b\"`}}},
		{"obs-text", []string{"\"\xff\""}, signaling.Precondition{Present: true, Tags: []string{"\"\xff\""}}},
		{"asterisk in a list is a tag like others", []string{`"a","*"`}, signaling.Precondition{Present: true, Tags: []string{`"a"`, `"*"`}}},
		{"empty field matches nothing", []string{""}, signaling.Precondition{Present: true}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseIfMatch(tc.fields)
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("parseIfMatch(%q) = %+v, %v, want %+v", tc.fields, got, err, tc.want)
			}
		})
	}
}

func TestParseIfMatchRefuses(t *testing.T) {
	for _, field := range []string{`abc`, `"abc`, `abc"`, `'abc'`, `"a" "b"`, `"a"b`, `w/"a"`, `W/ "a"`, `W/`, `*, "a"`, `"a", *`, `**`,
		`"a b"`, "\"a\tb\"", "\"a\x7f\"", `undefined`, `"a";"b"`, strings.Repeat(`"a",`, maxTags+1)} {
		if p, err := parseIfMatch([]string{field}); !errors.Is(err, errIfMatch) || p.Present {
			t.Errorf("parseIfMatch(%q) = %+v, %v, want bad-if-match", field, p, err)
		}
	}
}

func TestParseIfMatchReadsWhatIsPrinted(t *testing.T) {
	tag := rapid.StringMatching(`"[!#-~]{0,20}"`)
	rapid.Check(t, func(t *rapid.T) {
		tags := rapid.SliceOfN(tag, 1, maxTags).Draw(t, "tags")
		if len(tags) == 1 && tags[0] == `"*"` {
			t.Skip("the wildcard")
		}
		p, err := parseIfMatch([]string{strings.Join(tags, rapid.SampledFrom([]string{",", ", ", " ,\t"}).Draw(t, "separator"))})
		if err != nil || !reflect.DeepEqual(p.Tags, tags) || p.Any {
			t.Fatalf("%q became %+v, %v", tags, p, err)
		}
	})
}

func FuzzParseIfMatch(f *testing.F) {
	for _, s := range []string{"*", `"*"`, `"a", W/"b"`, `"`, `W/`, ",,,", `"a"x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		p, err := parseIfMatch([]string{field})
		if err != nil {
			return
		}
		if !p.Present || p.Any && len(p.Tags) > 0 {
			t.Fatalf("%q became %+v", field, p)
		}
		for _, tag := range p.Tags {
			if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.Contains(tag[1:len(tag)-1], `"`) {
				t.Fatalf("%q has the tag %q", field, tag)
			}
		}
	})
}
