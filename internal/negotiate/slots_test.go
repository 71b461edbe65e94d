package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// withSlots is a policy that lets players have slots.
func withSlots(p PlayPolicy, most int) PlayPolicy {
	p.MaxSections = most
	return p
}

func TestSlotsAnswerEveryCodecInEverySection(t *testing.T) {
	live := withSlots(waitingChannel(), 9)
	live.Video.Codecs = append([]router.Codec{video(router.VP8, "")}, live.Video.Codecs...)
	live.Audio.Codecs = []router.Codec{{Name: router.PCMU, ClockRate: 8000}, opus("")}
	live.Audio.Absent = true // the channel lacks sound now; a slot may have it later
	p := mustPlay(t, offers.WithSections(offers.Get("firefox-play"), 3, 2), live)
	want := []string{
		"a0 slot 0 [109]", "v0 slot 0 [120 124 126 127 121 125]",
		"a1 slot 1 [109]", "v1 slot 1 [120 124 126 127 121 125]",
		"a2 slot 2 [109]",
	}
	var got []string
	for _, s := range p.Sections {
		if s.Answer != sendonly || s.Rejected {
			t.Errorf("section %s is %s", s.Mid, s.Answer)
		}
		got = append(got, fmt.Sprintf("%s slot %d %d", s.Mid, s.Slot, s.numbers()))
	}
	if !p.Slots || !slices.Equal(got, want) {
		t.Errorf("slots %v: %q, want %q", p.Slots, got, want)
	}
}

func TestOnePairOfSectionsHasNoSlots(t *testing.T) {
	for _, name := range players {
		plain, policy := mustPlay(t, offers.Get(name), liveChannel()), withSlots(liveChannel(), 9)
		with := mustPlay(t, offers.Get(name), policy)
		if with.Slots || with.SDP != plain.SDP || describe(with) != describe(plain) {
			t.Errorf("%s: a plain offer is answered %q, without slots %q", name, describe(with), describe(plain))
		}
	}
}

func TestSlotsAreRefused(t *testing.T) {
	chrome := offers.Get("chrome-play")
	three := offers.WithSections(chrome, 3, 3)
	// the second video section says VP8 under the number of the first one's H.264
	at := strings.LastIndex(three, "m=video")
	clash := three[:at] + edit(t, three[at:], ":109 H264/90000", ":109 VP8/90000", ":96 VP8/90000", ":96 x/90000")
	cases := []struct {
		name, offer string
		most        int
		want        *fault.Error
		says        string
	}{
		{"N-061 a publication has one section of a kind", three, 1, ErrTooManySections, "address of the channel or of a participant"},
		{"no slots at all", three, 0, ErrTooManySections, "one session for each picture"},
		{"too many", three, 2, ErrTooManySections, "The offer has 3 audio sections, which would be as many slots; there are 2 at most."},
		{"too many of one kind", offers.WithSections(chrome, 1, 3), 2, ErrTooManySections, "3 video sections"},
		{"no BUNDLE", without(t, three, "a=group"), 3, ErrNoBundle, ""},
		{"one section outside", edit(t, three, " v2", ""), 3, ErrNoBundle, ""},
		{"9143 10.1.2 one number, two codecs", clash, 3, ErrBadOffer, "Payload type 109"},
		{"a codec nobody has", edit(t, offers.WithSections(chrome, 2, 2), "opus/48000/2", "multiopus/48000/6"), 3, ErrCodecUnsupported, "opus audio"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := mustParse(t, c.offer).ForPlay(withSlots(waitingChannel(), c.most))
			if got := wantFault(t, err, c.want); !strings.Contains(got.Public, c.says) {
				t.Errorf("%q does not say %q", got.Public, c.says)
			}
		})
	}
}

func TestSlotsCountWhatIsAnswered(t *testing.T) {
	offer := offers.WithSections(offers.Get("chrome-play"), 3, 3)
	first := strings.Index(offer, "m=video")
	disabled := offer[:first] + edit(t, offer[first:first+10], "m=video 9", "m=video 0") + offer[first+10:]
	p := mustPlay(t, disabled, withSlots(waitingChannel(), 3))
	var got []string
	for _, s := range p.Sections {
		if s.Rejected {
			got = append(got, s.Mid+" -")
			continue
		}
		got = append(got, fmt.Sprint(s.Mid, " ", s.Slot))
	}
	if want := "a0 0,v0 -,a1 1,v1 0,a2 2,v2 1"; strings.Join(got, ",") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestSlotsOfTheStack answers with the real stack: each slot is a stream of its own,
// with one CNAME, and nothing is left out of the answer.
func TestSlotsOfTheStack(t *testing.T) {
	for _, name := range players {
		for _, n := range []struct{ audio, video int }{{3, 3}, {1, 4}, {4, 1}, {32, 32}} {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				offer := offers.WithSections(offers.Get(name), n.audio, n.video)
				plan := mustPlay(t, offer, withSlots(waitingChannel(), 32))
				text := finished(t, plan, DefaultAnswerOptions())
				checkAnswer(t, offer, text)
				checkSlotStreams(t, plan, text)
				if got := len(linesWith(text, "a=sendonly")); got != n.audio+n.video {
					t.Errorf("%d sections are sendonly", got)
				}
			})
		}
	}
}

