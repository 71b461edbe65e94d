package ui

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/names"
)

// inJS writes a value as a JavaScript expression.
func inJS(t *testing.T, value any) string {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// module opens the home page, where modules can be imported and called.
func module(t *testing.T) *tab {
	t.Helper()
	s := newStub(t, Config{})
	tb := newTab(t, look{})
	tb.open(s.URL + "/")
	tb.state("live")
	return tb
}

// TestNamesFollowTheGatewaysRule compares the rule of the pages with the one
// handlers apply, over legal names, nearly legal ones and noise.
func TestNamesFollowTheGatewaysRule(t *testing.T) {
	legal := `abcXYZ019 !#$%&()+-:;<=.,>?@[]^_{|}~"`
	drawn := rapid.SliceOfN(rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune(legal)), 0, 66, -1),
		rapid.StringOfN(rapid.RuneFrom([]rune(legal+`/\'*`+"`\x00\n\té\u2028💧")), 0, 8, -1),
		rapid.SampledFrom([]string{"", ".", "..", "....", " a", "a ", "a b", "a/b", `a\b`, "%2e", "%252F", "a\n", strings.Repeat("x", 64), strings.Repeat("x", 65)}),
	), 500, 500).Example(7)
	tb := module(t)
	type verdict struct {
		Fault, Path string
		Names       []string
	}
	got := eval[[]verdict](tb, `import("/assets/names.js").then((n) => `+inJS(t, drawn)+`.map((name) => {
		const path = encodeURIComponent(name.toWellFormed());
		return { Fault: n.nameFault(name), Path: path, Names: n.placeOf("/watch/" + path, "/watch").names };
	}))`)
	for i, name := range drawn {
		want := names.Valid(name) == nil
		if (got[i].Fault == "") != want {
			t.Errorf("%q: the page says %q, the gateway %v", name, got[i].Fault, names.Valid(name))
		}
		if !want {
			if len(got[i].Names) != 0 {
				t.Errorf("%q: the page took a bad name from a path: %q", name, got[i].Names)
			}
			continue
		}
		read, err := names.Split(got[i].Path)
		if err != nil || len(read) != 1 || read[0] != name {
			t.Errorf("%q: the gateway reads the page's spelling %s as %q, %v", name, got[i].Path, read, err)
		}
		if len(got[i].Names) != 1 || got[i].Names[0] != name {
			t.Errorf("%q: the page reads its own spelling as %q", name, got[i].Names)
		}
	}
}

func TestPlaceOfAPath(t *testing.T) {
	tests := []struct {
		path  string
		names []string
		fault string
	}{
		{"/watch", nil, ""},
		{"/watch/", nil, ""},
		{"/watch/live", []string{"live"}, ""},
		{"/watch/live/anna/screen", []string{"live", "anna", "screen"}, ""},
		{"/watch/a+b", []string{"a+b"}, ""},
		{"/watch/a%2Bb", []string{"a+b"}, ""},
		{"/watch/%6Cive", []string{"live"}, ""},
		{"/watch/a%20b", []string{"a b"}, ""},
		{"/watch/%3Cimg%20src=x%20onerror=alert(1)%3E", []string{"<img src=x onerror=alert(1)>"}, ""},
		{"/watch/live/", nil, "must not be empty"},
		{"/watch//live", nil, "must not be empty"},
		{"/watch/a/b/c/d", nil, "too many parts"},
		{"/watch/%2e%2e", nil, "dots only"},
		{"/watch/a%2Fb", nil, "nothing else"},
		{"/watch/%252F", []string{"%2F"}, ""},
		{"/watch/%zz", nil, "not escaped correctly"},
		{"/watch/%ff", nil, "not escaped correctly"},
		{"/watch/%C3%A9", nil, "nothing else"},
		{"/watch/%20a", nil, "space"},
		{"/watch/" + strings.Repeat("x", 65), nil, "at most 64"},
	}
	tb := module(t)
	for _, tc := range tests {
		type place struct {
			Names []string
			Fault string
		}
		got := eval[place](tb, `import("/assets/names.js").then((n) => n.placeOf(`+inJS(t, tc.path)+`, "/watch"))`)
		if strings.Join(got.Names, "/") != strings.Join(tc.names, "/") || (tc.fault == "") != (got.Fault == "") || !strings.Contains(got.Fault, tc.fault) {
			t.Errorf("%s: %q, fault %q; want %q, %q", tc.path, got.Names, got.Fault, tc.names, tc.fault)
		}
	}
}

