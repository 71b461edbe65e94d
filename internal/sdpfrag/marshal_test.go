package sdpfrag

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMarshalN132RestartAnswer(t *testing.T) {
	f := Fragment{
		Lite: true, Ufrag: ufrag, Pwd: pwd, Options: []string{"trickle", "ice2"}, Group: "BUNDLE 0 1", EndOfCandidates: true,
		Sections: []Section{{Media: "audio 9 UDP/TLS/RTP/SAVPF 111", Mid: "0", Candidates: []string{"1 1 udp 2130706431 203.0.113.5 3478 typ host"}}},
	}
	want := crlf("a=ice-lite", "a=ice-options:trickle ice2", "a=group:BUNDLE 0 1",
		"m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=ice-ufrag:"+ufrag, "a=ice-pwd:"+pwd,
		"a=candidate:1 1 udp 2130706431 203.0.113.5 3478 typ host", "a=end-of-candidates")
	if got := string(f.Marshal()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMarshalWithoutSections(t *testing.T) {
	f := Fragment{Ufrag: ufrag, Pwd: pwd, Pacing: "50", EndOfCandidates: true}
	want := crlf("a=ice-pacing:50", "a=ice-ufrag:"+ufrag, "a=ice-pwd:"+pwd, "a=end-of-candidates")
	if got := string(f.Marshal()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMarshalUsesTheDefaultMediaLine(t *testing.T) {
	f := Fragment{Sections: []Section{{Mid: "video0", Candidates: []string{host}}}}
	if got, want := string(f.Marshal()), crlf("m=audio 9 RTP/AVP 0", "a=mid:video0", "a=candidate:"+host); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Q-MED-2: this client finds lines by these expressions, the last one too.
func TestMarshalIsFoundByRegularExpressions(t *testing.T) {
	b := Fragment{Ufrag: ufrag, Pwd: pwd, Sections: []Section{{Mid: "0", Candidates: []string{host}}}}.Marshal()
	for expr, want := range map[string]string{
		`a=ice-ufrag:(.*)\r\n`: ufrag,
		`a=ice-pwd:(.*)\r\n`:   pwd,
		`a=candidate:(.*)\r\n`: host,
	} {
		m := regexp.MustCompile(expr).FindSubmatch(b)
		if m == nil || string(m[1]) != want {
			t.Errorf("%s finds %q, want %q", expr, m, want)
		}
	}
}

func drawFragment(t *rapid.T) Fragment {
	word := rapid.StringMatching(`[a-zA-Z0-9+/.-]{1,12}`)
	f := Fragment{
		Lite:            rapid.Bool().Draw(t, "lite"),
		Ufrag:           rapid.StringMatching(`|[a-zA-Z0-9+/]{4,40}`).Draw(t, "ufrag"),
		Pwd:             rapid.StringMatching(`|[a-zA-Z0-9+/]{22,60}`).Draw(t, "pwd"),
		Options:         rapid.SliceOfNDistinct(word, 0, 3, rapid.ID[string]).Draw(t, "options"),
		Pacing:          rapid.StringMatching(`|[0-9]{1,10}`).Draw(t, "pacing"),
		Group:           rapid.StringMatching(`|BUNDLE( [a-z0-9]{1,5}){0,3}`).Draw(t, "group"),
		EndOfCandidates: rapid.Bool().Draw(t, "end"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "sections") {
		f.Sections = append(f.Sections, Section{
			Media:      rapid.StringMatching(`(audio|video|application) [0-9]{1,5} [A-Z/]{1,12}( [0-9]{1,3}){1,4}`).Draw(t, "media"),
			Mid:        rapid.StringMatching(`|[a-z0-9]{1,8}`).Draw(t, "mid"),
			Candidates: rapid.SliceOfN(rapid.StringMatching(`[a-z0-9:.]{1,9}( [a-z0-9:.]{1,9}){0,9}`), 0, 4).Draw(t, "candidates"),
		})
	}
	return f
}

// normal makes empty and nil slices equal.
func normal(f Fragment) Fragment {
	if len(f.Options) == 0 {
		f.Options = nil
	}
	sections := f.Sections
	f.Sections = nil
	for _, s := range sections {
		if len(s.Candidates) == 0 {
			s.Candidates = nil
		}
		f.Sections = append(f.Sections, s)
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFragment(t)
		b := f.Marshal()
		if len(b) == 0 {
			t.Skip("nothing to print")
		}
		checkWire(t, b)
		got, err := Parse(b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if !reflect.DeepEqual(normal(got), normal(f)) {
			t.Fatalf("got  %+v\nwant %+v\n%s", got, f, b)
		}
	})
}

// checkWire holds for everything we print: CRLF everywhere, the mid directly
// after its m= line, no session-level line after the first section.
func checkWire(t interface{ Fatalf(string, ...any) }, b []byte) {
	if bytes.Count(b, []byte("\n")) != bytes.Count(b, []byte("\r\n")) || !bytes.HasSuffix(b, []byte("\r\n")) {
		t.Fatalf("line ends: %q", b)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\r\n"), "\r\n")
	section := false
	for i, line := range lines {
		section = section || strings.HasPrefix(line, "m=")
		if strings.HasPrefix(line, "a=mid:") && !strings.HasPrefix(lines[i-1], "m=") {
			t.Fatalf("mid after %q", lines[i-1])
		}
		if section && (strings.HasPrefix(line, "a=group:") || strings.HasPrefix(line, "a=ice-options:") || line == "a=ice-lite") {
			t.Fatalf("%q inside a section", line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(crlf("a=ice-ufrag:"+ufrag, "a=ice-pwd:"+pwd, "m=audio 9 RTP/AVP 0", "a=mid:0", "a=candidate:"+host, "a=end-of-candidates")))
	f.Add([]byte("a=ice-lite\na=ice-options:trickle\na=candidate:x\nm=video 9 x 0\na=candidate:y"))
	f.Add([]byte("m=garbage"))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := Parse(b)
		if err != nil {
			return
		}
		printed := first.Marshal()
		if len(printed) == 0 {
			return
		}
		checkWire(t, printed)
		second, err := Parse(printed)
		if err != nil && len(printed) <= MaxBytes {
			t.Fatalf("cannot read what was printed: %v\n%q", err, printed)
		}
		if err == nil && !bytes.Equal(second.Marshal(), printed) {
			t.Fatalf("not stable:\n%q\n%q", printed, second.Marshal())
		}
	})
}
