package negotiate

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
	"pgregory.net/rapid"
)

// TestMangledOffers deletes, repeats, moves and exchanges whole lines: what
// bytes flipped at random hardly ever do. Whatever is left of the offer, it is
// refused properly or its plan is sound.
func TestMangledOffers(t *testing.T) {
	var pool []string
	for _, name := range offers.Names() {
		pool = append(pool, strings.SplitAfter(strings.TrimSuffix(offers.Get(name), "\r\n"), "\r\n")...)
	}
	accepted := 0
	rapid.Check(t, func(r *rapid.T) {
		offer := offers.Get(rapid.SampledFrom(offers.Names()).Draw(r, "offer"))
		if n := rapid.IntRange(1, 4).Draw(r, "slots"); n > 1 {
			offer = offers.WithSections(offer, n, rapid.IntRange(1, 4).Draw(r, "pictures"))
		}
		text := mangle(r, offer, pool)
		o, err := ParseOffer([]byte(text))
		if err != nil {
			refusedProperly(t, err)
			return
		}
		publish := func(o *Offer) (*Plan, error) { return o.ForPublish(anyPublisher) }
		play := func(o *Offer) (*Plan, error) { return o.ForPlay(withSlots(waitingChannel(), mangledSlots)) }
		for _, decide := range []func(*Offer) (*Plan, error){publish, play} {
			plan, err := decide(o)
			checkPlan(t, plan, err, decide)
			if err == nil {
				accepted++
				checkSections(r, o, plan)
			}
		}
	})
	if accepted == 0 {
		t.Error("every mangled offer was refused")
	}
}

func mangle(r *rapid.T, text string, pool []string) string {
	lines := strings.SplitAfter(text, "\r\n")
	for range rapid.IntRange(0, 4).Draw(r, "edits") {
		at := rapid.IntRange(0, len(lines)-2).Draw(r, "at")
		switch rapid.SampledFrom([]string{"delete", "repeat", "move", "insert", "replace"}).Draw(r, "edit") {
		case "delete":
			lines = slices.Delete(lines, at, at+1)
		case "repeat":
			lines = slices.Insert(lines, at, lines[at])
		case "move":
			l := lines[at]
			to := rapid.IntRange(0, len(lines)-2).Draw(r, "to")
			lines = slices.Insert(slices.Delete(lines, at, at+1), to, l)
		case "insert":
			lines = slices.Insert(lines, at, rapid.SampledFrom(pool).Draw(r, "line"))
		case "replace":
			lines[at] = rapid.SampledFrom(pool).Draw(r, "line")
		}
	}
	return strings.Join(lines, "")
}

// mangledSlots is how many slots mangled offers may have.
const mangledSlots = 5

// checkSlots holds how slots are numbered: by kind, in the order of the offer, without
// gaps.
func checkSlots(r *rapid.T, o *Offer, p *Plan) {
	next := make(map[router.Kind]int)
	for _, s := range p.Sections {
		if s.Application || s.Rejected || !p.Slots {
			continue
		}
		if s.Slot != next[s.Kind] {
			r.Fatalf("the %v section of slot %d is taken for that of %d", s.Kind, next[s.Kind], s.Slot)
		}
		next[s.Kind]++
		for _, pt := range s.PayloadTypes {
			if s.Answer == sendonly && s.Kind == router.Audio && pt.Codec.Name != router.Opus {
				r.Fatalf("a slot plays %s", pt.Codec.Name)
			}
		}
	}
	if p.Slots && !o.HasSlots() {
		r.Fatal("slots for one section of a kind")
	}
}

// checkSections holds what callers rely on.
func checkSections(r *rapid.T, o *Offer, p *Plan) {
	if len(p.Sections) != len(o.sections) {
		r.Fatalf("%d sections for %d", len(p.Sections), len(o.sections))
	}
	carrying := 0
	for i, s := range p.Sections {
		if s.Index != i || s.Mid != o.sections[i].mid && !s.midless {
			r.Fatalf("section %d is %d %q", i, s.Index, s.Mid)
		}
		if !s.Rejected && !s.Application && len(s.PayloadTypes) == 0 {
			r.Fatalf("section %d has no payload type", i)
		}
		if s.Answer == sendonly || s.Answer == recvonly {
			carrying++
		}
		for uri, id := range s.Extensions {
			if !strings.Contains(p.SDP, uri) || id == 0 {
				r.Fatalf("extension %s is %d", uri, id)
			}
		}
	}
	if carrying == 0 || carrying > 2 && !p.Slots || carrying > 2*mangledSlots {
		r.Fatalf("%d sections carry media", carrying)
	}
	checkSlots(r, o, p)
}