func TestTokenOfAFragment(t *testing.T) {
	tb := module(t)
	for hash, want := range map[string]string{
		"": "", "#": "", "#token=": "", "#token=abc": "abc", "#x=1&token=a+b%2Fc==": "a+b/c==", "#token=a%20b": "a b", "#token=%zz": "", "#atoken=x": "",
		"#token=eyJh.eyJz.sig-_~": "eyJh.eyJz.sig-_~",
	} {
		got := eval[[]string](tb, `import("/assets/names.js").then((n) => [n.tokenOf(`+inJS(t, hash)+`), n.tokenOf(n.fragmentOf(`+inJS(t, want)+`)), n.tokenFault(`+inJS(t, want)+`)])`)
		if got[0] != want || got[1] != want {
			t.Errorf("%s: token %q, and %q after a round trip; want %q", hash, got[0], got[1], want)
		}
		if bad := strings.Contains(want, " "); (got[2] != "") != bad {
			t.Errorf("%q: fault %q", want, got[2])
		}
	}
}

func TestGuestNamesAreLegalAndDiffer(t *testing.T) {
	tb := module(t)
	got := eval[[]string](tb, `import("/assets/names.js").then((n) => Array.from({ length: 50 }, () => n.guestName()))`)
	seen := map[string]bool{}
	for _, name := range got {
		if !strings.HasPrefix(name, "guest-") || len(name) != len("guest-")+8 || names.Valid(name) != nil || seen[name] {
			t.Errorf("guest name %q", name)
		}
		seen[name] = true
	}
}

// TestRecipesSurviveAShell pastes hostile names and tokens and looks at the one
// word the shell would make of them.
func TestRecipesSurviveAShell(t *testing.T) {
	tb := module(t)
	type recipe struct {
		ID     string `json:"id"`
		Fields [][2]string
	}
	for _, name := range []string{"live", `$(reboot) "x" !! ` + "~a", "a;b&c|d>e<f", "a b"} {
		target := map[string]string{"whip": "https://gw.example/whip/", "whep": "https://gw.example/whep/", "origin": "https://gw.example", "name": name, "token": "t'k$e`n"}
		all := eval[[]recipe](tb, `import("/assets/recipes.js").then((m) => m.recipes(`+inJS(t, target)+`))`)
		if len(all) != 6 {
			t.Fatalf("%d recipes", len(all))
		}
		for _, r := range all {
			for _, field := range r.Fields {
				if r.ID != "obs" && r.ID != "browser" {
					checkShell(t, name, field[1])
				}
				if strings.Contains(field[1], "?token") || strings.Contains(field[1], "&token=") {
					t.Errorf("%s puts the token into a query: %s", r.ID, field[1])
				}
			}
		}
	}
}

// checkShell splits a command as a POSIX shell does and wants the address of the
// channel as one of its words, and no character with a meaning left outside
// quotes.
func checkShell(t *testing.T, name, command string) {
	t.Helper()
	var words []string
	word, quoted := "", false
	for _, c := range strings.ReplaceAll(command, `'\''`, "\x01") {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '\x01':
			word += "'"
		case quoted:
			word += string(c)
		case c == ' ' || c == '\n' || c == '\\':
			words, word = append(words, word), ""
		case strings.ContainsRune("$`&|;<>()\"*?[]{}#~", c), c == '!' && word != "":
			t.Errorf("%q stands outside quotes in %s", c, command)
		default:
			word += string(c)
		}
	}
	words = append(words, word)
	for _, w := range words {
		_, address, found := strings.Cut(w, "https://gw.example/whip/")
		if got, err := url.PathUnescape(address); found && err == nil && got == name {
			return
		}
	}
	t.Errorf("no word of %s is the address of %q: %q", command, name, words)
}
