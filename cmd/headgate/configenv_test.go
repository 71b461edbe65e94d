package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
)

func TestApplyEnv(t *testing.T) {
	for name, tc := range map[string]struct {
		environ []string
		want    sample
	}{
		"nothing":                  {[]string{"PATH=/bin", "HEADGATEX=1", "headgate_text=x"}, sample{}},
		"text":                     {[]string{"HEADGATE_TEXT=a: [b"}, sample{Text: "a: [b"}},
		"empty text":               {[]string{"HEADGATE_TEXT="}, sample{}},
		"text with equals signs":   {[]string{"HEADGATE_SECRET=YQ=="}, sample{Secret: "YQ=="}},
		"numbers":                  {[]string{"HEADGATE_COUNT=-3", "HEADGATE_BYTES=5000000000", "HEADGATE_RATE=0.5"}, sample{Count: -3, Bytes: 5e9, Rate: 0.5}},
		"bool":                     {[]string{"HEADGATE_FLAG=true"}, sample{Flag: true}},
		"duration":                 {[]string{"HEADGATE_WAIT=1500ms"}, sample{Wait: 1500 * time.Millisecond}},
		"list with commas":         {[]string{"HEADGATE_NAMES=a, 02 ,b c,"}, sample{Names: []string{"a", "02", "b c"}}},
		"list as YAML":             {[]string{`HEADGATE_NAMES=["a,b", c]`}, sample{Names: []string{"a,b", "c"}}},
		"empty list":               {[]string{"HEADGATE_NAMES="}, sample{Names: []string{}}},
		"setting inside":           {[]string{"HEADGATE_INNER_A=x", "HEADGATE_INNER_B=y,z"}, sample{Inner: inner{A: "x", B: []string{"y", "z"}}}},
		"list of settings as YAML": {[]string{"HEADGATE_INNERS=[{a: x}, {b: [y]}]"}, sample{Inners: []inner{{A: "x"}, {B: []string{"y"}}}}},
		"somebody else's":          {[]string{"HEADGATE_RESERVED=1"}, sample{}},
		"the last one wins":        {[]string{"HEADGATE_TEXT=a", "HEADGATE_TEXT=b"}, sample{Text: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got sample
			if err := applyEnv(&got, tc.environ, map[string]bool{"HEADGATE_RESERVED": true}, make(sources)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestApplyEnvRefuses(t *testing.T) {
	err := applyEnv(new(sample), []string{
		"HEADGATE_TEXD=1", "HEADGATE_SOMETHING_ELSE=1", "HEADGATE_COUNT=many", "HEADGATE_WAIT=5", "HEADGATE_FLAG=yes",
		"HEADGATE_NAMES=[a", "HEADGATE_INNERS=[{c: x}]", "HEADGATE_INNER=x", "HEADGATE_HIDDEN=x", "HEADGATE_COUNT=",
	}, nil, make(sources))
	mustSay(t, err,
		"unknown variable HEADGATE_TEXD; did you mean HEADGATE_TEXT?",
		"unknown variable HEADGATE_SOMETHING_ELSE; `headgate serve --print-config` prints all settings",
		"HEADGATE_COUNT must be a whole number",
		"HEADGATE_WAIT must be a duration",
		"HEADGATE_FLAG must be true or false",
		"HEADGATE_NAMES must be a list",
		"HEADGATE_INNERS: unknown setting inners[0].c",
		"unknown variable HEADGATE_INNER",
		"unknown variable HEADGATE_HIDDEN",
	)
	if n := strings.Count(err.Error(), "\n") + 1; n != 10 {
		t.Errorf("%d faults:\n%v", n, err)
	}
}

// TestVariablesAreUnambiguous finds two settings that would share a variable, or
// one that is taken for something else.
func TestVariablesAreUnambiguous(t *testing.T) {
	seen := make(map[string]string)
	var visit func(path string, v reflect.Value)
	visit = func(path string, v reflect.Value) {
		for tag, field := range settings(v) {
			full := joinPath(path, tag)
			if field.Kind() == reflect.Struct {
				visit(full, field)
				continue
			}
			if other, taken := seen[envName(full)]; taken {
				t.Errorf("%s and %s are both %s", other, full, envName(full))
			}
			seen[envName(full)] = full
			if reservedEnv()[envName(full)] {
				t.Errorf("%s is taken", envName(full))
			}
		}
	}
	cfg := gateway.DefaultConfig()
	visit("", reflect.ValueOf(&cfg).Elem())
	if seen["HEADGATE_HTTP_LIMITS_POST_RATE"] != "http.limits.post_rate" || len(seen) < 60 {
		t.Errorf("%d variables: %v", len(seen), seen)
	}
}
