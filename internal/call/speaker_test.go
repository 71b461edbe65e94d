package call

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/router"
)

const (
	lookEvery = 100 * time.Millisecond
	testHold  = 1500 * time.Millisecond
)

var talkStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sound makes levels, by the time since a sound began.
type sound func(at time.Duration, r *rand.Rand) uint8

// The sounds of tests, as medians over 100 ms show them.
var (
	silence sound = func(time.Duration, *rand.Rand) uint8 { return 90 }
	// speech has syllables, and a pause for breath every two seconds.
	speech sound = func(at time.Duration, r *rand.Rand) uint8 {
		if at%(2*time.Second) >= 1700*time.Millisecond {
			return 75
		}
		return uint8(30 + r.IntN(14))
	}
	// lecture has a short pause only, between two words, every 1.3 seconds.
	lecture sound = func(at time.Duration, r *rand.Rand) uint8 {
		if at%(1300*time.Millisecond) == 1200*time.Millisecond {
			return 70
		}
		return uint8(25 + r.IntN(10))
	}
	hum   sound = func(_ time.Duration, r *rand.Rand) uint8 { return uint8(44 + r.IntN(3)) }
	noisy sound = func(at time.Duration, r *rand.Rand) uint8 { return min(speech(at, r), hum(at, r)) }
	// keys shows strokes only now and then: the median leaves most of them out.
	keys sound = func(_ time.Duration, r *rand.Rand) uint8 {
		if r.IntN(10) == 0 {
			return 45
		}
		return 80
	}
	cough sound = func(at time.Duration, _ *rand.Rand) uint8 {
		if at < 400*time.Millisecond {
			return 20
		}
		return 90
	}
)

// part is somebody making a sound for a time.
type part struct {
	who      string
	from, to time.Duration
	sound    sound
}

// conversation is a speaker that hears parts.
type conversation struct {
	*speaker
	parts  []part
	people []string
	// blind have no picture.
	blind []string
	r     *rand.Rand
	at    time.Duration
	log   []string // what changed, by the tenth of a second
}

func converse(parts ...part) *conversation {
	c := &conversation{speaker: newSpeaker(testHold), parts: parts, r: rand.New(rand.NewPCG(1, 2))}
	for _, p := range parts {
		if !slices.Contains(c.people, p.who) {
			c.people = append(c.people, p.who)
		}
	}
	return c
}

func (c *conversation) step() {
	var samples []sample
	for _, who := range c.people {
		m := sample{Cast: router.Cast{Participant: who, Source: "main"}, level: silence(0, c.r), known: true, picture: !slices.Contains(c.blind, who)}
		for _, p := range c.parts {
			if p.who == who && c.at >= p.from && c.at < p.to {
				m.level = p.sound(c.at-p.from, c.r)
			}
		}
		samples = append(samples, m)
	}
	heard, seen := c.heard.Participant, c.seen
	c.look(talkStart.Add(c.at), samples)
	if c.heard.Participant != heard {
		c.log = append(c.log, fmt.Sprintf("%.1f hear %s", c.at.Seconds(), c.heard.Participant))
	}
	if c.seen != seen {
		c.log = append(c.log, fmt.Sprintf("%.1f see %s", c.at.Seconds(), c.seen))
	}
	c.at += lookEvery
}

func (c *conversation) until(end time.Duration) *conversation {
	for c.at < end {
		c.step()
	}
	return c
}