func checkSlotStreams(t *testing.T, plan *Plan, text string) {
	t.Helper()
	cnames, ssrcs := make(map[string]bool), make(map[string]bool)
	for i, s := range plan.Sections {
		stream := fmt.Sprintf("slot-%d ", s.Slot)
		part := section(t, text, i)
		if msids := linesWith(part, "a=msid:"); len(msids) != 1 || !strings.HasPrefix(msids[0], "a=msid:"+stream) {
			t.Errorf("section %s: %q, want %q", s.Mid, msids, stream)
		}
		for _, l := range linesWith(part, "a=ssrc:") {
			ssrc, attribute, _ := strings.Cut(l, " ")
			if cname, ok := strings.CutPrefix(attribute, "cname:"); ok {
				if ssrcs[ssrc] {
					t.Errorf("%s stands in two sections", ssrc)
				}
				cnames[cname], ssrcs[ssrc] = true, true
			} else if !strings.HasPrefix(attribute, "msid:"+stream) {
				t.Errorf("section %s: %q", s.Mid, l)
			}
		}
	}
	if len(cnames) != 1 || len(ssrcs) < len(plan.Sections) {
		t.Errorf("M-072 CNAMEs %v of %d SSRCs", cnames, len(ssrcs))
	}
}

// TestSlotsWithNumbersOfTheirOwn is a player that numbers each section anew, as
// GStreamer may.
func TestSlotsWithNumbersOfTheirOwn(t *testing.T) {
	offer := offers.WithSections(offers.Get("gstreamer-play"), 2, 2)
	at := strings.LastIndex(offer, "m=audio")
	second := edit(t, offer[at:], "SAVPF 96", "SAVPF 112", ":96 ", ":112 ", "SAVPF 101 102 103 104", "SAVPF 113 114 115 116",
		":101 ", ":113 ", ":102 ", ":114 ", ":103 ", ":115 ", ":104 ", ":116 ")
	plan := mustPlay(t, offer[:at]+second, withSlots(waitingChannel(), 2))
	text := finished(t, plan, DefaultAnswerOptions())
	wantLines(t, text, "a=rtpmap:102 H264/90000", "a=rtpmap:114 H264/90000", "a=rtpmap:101 VP8/90000", "a=rtpmap:113 VP8/90000")
	checkSlotStreams(t, plan, text)
}

// TestSlotsKeepAllCandidates: the buffer that answers have to fit into is that of
// FFmpeg, which has no slots.
func TestSlotsKeepAllCandidates(t *testing.T) {
	plan := mustPlay(t, offers.WithSections(offers.Get("chrome-play"), 9, 9), withSlots(waitingChannel(), 9))
	local := answer(t, newStack(t).open(t), plan, plan.SDP)
	line := linesWith(local, "a=candidate:")[0]
	local = strings.Replace(local, line, line+"\r\n"+strings.Replace(line, "127.0.0.1", "192.0.2.1", 1), 1)
	text, err := plan.Finish(local, DefaultAnswerOptions())
	if err != nil || len(text) <= DefaultMaxAnswerBytes || strings.Count(string(text), "a=candidate:") != 2 {
		t.Errorf("%d bytes, candidates %q, %v", len(text), linesWith(string(text), "a=candidate:"), err)
	}
}

func TestSummaryCountsAlikeSections(t *testing.T) {
	o := mustParse(t, offers.WithSections(offers.Get("gstreamer-play"), 9, 9))
	const want = "9 times audio recvonly opus + 9 times video recvonly VP8,H264,VP9,H265"
	if got := o.Summary(); !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if d := o.Describe(); len(d.Video) != 4 || len(d.Audio) != 1 {
		t.Errorf("%+v", d)
	}
}

func BenchmarkPlaySlots(b *testing.B) {
	for _, n := range []int{3, 9, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text, policy := []byte(offers.WithSections(offers.Get("chrome-play"), n, n)), withSlots(waitingChannel(), n)
			b.ReportAllocs()
			for b.Loop() {
				o, err := ParseOffer(text)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := o.ForPlay(policy); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
