package call

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/router"
)

// crowd makes candidates out of words: "ann", "ann/screen", with "-" for sound only,
// "~" for a picture only, "!" for somebody who speaks. The later ones are live for
// less long; quiet counts from then.
func crowd(words string) *assembly {
	var list []candidate
	for i, w := range strings.Fields(words) {
		c := candidate{picture: !strings.Contains(w, "-"), sound: !strings.Contains(w, "~"), speaking: strings.Contains(w, "!")}
		c.heard = c.speaking
		c.Cast = castNamed(strings.Trim(w, "-~!"))
		c.since = talkStart.Add(time.Duration(i) * time.Second)
		c.quiet = c.since
		list = append(list, c)
	}
	return newAssembly(list)
}

func castNamed(w string) router.Cast {
	who, source, _ := strings.Cut(w, "/")
	return orMain(router.Cast{Participant: who, Source: source})
}

// lastSpoke sets since when people have been silent, the longest first.
func (a *assembly) lastSpoke(words string) *assembly {
	for n, w := range strings.Fields(words) {
		for i := range a.list {
			if a.list[i].Participant == w {
				a.list[i].quiet = talkStart.Add(time.Minute + time.Duration(n)*time.Second)
			}
		}
	}
	return a
}

func anything(int, router.Cast) (sound, picture bool) { return true, true }