// sec is seconds.
func sec(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// TestConversations: who is heard, and who is seen, in conversations of a few seconds.
func TestConversations(t *testing.T) {
	for name, c := range map[string]struct {
		parts []part
		want  string
	}{
		"nobody speaks": {[]part{{"ann", 0, sec(20), silence}}, ""},
		"the first is seen and heard at once": {
			[]part{{"ann", sec(1), sec(10), speech}, {"bob", 0, 0, nil}}, "1.2 hear ann, 1.2 see ann"},
		"the sound follows at once, the picture after the hold": {
			[]part{{"ann", 0, sec(4.6), speech}, {"bob", sec(6), sec(10), speech}},
			"0.3 hear ann, 0.3 see ann, 6.2 hear bob, 7.7 see bob"},
		"the other answers at once": {
			[]part{{"ann", 0, sec(5.7), speech}, {"bob", sec(5.7), sec(10), speech}},
			"0.3 hear ann, 0.3 see ann, 6.0 hear bob, 7.5 see bob"},
		"silence changes nothing": {
			[]part{{"ann", 0, sec(4), speech}, {"bob", sec(60), sec(60), nil}}, "0.3 hear ann, 0.3 see ann"},
		"a cough into a speech": {
			[]part{{"ann", 0, sec(10), speech}, {"bob", sec(3), sec(10), cough}}, "0.3 hear ann, 0.3 see ann"},
		"a cough into a pause for breath": {
			[]part{{"ann", 0, sec(10), speech}, {"bob", sec(3.7), sec(10), cough}}, "0.3 hear ann, 0.3 see ann"},
		"a cough into silence is heard, not seen": {
			[]part{{"ann", 0, sec(3.6), speech}, {"bob", sec(6), sec(10), cough}}, "0.3 hear ann, 0.3 see ann, 6.2 hear bob"},
		"a word of agreement": {
			[]part{{"ann", 0, sec(10), speech}, {"bob", sec(3.2), sec(3.8), speech}}, "0.3 hear ann, 0.3 see ann"},
		"somebody types": {
			[]part{{"ann", 0, sec(10), speech}, {"bob", 0, sec(30), keys}}, "0.3 hear ann, 0.3 see ann"},
		"somebody types and nobody speaks": {
			[]part{{"ann", 0, sec(1), silence}, {"bob", 0, sec(60), keys}}, ""},
		"a fan is taken for a voice once, for seconds": {
			[]part{{"fan", 0, sec(60), hum}, {"ann", sec(10), sec(20), speech}}, "0.3 hear fan, 0.3 see fan, 10.2 hear ann, 11.7 see ann"},
		"a voice above its fan": {
			[]part{{"ann", 0, sec(8), speech}, {"bob", 0, sec(60), hum}, {"bob", sec(10), sec(20), noisy}, {"cyd", 0, 0, nil}},
			"0.3 hear ann, 0.3 see ann, 10.5 hear bob, 12.1 see bob"},
		"two at once: the first keeps it": {
			[]part{{"ann", 0, sec(20), lecture}, {"bob", sec(2), sec(20), lecture}}, "0.3 hear ann, 0.3 see ann"},
		"two who talk alike take turns at pauses only": {
			[]part{{"ann", 0, sec(1.5), speech}, {"bob", sec(1), sec(5), lecture}}, "0.3 hear ann, 0.3 see ann, 1.8 hear bob, 3.3 see bob"},
		"clearly out-talked": {
			[]part{{"ann", 0, sec(20), func(at time.Duration, r *rand.Rand) uint8 {
				if at%sec(0.6) < sec(0.3) {
					return 60
				}
				return uint8(45 + r.IntN(3))
			}}, {"bob", sec(5), sec(20), lecture}}, "0.5 hear ann, 0.5 see ann, 6.5 hear bob, 8.0 see bob"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(converse(c.parts...).until(sec(30)).log, ", ")
			if got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSpeakerProperties: whatever is heard, the rules hold.
func TestSpeakerProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sp := newSpeaker(testHold)
		now := talkStart
		var seenSince time.Time
		casts := []router.Cast{{Participant: "a", Source: "main"}, {Participant: "b", Source: "main"}, {Participant: "b", Source: "screen"}, {Participant: "c", Source: "main"}}
		levels := make([]uint8, len(casts))
		for range rapid.IntRange(1, 300).Draw(rt, "looks") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 50, 100, 100, 100, 100, 150, 3000}).Draw(rt, "ms")) * time.Millisecond)
			var samples []sample
			for i, c := range casts {
				if rapid.IntRange(0, 5).Draw(rt, "change") == 0 {
					levels[i] = rapid.SampledFrom([]uint8{0, 30, 30, 30, 50, 80, 127, 255}).Draw(rt, "level")
				}
				m := sample{Cast: c, level: levels[i], known: levels[i] != 50, picture: c.Participant != "c", mute: levels[i] == 80}
				if rapid.IntRange(0, 60).Draw(rt, "gone") > 0 {
					samples = append(samples, m)
				}
			}
			before, heard := sp.seen, sp.heard
			sp.look(now, samples)
			there := func(match func(sample) bool) bool { return slices.ContainsFunc(samples, match) }
			pictured := func(who string) bool {
				return there(func(m sample) bool { return m.Participant == who && m.picture })
			}
			switch {
			case sp.heard != (router.Cast{}) && !there(func(m sample) bool { return m.Cast == sp.heard }):
				rt.Fatalf("%v is heard and not there", sp.heard)
			case sp.heard != heard && sp.heard != (router.Cast{}) && !sp.voices[sp.heard].speaking:
				rt.Fatalf("%v is heard and says nothing", sp.heard)
			case sp.seen != "" && !pictured(sp.seen):
				rt.Fatalf("%v is seen and has no picture", sp.seen)
			case sp.seen != before && before != "" && pictured(before) && now.Sub(seenSince) < testHold:
				rt.Fatalf("%v took the picture after %v", sp.seen, now.Sub(seenSince))
			}
			if sp.seen != before {
				seenSince = now
			}
			for c, v := range sp.voices {
				if v.speaking && there(func(m sample) bool { return m.Cast == c && m.mute }) {
					rt.Fatalf("%v is muted and speaks", c)
				}
			}
			if !slices.IsSorted(sp.speaking()) || len(sp.spoke) > recentSpeakers {
				rt.Fatalf("%v %v", sp.speaking(), sp.spoke)
			}
		}
		checkSilence(rt, sp, now, casts)
	})
}

