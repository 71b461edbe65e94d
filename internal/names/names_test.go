package names_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/names"
)

// legal are the bytes of names, spelled out once more so that a change of the rule
// is noticed.
const legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" +
	" !#$%&()+-:;<=.,>?@[]^_{|}~\""

func TestValid(t *testing.T) {
	good := []string{"live", "a", "...a", "a..", "Room 1", "100%", "a+b", "~{x}|y", `say "hi"`, strings.Repeat("x", 64)}
	for _, name := range good {
		if err := names.Valid(name); err != nil {
			t.Errorf("Valid(%q) = %v, want nil", name, err)
		}
	}
	bad := []string{"", " ", " a", "a ", ".", "..", "...", "a/b", `a\b`, "a*b", "a'b", "a`b", "a\x00b", "a\nb", "a\x7fb",
		"é", "\xc0\xae", "\xff", strings.Repeat("x", 65)}
	for _, name := range bad {
		err := names.Valid(name)
		if !errors.Is(err, names.ErrBad) {
			t.Errorf("Valid(%q) = %v, want bad-name", name, err)
		}
		if f := fault.Of(err); f.Kind != fault.Invalid || f.Public == "" || strings.Contains(f.Public, "%!") {
			t.Errorf("Valid(%q): fault = %+v", name, f)
		}
	}
}

func TestValidEveryByte(t *testing.T) {
	for b := range 256 {
		name := "x" + string([]byte{byte(b)}) + "x"
		got, want := names.Valid(name) == nil, strings.IndexByte(legal, byte(b)) >= 0
		if got != want {
			t.Errorf("byte %#02x: legal = %v, want %v", b, got, want)
		}
	}
}

func TestSplitN014(t *testing.T) {
	tests := []struct {
		name, path string
		want       []string // nil: refused
	}{
		{"one name", "live", []string{"live"}},
		{"three names", "live/ann/screen", []string{"live", "ann", "screen"}},
		{"percent encoding", "%6Civ%65", []string{"live"}},
		{"lower case hex", "a%2fb%2Bc", nil},
		{"plus stays plus", "a+b", []string{"a+b"}},
		{"escaped plus is the same name", "a%2Bb", []string{"a+b"}},
		{"space", "Room%201", []string{"Room 1"}},
		{"question mark and hash escaped", "a%3Fb%23c", []string{"a?b#c"}},
		{"percent sign", "100%25", []string{"100%"}},
		{"unescaped once only", "%252e%252e", []string{"%2e%2e"}},
		{"dots in a name", "v1.2", []string{"v1.2"}},
		{"nothing", "", nil},
		{"trailing slash", "live/", nil},
		{"leading slash", "/live", nil},
		{"empty segment", "live//ann", nil},
		{"dot", "live/./ann", nil},
		{"dot dot", "live/../other", nil},
		{"escaped dot dot", "live/%2e%2e/other", nil},
		{"half escaped dot dot", ".%2E", nil},
		{"escaped slash", "live%2Fann", nil},
		{"doubly escaped slash is a name of its own", "live%252Fann", []string{"live%2Fann"}},
		{"escaped backslash", "a%5Cb", nil},
		{"NUL", "a%00", nil},
		{"CR LF", "a%0D%0Ab", nil},
		{"overlong UTF-8 of a dot", "%C0%AE%C0%AE", nil},
		{"overlong UTF-8 of a slash", "a%C0%AFb", nil},
		{"UTF-8", "caf%C3%A9", nil},
		{"broken escape", "a%zz", nil},
		{"cut escape", "a%2", nil},
		{"leading space", "%20a", nil},
		{"many segments", strings.Repeat("a/", 100) + "a", nil},
	}
	for _, tc := range tests {
		t.Run("N-014 "+tc.name, func(t *testing.T) {
			got, err := names.Split(tc.path)
			if tc.want == nil {
				if !errors.Is(err, names.ErrBad) || got != nil {
					t.Fatalf("Split(%q) = %q, %v, want bad-name", tc.path, got, err)
				}
				return
			}
			if err != nil || !slices.Equal(got, tc.want) {
				t.Fatalf("Split(%q) = %q, %v, want %q", tc.path, got, err, tc.want)
			}
		})
	}
}

// drawName draws a legal name.
func drawName(t *rapid.T) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune(legal)), 1, names.MaxBytes, names.MaxBytes).
		Filter(func(s string) bool { return strings.Trim(s, " ") == s && strings.Trim(s, ".") != "" }).
		Draw(t, "name")
}

// spell writes name in one of its spellings: every byte is escaped or not, and
// hexadecimal digits come in either case.
func spell(t *rapid.T, name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		must := c == '%' || c == '/'
		switch {
		case !must && rapid.Bool().Draw(t, "raw"):
			b.WriteByte(c)
		case rapid.Bool().Draw(t, "upper"):
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func TestEverySpellingIsTheSameName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(drawName), 1, 3).Draw(t, "names")
		var spelled []string
		for _, name := range want {
			spelled = append(spelled, spell(t, name))
		}
		path := strings.Join(spelled, "/")
		got, err := names.Split(path)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("Split(%q) = %q, %v, want %q", path, got, err, want)
		}
	})
}

func TestJoinSurvivesSplitAndURL(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(drawName), 1, 3).Draw(t, "names")
		joined := names.Join(want...)
		if strings.Trim(joined, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%/") != "" {
			t.Fatalf("Join(%q) = %q has bytes that are not unreserved", want, joined)
		}
		u, err := url.Parse("http://gateway/whip/" + joined)
		if err != nil {
			t.Fatal(err)
		}
		got, err := names.Split(strings.TrimPrefix(u.EscapedPath(), "/whip/"))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("after a URL: %q, %v, want %q", got, err, want)
		}
	})
}

func TestJoin(t *testing.T) {
	if got, want := names.Join("Room 1", "a+b", "x/y"), "Room%201/a%2Bb/x%2Fy"; got != want {
		t.Errorf("Join = %q, want %q", got, want)
	}
}

func TestGuestID(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		id := names.GuestID()
		if rest, ok := strings.CutPrefix(id, "guest-"); !ok || len(rest) != 8 || names.Valid(id) != nil || seen[id] {
			t.Fatalf("GuestID() = %q", id)
		}
		seen[id] = true
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"live", "a/b/c", "%2e%2e", "a%2Fb", "a%", "%C0%AE", " a ", "a+b/c%20d", "//", "%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		segments, err := names.Split(path)
		if err != nil {
			if !errors.Is(err, names.ErrBad) {
				t.Fatalf("Split(%q): %v is not bad-name", path, err)
			}
			return
		}
		for _, s := range segments {
			if names.Valid(s) != nil {
				t.Fatalf("Split(%q) let %q through", path, s)
			}
		}
		again, err := names.Split(names.Join(segments...))
		if err != nil || !slices.Equal(again, segments) {
			t.Fatalf("Split(%q) = %q, but after Join %q, %v", path, segments, again, err)
		}
	})
}