// shown are the slots in words: "*" for a pin, "." for nobody, "!" for unplayable.
func (t *seating) shown() string {
	var words []string
	for _, s := range t.slots() {
		w := s.Cast.Participant
		if s.Cast.Source != sourceMain && w != "" {
			w += "/" + s.Cast.Source
		}
		if w == "" {
			w = "."
		}
		if s.Pinned {
			w += "*"
		}
		if s.Unplayable {
			w += "!"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// TestSlots: one change after another, and who is in the slots then.
func TestSlots(t *testing.T) {
	type step struct {
		who, quiet string
		pin        string // "0 ann" or "0" to free
		want       string
	}
	for name, c := range map[string]struct {
		audio, video int
		self, only   string
		steps        []step
	}{
		"the longest live first": {3, 3, "", "", []step{{who: "ann bob cyd dan", want: "ann bob cyd"}}},
		"whoever is there stays": {3, 3, "", "", []step{
			{who: "ann bob cyd dan", want: "ann bob cyd"}, {who: "bob cyd dan", want: "dan bob cyd"}, {who: "dan bob cyd ann", want: "dan bob cyd"},
		}},
		"a newcomer takes the empty slot":     {3, 3, "", "", []step{{who: "ann bob", want: "ann bob ."}, {who: "ann bob cyd", want: "ann bob cyd"}, {who: "ann cyd", want: "ann . cyd"}, {who: "ann cyd dan", want: "ann dan cyd"}}},
		"never yourself":                      {3, 3, "ann", "", []step{{who: "ann bob ann/screen cyd", want: "bob cyd ."}, {who: "ann! bob", want: "bob . ."}}},
		"only one participant":                {3, 3, "", "ann", []step{{who: "bob ann ann/screen", want: "ann ann/screen ."}}},
		"a speaker in a slot":                 {2, 2, "", "", []step{{who: "ann bob", want: "ann bob"}, {who: "ann bob!", want: "ann bob"}}},
		"a speaker and empty":                 {3, 3, "", "", []step{{who: "ann", want: "ann . ."}, {who: "ann bob cyd!", want: "ann cyd bob"}}},
		"a speaker when full":                 {3, 3, "", "", []step{{who: "ann bob cyd dan", want: "ann bob cyd"}, {who: "ann bob cyd dan!", quiet: "bob ann cyd", want: "ann dan cyd"}, {who: "ann bob cyd dan", quiet: "bob ann cyd dan", want: "ann dan cyd"}}},
		"nobody ever said a word":             {2, 2, "", "", []step{{who: "ann bob", want: "ann bob"}, {who: "ann bob cyd!", want: "cyd bob"}}},
		"speakers do not yield":               {2, 2, "", "", []step{{who: "ann! bob! cyd!", want: "ann bob"}, {who: "ann! bob cyd!", want: "ann cyd"}}},
		"a pin does not yield":                {2, 2, "", "", []step{{who: "ann bob cyd", pin: "0 ann", want: "ann* bob"}, {who: "ann bob cyd!", quiet: "ann bob", want: "ann* cyd"}}},
		"a pin moves somebody":                {3, 3, "", "", []step{{who: "ann bob cyd", want: "ann bob cyd"}, {who: "ann bob cyd", pin: "0 cyd", want: "cyd* bob ann"}}},
		"a pin changes places, whoever waits": {3, 3, "", "", []step{{who: "ann bob cyd", want: "ann bob cyd"}, {who: "zed ann bob cyd", pin: "0 cyd", want: "cyd* bob ann"}}},
		"a pin from outside":                  {2, 2, "", "", []step{{who: "ann bob cyd", want: "ann bob"}, {who: "ann bob cyd", pin: "1 cyd", want: "ann cyd*"}}},
		"a pin waits":                         {2, 2, "", "", []step{{who: "ann bob", pin: "0 zoe", want: "zoe* ann"}, {who: "ann bob zoe", want: "zoe* ann"}, {who: "ann bob", want: "zoe* ann"}, {who: "ann bob", pin: "0", want: "bob ann"}}},
		"a pin without a source":              {2, 2, "", "", []step{{who: "ann", pin: "0 zoe/", want: "zoe* ann"}, {who: "ann zoe/mic- zoe/screen zoe/camera", want: "zoe/screen* ann"}, {who: "ann zoe/camera zoe", want: "zoe/screen* ann"}}},
		"main is meant first":                 {2, 2, "", "", []step{{who: "zoe/screen zoe ann", pin: "1 zoe/", want: "zoe/screen zoe*"}}},
		"what has no picture":                 {2, 2, "", "", []step{{who: "zoe/mic- ann", pin: "1 zoe/", want: "ann zoe/mic*"}}},
		"a pin in two slots":                  {2, 2, "", "", []step{{who: "ann bob", pin: "0 ann", want: "ann* bob"}, {who: "ann bob", pin: "1 ann", want: "bob ann*"}}},
		"the same pin in words":               {2, 2, "", "", []step{{who: "ann bob", pin: "0 ann/main", want: "ann* bob"}, {who: "ann bob", pin: "1 ann/", want: "bob ann*"}}},
		"the same pin in the end":             {3, 3, "", "", []step{{who: "bob", pin: "0 zoe/", want: "zoe* bob ."}, {who: "bob", pin: "2 zoe/cam", want: "zoe* bob zoe/cam*"}, {who: "bob zoe/cam", want: ". bob zoe/cam*"}}},
		"sound only":                          {2, 2, "", "", []step{{who: "ann- bob", want: "bob ann"}, {who: "ann- bob cyd", want: "bob cyd"}, {who: "ann-! bob cyd", want: "ann cyd"}, {who: "ann- bob cyd", want: "bob cyd"}}},
		"sound has its own slots":             {3, 1, "", "", []step{{who: "ann bob- cyd dan-", want: "ann bob dan"}, {who: "bob- cyd dan-", want: "cyd bob dan"}}},
		"heard first, then seen":              {2, 1, "", "", []step{{who: "ann bob", want: "ann bob"}, {who: "bob", want: "bob ."}}},
		"a speaker is seen":                   {2, 1, "", "", []step{{who: "ann bob", want: "ann bob"}, {who: "ann bob!", want: "bob ann"}}},
		"a speaker is heard":                  {1, 3, "", "", []step{{who: "ann bob cyd", want: "ann bob cyd"}, {who: "ann bob cyd!", want: "cyd bob ann"}}},
		"sound is not a picture":              {1, 3, "", "", []step{{who: "ann- bob- cyd", want: "cyd . ."}}},
		"a picture only":                      {2, 2, "", "", []step{{who: "ann~ bob", want: "ann bob"}, {who: "ann~ bob", pin: "0 bob", want: "bob* ann"}}},
		"a slot for sound only":               {2, 1, "", "", []step{{who: "ann~ bob~", want: "ann ."}}},
		"no slots at all":                     {0, 0, "", "", []step{{who: "ann!", want: ""}}},
		"nobody at all":                       {2, 2, "", "", []step{{who: "", want: ". ."}, {who: "ann", want: "ann ."}, {who: "", want: ". ."}}},
		"a screen beside the face":            {2, 2, "", "", []step{{who: "ann ann/screen bob", want: "ann ann/screen"}}},
	} {
		t.Run(name, func(t *testing.T) {
			seats := newSeating(c.self, c.only, c.audio, c.video, anything)
			for n, s := range c.steps {
				if slot, who, pin := strings.Cut(s.pin, " "); s.pin != "" {
					at := int(slot[0] - '0')
					if participant, source, spelt := strings.Cut(who, "/"); pin && spelt {
						seats.pin(at, router.Cast{Participant: participant, Source: source})
					} else if pin {
						seats.pin(at, castNamed(who))
					} else {
						seats.unpin(at)
					}
				}
				seats.arrange(crowd(s.who).lastSpoke(s.quiet))
				if got := seats.shown(); got != s.want {
					t.Fatalf("step %d: %q, want %q", n, got, s.want)
				}
			}
		})
	}
}

// What a slot cannot play is not in it, but for a pin, which is told.
func TestSlotsLeaveOutWhatTheyCannotPlay(t *testing.T) {
	vp8 := map[string]bool{"ann": true}
	seats := newSeating("", "", 2, 2, func(_ int, c router.Cast) (sound, picture bool) { return !vp8[c.Participant], !vp8[c.Participant] })
	check := func(want string) {
		t.Helper()
		seats.arrange(crowd("ann bob cyd"))
		if got := seats.shown(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check("bob cyd")
	seats.pin(0, castNamed("ann"))
	check("ann*! cyd")
	vp8 = nil
	check("ann* cyd")
	seats.unpin(0)
	check("ann cyd")
	vp8 = map[string]bool{"cyd": true}
	check("ann bob")
}

// Somebody whose picture cannot be decoded is heard all the same, after those who are
// seen.
func TestSlotsLetBeHeardWhoCannotBeSeen(t *testing.T) {
	blind := map[string]bool{"ann": true}
	seats := newSeating("", "", 3, 3, func(_ int, c router.Cast) (sound, picture bool) { return true, !blind[c.Participant] })
	for _, step := range []struct{ there, want string }{
		{"ann bob", "bob ann! ."},
		{"ann bob cyd", "bob ann! cyd"},
		{"ann bob cyd dan", "bob dan cyd"},
		{"ann! bob cyd dan", "bob dan ann!"},
		{"ann~ dan cyd", "cyd dan ."},
	} {
		seats.arrange(crowd(step.there).lastSpoke("bob"))
		if got := seats.shown(); got != step.want {
			t.Errorf("%s: %q, want %q", step.there, got, step.want)
		}
	}
}

func TestPrioritiesOfSlots(t *testing.T) {
	a := crowd("ann! bob/screen cyd dan")
	seats := newSeating("", "", 5, 5, anything)
	seats.pin(2, castNamed("cyd"))
	seats.pin(4, castNamed("zoe"))
	seats.arrange(a)
	got := ""
	for _, f := range seats.fillings(a) {
		got += fmt.Sprint(f.Participant, f.Priority, " ")
	}
	if got != "ann1 bob2 cyd3 dan0 zoe3 " {
		t.Error(got)
	}
}

// A viewer whose people come, go, speak and are muted in any order.
func TestSlotProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		uniform := rapid.Bool().Draw(rt, "uniform")
		audio, video := rapid.IntRange(0, 4).Draw(rt, "audio"), rapid.IntRange(0, 4).Draw(rt, "video")
		if uniform {
			video = audio
		}
		m := &slotModel{T: rt, uniform: uniform, seating: newSeating("p0", "", audio, video, nil)}
		m.playable = func(_ int, c router.Cast) (sound, picture bool) { return !m.deaf[c], !m.deaf[c] && !m.blind[c] }
		for range rapid.IntRange(1, 40).Draw(rt, "changes") {
			before := slices.Clone(m.seats)
			what := m.change()
			a := newAssembly(slices.Clone(m.people))
			m.arrange(a)
			m.check(a)
			m.checkMoved(before, what)
			after := m.shown()
			if m.arrange(a); m.shown() != after {
				rt.Fatalf("%s becomes %s without a change", after, m.shown())
			}
		}
	})
}

type slotModel struct {
	*rapid.T
	*seating
	uniform     bool
	people      []candidate
	deaf, blind map[router.Cast]bool
	at          time.Duration
}

// change changes one thing and says which.
func (m *slotModel) change() string {
	m.at += time.Second
	now := talkStart.Add(m.at)
	if what := rapid.IntRange(0, 9).Draw(m.T, "what"); len(m.people) == 0 || what < 3 {
		return m.join(now)
	} else if what == 3 && len(m.seats) > 0 {
		n := rapid.IntRange(0, len(m.seats)-1).Draw(m.T, "slot")
		if m.seats[n].pinned && rapid.Bool().Draw(m.T, "unpin") {
			m.unpin(n)
			return "unpin"
		}
		m.pin(n, router.Cast{
			Participant: fmt.Sprint("p", rapid.IntRange(1, 8).Draw(m.T, "pinned")),
			Source:      rapid.SampledFrom([]string{"", "main", "screen"}).Draw(m.T, "source"),
		})
		return "pin"
	} else if what == 4 && !m.uniform {
		c := &m.people[rapid.IntRange(0, len(m.people)-1).Draw(m.T, "who")]
		switch rapid.IntRange(0, 3).Draw(m.T, "which") {
		case 0:
			c.picture = !c.picture
		case 1:
			c.sound = !c.sound
		case 2:
			m.deaf = map[router.Cast]bool{c.Cast: true}
		case 3:
			m.blind = map[router.Cast]bool{c.Cast: true}
		}
		return "mute"
	} else if what < 7 {
		i := rapid.IntRange(0, len(m.people)-1).Draw(m.T, "who")
		m.people = slices.Delete(m.people, i, i+1)
		return "leave"
	}
	i := rapid.IntRange(0, len(m.people)-1).Draw(m.T, "who")
	m.people[i].speaking, m.people[i].quiet = m.people[i].sound && !m.people[i].speaking, now
	if m.people[i].speaking {
		return "speak"
	}
	return "stop"
}

func (m *slotModel) join(now time.Time) string {
	c := candidate{picture: true, sound: true, since: now, quiet: now}
	c.Participant = fmt.Sprint("p", rapid.IntRange(0, 8).Draw(m.T, "who"))
	c.Source = rapid.SampledFrom([]string{"main", "screen"}).Draw(m.T, "source")
	if !m.uniform {
		c.picture, c.sound = rapid.Bool().Draw(m.T, "picture"), rapid.Bool().Draw(m.T, "sound")
	}
	if slices.ContainsFunc(m.people, func(o candidate) bool { return o.Cast == c.Cast }) {
		return "nothing"
	}
	m.people = append(m.people, c)
	return "join"
}

// check checks the rules that hold at any time.
func (m *slotModel) check(a *assembly) {
	a = m.asPlayed(a)
	where := map[router.Cast]int{}
	for n, s := range m.seats {
		if _, twice := where[s.cast]; twice && s.cast.Participant != "" {
			m.Fatalf("%v in two slots: %s", s.cast, m.shown())
		}
		where[s.cast] = n
		i := a.find(s.cast)
		switch {
		case s.pinned && s.cast != orMain(s.pin):
			m.Fatalf("%v in the slot of %v", s.cast, s.pin)
		case !s.pinned && s.cast.Participant == "p0":
			m.Fatalf("one's own picture: %s", m.shown())
		case !s.pinned && s.cast.Participant != "" && (i < 0 || m.deaf[s.cast]):
			m.Fatalf("%v cannot be shown: %s", s.cast, m.shown())
		}
	}
	for i := range a.list {
		c := &a.list[i]
		n, seated := where[c.Cast]
		if !m.may(0, c) || seated && m.seats[n].pinned {
			continue
		}
		have := 0
		if seated {
			have = m.worth(n, c)
		}
		m.checkWaiting(a, c, seated, have)
	}
}

// checkWaiting: nobody waits who could be shown.
func (m *slotModel) checkWaiting(a *assembly, c *candidate, seated bool, have int) {
	for n, s := range m.seats {
		j, worth := a.find(s.cast), m.worth(n, c)
		silent := j >= 0 && !a.list[j].speaking
		switch {
		case s.pinned || s.cast == c.Cast:
		case s.cast.Participant == "" && !seated && worth > 0:
			m.Fatalf("%v waits, slot %d is empty: %s", c.Cast, n, m.shown())
		case c.speaking && worth > have && (j < 0 || silent):
			m.Fatalf("%v speaks and could have slot %d: %s", c.Cast, n, m.shown())
		case silent && !a.list[j].picture && c.picture && !seated && n < m.video:
			m.Fatalf("%v has a picture, slot %d has none: %s", c.Cast, n, m.shown())
		}
	}
}

// checkMoved: where all publications and slots are alike, a change moves nobody but
// whoever it is about and at most one in his place.
func (m *slotModel) checkMoved(before []chair, what string) {
	moved := 0
	for n, s := range before {
		there := slices.ContainsFunc(m.people, func(c candidate) bool { return c.Cast == s.cast })
		if n < len(m.seats) && m.seats[n].cast != s.cast && there {
			moved++
		}
	}
	bound := map[string]int{"join": 0, "leave": 0, "stop": 1, "unpin": 1, "nothing": 0, "speak": 1, "pin": 2, "mute": 0}[what]
	if m.uniform && moved > bound {
		m.Fatalf("%s moved %d: %v, now %s", what, moved, before, m.shown())
	}
}

func BenchmarkSlots(b *testing.B) {
	const people, viewers, slots = 30, 30, 9
	var list []candidate
	for i := range people {
		c := candidate{picture: true, sound: true, since: talkStart, quiet: talkStart.Add(time.Duration(i) * time.Second)}
		c.Cast = castNamed(fmt.Sprint("participant-", i))
		list = append(list, c)
	}
	var all []*seating
	for i := range viewers {
		all = append(all, newSeating(list[i].Participant, "", slots, slots, anything))
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		for i := range list {
			list[i].speaking, list[i].heard = i == n%people, i == n%people
		}
		a := newAssembly(list)
		for _, t := range all {
			t.arrange(a)
			t.fillings(a)
		}
	}
}