// checkSilence: once it is silent for long enough for the picture to follow the last
// word, nothing changes any more, and nobody speaks.
func checkSilence(rt *rapid.T, sp *speaker, now time.Time, casts []router.Cast) {
	var heard router.Cast
	var seen string
	for i := range 100 {
		var samples []sample
		for _, c := range casts {
			samples = append(samples, sample{Cast: c, level: silentLevel, known: true, picture: c.Participant != "c"})
		}
		now = now.Add(lookEvery)
		sp.look(now, samples)
		if i == 20 {
			heard, seen = sp.heard, sp.seen
		}
		if i > 20 && (sp.heard != heard || sp.seen != seen || len(sp.speaking()) > 0) {
			rt.Fatalf("in silence: %v to %v, %v to %v, %v speak", heard, sp.heard, seen, sp.seen, sp.speaking())
		}
	}
}

// TestSpeakerRemembers who was heard, the newest first, and forgets who is gone.
func TestSpeakerRemembers(t *testing.T) {
	c := converse(part{"ann", 0, sec(1.5), lecture}, part{"bob", sec(3), sec(4.5), lecture}, part{"cyd", sec(6), sec(7.5), lecture}).until(sec(9))
	if got := fmt.Sprint(c.spoke); got != "[{cyd main} {bob main} {ann main}]" {
		t.Error(got)
	}
	c.people = []string{"ann", "bob"}
	c.until(sec(9.2))
	if got := fmt.Sprint(c.spoke, c.heard, c.seen); got != "[{bob main} {ann main}] { }" {
		t.Error(got)
	}
	if got := c.silentSince("bob").Sub(talkStart); got < sec(4.3) || got > sec(4.6) {
		t.Errorf("bob was active at %v", got)
	}
}

// A speaker without a picture is heard; the picture stays where it is.
func TestSpeakerWithoutPicture(t *testing.T) {
	c := converse(part{"ann", 0, sec(2.5), lecture}, part{"bob", sec(4), sec(9), lecture})
	c.blind = []string{"bob"}
	if got := strings.Join(c.until(sec(10)).log, ", "); got != "0.3 hear ann, 0.3 see ann, 4.2 hear bob" {
		t.Error(got)
	}
}

func BenchmarkSpeaker(b *testing.B) {
	var parts []part
	for i := range 30 {
		parts = append(parts, part{fmt.Sprint("p", i), 0, time.Hour, speech})
	}
	c := converse(parts...)
	b.ReportAllocs()
	for b.Loop() {
		c.step()
	}
}
