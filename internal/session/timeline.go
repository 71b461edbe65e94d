package session

import (
	"strings"
	"sync"
	"time"
)

// FactKind names what happened to a session.
type FactKind string

// The facts of a timeline, in the order of a session that goes well.
const (
	FactRequest       FactKind = "request"
	FactVerdict       FactKind = "verdict"
	FactOffer         FactKind = "offer"
	FactAnswer        FactKind = "answer"
	FactCounterOffer  FactKind = "counter-offer"
	FactCandidates    FactKind = "candidates"
	FactRestart       FactKind = "ice-restart"
	FactConnection    FactKind = "connection"
	FactConnected     FactKind = "connected"
	FactFirstPacket   FactKind = "first-packet"
	FactFirstKeyFrame FactKind = "first-key-frame"
	FactRenewed       FactKind = "renewed"
	// FactBitrate warns that the publisher does not keep its cap.
	FactBitrate FactKind = "bitrate"
	FactEnd     FactKind = "end"
)

// Fact is one thing that happened. Detail is for people and holds no secret.
type Fact struct {
	At     time.Time
	Kind   FactKind
	Detail string
}

// maxFacts bounds a timeline; the first facts tell most, so later ones replace
// the last but one.
const maxFacts = 64

// Timeline is a bounded list of facts, safe for concurrent use.
type Timeline struct {
	mu      sync.Mutex
	facts   []Fact
	dropped int
}

// add appends a fact. When the list is full the newest replaces the one before
// it, so that beginning and end are always there.
func (t *Timeline) add(at time.Time, kind FactKind, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fact := Fact{At: at, Kind: kind, Detail: detail}
	if len(t.facts) < maxFacts {
		t.facts = append(t.facts, fact)
		return
	}
	t.facts[maxFacts-1] = fact
	t.dropped++
}

// Facts returns a copy, oldest first, and how many were left out.
func (t *Timeline) Facts() (facts []Fact, dropped int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Fact(nil), t.facts...), t.dropped
}

// reached tells how far the session got, in the words of the final log line: the
// last step of the connection until it was up, of the media afterwards.
func (t *Timeline) reached() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	far, up := "nothing", false
	for _, f := range t.facts {
		switch f.Kind {
		case FactConnected, FactFirstPacket, FactFirstKeyFrame:
			far, up = string(f.Kind), true
		case FactAnswer, FactCounterOffer:
			far = string(f.Kind)
		case FactConnection:
			if step, _, _ := strings.Cut(f.Detail, ":"); !up && isStep(step) {
				far = step
			}
		default: // not a step on the way
		}
	}
	return far
}

// isStep tells the events of a connection that lead on from those that describe.
func isStep(event string) bool {
	return strings.HasPrefix(event, "ice-") || strings.HasPrefix(event, "dtls-")
}
