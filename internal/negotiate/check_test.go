package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

// checkAnswer holds what every answer to every offer has to obey.
func checkAnswer(t *testing.T, offer, text string) {
	t.Helper()
	checkWhole(t, text)
	o, a := parsed(t, offer), parsed(t, text)
	if len(a.MediaDescriptions) != len(o.MediaDescriptions) {
		t.Fatalf("N-029 %d sections for %d", len(a.MediaDescriptions), len(o.MediaDescriptions))
	}
	for i, m := range a.MediaDescriptions {
		for _, problem := range compareSections(o.MediaDescriptions[i], m) {
			t.Errorf("T-44 section %d: %s\n%s", i, problem, text)
		}
	}
	checkGroup(t, o, a)
}

// checkWhole looks at the text as clients that search it do.
func checkWhole(t *testing.T, text string) {
	t.Helper()
	if !strings.HasPrefix(text, "v=0\r\n") || !strings.HasSuffix(text, "\r\n") || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Errorf("N-039 first line or line ends:\n%q", text)
	}
	if len(text) >= DefaultMaxAnswerBytes && !strings.Contains(text, "a=msid:slot-") {
		t.Errorf("N-063 %d bytes", len(text))
	}
	for _, want := range []string{"a=ice-options:trickle ice2", "a=end-of-candidates"} {
		if !hasLine(text, want) {
			t.Errorf("N-059 N-060 no %s", want)
		}
	}
	candidates := linesWith(text, "a=candidate:")
	if len(candidates) == 0 || strings.Fields(candidates[0])[1] != "1" || !strings.Contains(candidates[0], " udp ") || !strings.Contains(candidates[0], " typ host") {
		t.Errorf("T-45 candidates %q", candidates)
	}
	for _, c := range candidates {
		if strings.Fields(c)[1] != "1" || strings.Contains(c, ".local") || strings.Contains(c, "ufrag") {
			t.Errorf("T-45 %q", c)
		}
	}
}

func compareSections(o, a *sdp.MediaDescription) []string {
	var problems []string
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if a.MediaName.Media != o.MediaName.Media || strings.Join(a.MediaName.Protos, "/") != strings.Join(o.MediaName.Protos, "/") {
		wrong("another sort of section")
	}
	if mid(o) != mid(a) {
		wrong("N-062 mid %q for %q", mid(a), mid(o))
	}
	for _, f := range a.MediaName.Formats {
		if !slices.Contains(o.MediaName.Formats, f) {
			wrong("N-029 payload type %s was not offered", f)
		}
	}
	if a.MediaName.Port.Value == 0 {
		return problems
	}
	for _, key := range []string{"rtpmap", "rtcp-fb", "extmap", "fmtp", "ssrc", "rid"} {
		for _, p := range compareLines(key, o, a) {
			wrong("%s", p)
		}
	}
	if len(values(a, "rtcp-rsize")) > len(values(o, "rtcp-rsize")) {
		wrong("a=rtcp-rsize was not offered")
	}
	for _, key := range requiredIn(a) {
		if n := len(values(a, key)); n != 1 {
			wrong("%d times a=%s", n, key)
		}
	}
	return problems
}

func requiredIn(a *sdp.MediaDescription) []string {
	keys := []string{"setup", "ice-ufrag", "ice-pwd"}
	if a.MediaName.Media != "application" {
		keys = append(keys, "rtcp-mux")
	}
	return keys
}

// compareLines finds duplicates and lines that were not offered.
func compareLines(key string, o, a *sdp.MediaDescription) []string {
	var problems []string
	offered, seen := values(o, key), make(map[string]bool)
	for _, v := range values(a, key) {
		if seen[v] {
			problems = append(problems, "M-103 twice "+key+":"+v)
		}
		seen[v] = true
		switch key {
		case "rtcp-fb", "extmap":
			pt, rest, _ := strings.Cut(v, " ")
			id, _, _ := strings.Cut(pt, "/")
			if !slices.ContainsFunc(offered, func(w string) bool {
				return strings.HasSuffix(w, " "+rest) && (strings.HasPrefix(w, id+" ") || strings.HasPrefix(w, id+"/"))
			}) {
				problems = append(problems, "N-029 not offered "+key+":"+v)
			}
		case "rtpmap":
			if !slices.ContainsFunc(offered, func(w string) bool { return strings.EqualFold(strings.TrimSuffix(w, "/1"), v) }) {
				problems = append(problems, "N-029 not offered "+key+":"+v)
			}
		}
	}
	return problems
}

func values(m *sdp.MediaDescription, key string) []string {
	var out []string
	for _, a := range m.Attributes {
		if a.Key == key {
			out = append(out, a.Value)
		}
	}
	return out
}

func mid(m *sdp.MediaDescription) string {
	v, _ := m.Attribute("mid")
	return v
}

// checkGroup holds N-050 and N-052: the accepted mids in the offered order, and
// candidates in the tagged section only.
func checkGroup(t *testing.T, o, a *sdp.SessionDescription) {
	t.Helper()
	group, _ := a.Attribute("group")
	offered, _ := o.Attribute("group")
	var want []string
	for _, tag := range strings.Fields(offered)[1:] {
		for _, m := range a.MediaDescriptions {
			if mid(m) == tag && m.MediaName.Port.Value != 0 {
				want = append(want, tag)
			}
		}
	}
	if group != "BUNDLE "+strings.Join(want, " ") {
		t.Errorf("N-050 group %q, want %q", group, want)
	}
	for _, m := range a.MediaDescriptions {
		if len(values(m, "candidate")) > 0 != (mid(m) == want[0]) {
			t.Errorf("N-064 candidates in section %s", mid(m))
		}
	}
}
