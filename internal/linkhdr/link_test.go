package linkhdr

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var turn = Link{
	URI: "turn:turn.example.net?transport=udp", Rel: "ice-server",
	Params: []Param{{"username", "user"}, {"credential", "myPassword"}, {"credential-type", "password"}},
}

func TestString(t *testing.T) {
	tests := []struct {
		name string
		link Link
		want string
	}{
		{"N-180 N-182 D13 order of parameters", turn,
			`<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="myPassword"; credential-type="password"`},
		{"N-180 STUN", Link{URI: "stun:stun.example.net", Rel: "ice-server"}, `<stun:stun.example.net>; rel="ice-server"`},
		{"N-181 quotes and backslashes are escaped", Link{URI: "turn:a", Params: []Param{{"credential", `a"b\c`}}}, `<turn:a>; credential="a\"b\\c"`},
		{"a value cannot end the header", Link{URI: "turn:a", Params: []Param{{"x", "a\r\nSet-Cookie: b\x00"}}}, `<turn:a>; x="aSet-Cookie: b"`},
		{"a target cannot end itself", Link{URI: "http://a/\r\n>;é"}, `<http://a/%0D%0A%3E;%C3%A9>`},
		{"a name cannot smuggle", Link{URI: "a", Params: []Param{{"x\r\n", "1"}, {"", "2"}, {"a;b", "3"}, {"ok*", "4"}}}, `<a>; ok*="4"`},
		{"nothing", Link{}, `<>`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.link.String(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	stun := Link{URI: "stun:stun.example.net", Rel: "ice-server"}
	tests := []struct {
		name  string
		lines []string
		want  []Link
	}{
		{"none", nil, nil},
		{"one line each", []string{stun.String(), turn.String()}, []Link{stun, turn}},
		{"a list in one line", []string{stun.String() + ", " + turn.String() + " , ,"}, []Link{stun, turn}},
		{"a comma and a semicolon in quotes and targets", []string{`<http://a/x,y;z>; title="a, b; c", <b>`},
			[]Link{{URI: "http://a/x,y;z", Params: []Param{{"title", "a, b; c"}}}, {URI: "b"}}},
		{"N-181 quoted pairs", []string{`<turn:a>; credential="a\"b\\c\d"`}, []Link{{URI: "turn:a", Params: []Param{{"credential", `a"b\cd`}}}}},
		{"tokens, spaces, letter case, empty parameters", []string{`< stun:a > ; REL = ice-server ;; flag ; X=1;`},
			[]Link{{URI: "stun:a", Rel: "ice-server", Params: []Param{{"flag", ""}, {"X", "1"}}}}},
		{"Q-GST-8 colon for equals", []string{`<turn:a>; rel="ice-server"; username:"u"; credential:"x";`},
			[]Link{{URI: "turn:a", Rel: "ice-server", Params: []Param{{"username", "u"}, {"credential", "x"}}}}},
		{"an unquoted credential", []string{`<turn:a>; rel=ice-server; credential=ab/c+==`}, []Link{{URI: "turn:a", Rel: "ice-server", Params: []Param{{"credential", "ab/c+=="}}}}},
		{"RFC 8288 3.3 the first rel counts", []string{`<a>; rel=""; rel="b"`}, []Link{{URI: "a"}}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Parse(tc.lines)
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tc.want)
			}
		})
	}
}

func TestParseSkipsWhatItCannotRead(t *testing.T) {
	good := Link{URI: "stun:a", Rel: "ice-server"}
	for name, bad := range map[string]string{
		"no target":              `stun:b; rel="ice-server"`,
		"target without end":     `<stun:b; rel="ice-server"`,
		"value without end":      `<stun:b>; rel="ice-server`,
		"backslash at the end":   `<stun:b>; rel="ice-server\`,
		"garbage behind a value": `<stun:b>; rel="x"y`,
		"parameter without name": `<stun:b>; ="x"`,
		"name that is no token":  `<stun:b>; a{b="x"`,
		"too many parameters":    `<stun:b>` + strings.Repeat(";a=b", maxParams+1),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]string{bad, good.String()})
			if !errors.Is(err, ErrBadLink) || !reflect.DeepEqual(got, []Link{good}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	got, err := Parse([]string{`x, ` + good.String()})
	if err == nil || !reflect.DeepEqual(got, []Link{good}) {
		t.Errorf("same line: got %+v, %v", got, err)
	}
}

func TestParseIsBounded(t *testing.T) {
	links, err := Parse([]string{strings.Repeat("<a>,", maxLinks+10)})
	if len(links) != maxLinks || err != nil {
		t.Errorf("%d links, %v", len(links), err)
	}
	links, err = Parse([]string{"<a>", strings.Repeat("x", maxBytes)})
	if len(links) != 1 || !errors.Is(err, ErrBadLink) {
		t.Errorf("%d links, %v", len(links), err)
	}
}

func TestLookups(t *testing.T) {
	l := Link{Rel: "Next ice-server", Params: []Param{{"UserName", "u"}, {"username", "v"}}}
	if !l.Has("ICE-Server") || !l.Has("next") || l.Has("ice") || l.Has("") {
		t.Error("Has is wrong")
	}
	if l.Param("username") != "u" || l.Param("none") != "" {
		t.Error("Param is wrong")
	}
}

func TestRoundTrip(t *testing.T) {
	text := rapid.StringMatching(`[ -~\t\x{80}-\x{ff}]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		var links []Link
		var lines []string
		for range rapid.IntRange(1, 4).Draw(t, "links") {
			l := Link{URI: rapid.StringMatching(`[a-z:/?=&.,;0-9%-]{1,20}`).Draw(t, "uri"), Rel: text.Draw(t, "rel")}
			for range rapid.IntRange(0, 4).Draw(t, "params") {
				name := rapid.StringMatching(`[a-z*-]{1,8}`).Filter(func(s string) bool { return s != "rel" }).Draw(t, "name")
				l.Params = append(l.Params, Param{name, text.Draw(t, "value")})
			}
			links, lines = append(links, l), append(lines, l.String())
		}
		for _, form := range [][]string{lines, {strings.Join(lines, ", ")}} {
			got, err := Parse(form)
			if err != nil || !reflect.DeepEqual(got, links) {
				t.Fatalf("got  %+v, %v\nwant %+v\nfrom %q", got, err, links, form)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(turn.String() + ", <b>; x:y; z")
	f.Add(`<a>; b="c\"d"`)
	f.Fuzz(func(t *testing.T, line string) {
		links, _ := Parse([]string{line})
		for _, l := range links {
			printed := l.String()
			if strings.ContainsAny(printed, "\r\n\x00") {
				t.Fatalf("%q ends a header", printed)
			}
			again, err := Parse([]string{printed})
			if err != nil || len(again) != 1 {
				t.Fatalf("%q: %+v, %v", printed, again, err)
			}
			if s := again[0].String(); s != printed {
				t.Fatalf("not stable: %q, %q", printed, s)
			}
		}
	})
}
