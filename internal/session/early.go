package session

import "github.com/headgate/headgate/internal/sdpfrag"

// earlyCandidates are those that a player sent before its answer to a counter-offer,
// by the ICE user name fragment they came with. The zero value is empty.
type earlyCandidates struct {
	lines map[string][]string
	end   map[string]bool
	count int
}

const (
	// maxEarly is how many candidates are kept, maxEarlyUfrags of how many ICE
	// sessions: a player has one, and perhaps one that it gave up.
	maxEarly       = 64
	maxEarlyUfrags = 4
)

// keep remembers what f has. What is too much is dropped: the player is found by its
// checks.
func (e *earlyCandidates) keep(f sdpfrag.Fragment) {
	if e.lines == nil {
		e.lines, e.end = make(map[string][]string), make(map[string]bool)
	}
	if _, known := e.lines[f.Ufrag]; !known && len(e.lines) == maxEarlyUfrags {
		return
	}
	list := e.lines[f.Ufrag]
	for _, sec := range f.Sections {
		for _, line := range sec.Candidates {
			if e.count < maxEarly {
				list = append(list, line)
				e.count++
			}
		}
	}
	e.lines[f.Ufrag] = list
	e.end[f.Ufrag] = e.end[f.Ufrag] || f.EndOfCandidates
}

// of returns those of an ICE session, and those that did not say.
func (e *earlyCandidates) of(ufrag string) []string {
	return append(append([]string(nil), e.lines[""]...), e.lines[ufrag]...)
}

// ended tells that there are no more of an ICE session.
func (e *earlyCandidates) ended(ufrag string) bool { return e.end[""] || e.end[ufrag] }
