package session

import (
	"fmt"
	"slices"
	"testing"

	"github.com/headgate/headgate/internal/sdpfrag"
)

func early(ufrag string, end bool, lines ...string) sdpfrag.Fragment {
	return sdpfrag.Fragment{Ufrag: ufrag, EndOfCandidates: end, Sections: []sdpfrag.Section{{Mid: "0", Candidates: lines}}}
}

func TestW09EarlyCandidatesGoToTheirICESession(t *testing.T) {
	var e earlyCandidates
	if len(e.of("a")) != 0 || e.ended("a") {
		t.Error("nothing came, and something is there")
	}
	e.keep(early("a", false, "1"))
	e.keep(early("b", true, "2"))
	e.keep(early("", false, "3"))
	e.keep(early("a", true, "4"))
	if got := e.of("a"); !slices.Equal(got, []string{"3", "1", "4"}) || !e.ended("a") {
		t.Errorf("a: %q, ended %t", got, e.ended("a"))
	}
	if got := e.of("c"); !slices.Equal(got, []string{"3"}) || e.ended("c") {
		t.Errorf("c: %q", got)
	}
}

func TestEarlyCandidatesAreBounded(t *testing.T) {
	var e earlyCandidates
	for i := range 100 {
		e.keep(early("a", false, fmt.Sprint(i)))
		e.keep(early(fmt.Sprint("ufrag", i), false))
	}
	if n := len(e.of("a")); n != maxEarly {
		t.Errorf("%d candidates are kept", n)
	}
	if len(e.lines) != maxEarlyUfrags {
		t.Errorf("of %d ICE sessions", len(e.lines))
	}
}
