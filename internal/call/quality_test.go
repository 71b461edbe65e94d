package call

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The examples of docs/quality.md.
func TestScore(t *testing.T) {
	for name, c := range map[string]struct {
		m    Measure
		want int
	}{
		"nothing known":                {Measure{}, 5},
		"a good line":                  {Measure{Loss: .005, Jitter: .01, RTT: .04, Estimate: 3e6, Wanted: 25e5}, 5},
		"silent":                       {Measure{Silent: true}, 0},
		"1 % lost":                     {Measure{Loss: .01}, 5},
		"2 % lost":                     {Measure{Loss: .02}, 4},
		"5 % lost":                     {Measure{Loss: .05}, 3},
		"10 % lost":                    {Measure{Loss: .1}, 2},
		"30 % lost":                    {Measure{Loss: .3}, 1},
		"all lost":                     {Measure{Loss: 1}, 0},
		"round the world":              {Measure{RTT: .3}, 5},
		"a satellite":                  {Measure{RTT: .6}, 4},
		"a second":                     {Measure{RTT: 1}, 2},
		"jitter of a bad Wi-Fi":        {Measure{RTT: .05, Jitter: .15}, 4},
		"half of what is wanted":       {Measure{Estimate: 1e6, Wanted: 2e6}, 3},
		"a fifth of what is wanted":    {Measure{Estimate: 4e5, Wanted: 2e6}, 2},
		"a mobile network at its edge": {Measure{Loss: .04, Jitter: .06, RTT: .25, Estimate: 6e5, Wanted: 15e5}, 1},
	} {
		if got := Score(c.m); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func anyMeasure(t *rapid.T) Measure {
	return Measure{
		Loss: rapid.Float64Range(0, 1).Draw(t, "loss"), Jitter: rapid.Float64Range(0, 2).Draw(t, "jitter"), RTT: rapid.Float64Range(0, 5).Draw(t, "rtt"),
		Estimate: rapid.IntRange(0, 1e8).Draw(t, "estimate"), Wanted: rapid.IntRange(0, 1e8).Draw(t, "wanted"),
		Silent: rapid.IntRange(0, 9).Draw(t, "silent") == 0,
	}
}

// Whatever gets worse, the score does not rise.
func TestScoreIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMeasure(t)
		before := Score(m)
		if before < 0 || before > Best || m.Silent && before != 0 {
			t.Fatalf("%+v: %d", m, before)
		}
		worse := map[string]Measure{}
		for name, change := range map[string]func(*Measure){
			"loss":   func(m *Measure) { m.Loss += rapid.Float64Range(0, 1).Draw(t, "more loss") },
			"jitter": func(m *Measure) { m.Jitter += rapid.Float64Range(0, 1).Draw(t, "more jitter") },
			"rtt":    func(m *Measure) { m.RTT += rapid.Float64Range(0, 1).Draw(t, "more rtt") },
			"wanted": func(m *Measure) { m.Wanted += rapid.IntRange(0, 1e8).Draw(t, "more wanted") },
			"estimate": func(m *Measure) { // 0 is unknown
				if m.Estimate > 1 {
					m.Estimate = rapid.IntRange(1, m.Estimate).Draw(t, "less estimate")
				}
			},
			"silent": func(m *Measure) { m.Silent = true },
		} {
			w := m
			change(&w)
			worse[name] = w
		}
		for name, w := range worse {
			if after := Score(w); after > before {
				t.Fatalf("%s: %+v has %d, %+v has %d", name, m, before, w, after)
			}
		}
	})
}

// Numbers that no client can make us divide by.
func TestScoreOfNonsense(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64} {
		for _, m := range []Measure{{Loss: v}, {Jitter: v}, {RTT: v}, {Estimate: -1, Wanted: math.MaxInt}} {
			if s := Score(m); s < 0 || s > Best {
				t.Errorf("%+v: %d", m, s)
			}
		}
	}
}

func TestQualityOfAParticipant(t *testing.T) {
	good, bad, silent := Measure{}, Measure{Loss: .1}, Measure{Silent: true}
	for name, c := range map[string]struct {
		up, down []Measure
		want     string
	}{
		"nothing":                           {nil, nil, `{}`},
		"a publisher":                       {[]Measure{good}, nil, `{"up":5}`},
		"a viewer":                          {nil, []Measure{bad}, `{"down":2}`},
		"the worst of those that send":      {[]Measure{good, bad}, []Measure{bad, good, good}, `{"up":2,"down":2}`},
		"a dead share beside a camera":      {[]Measure{good, silent}, nil, `{"up":3}`},
		"a dead share beside a bad one":     {[]Measure{silent, bad}, nil, `{"up":2}`},
		"nothing comes":                     {[]Measure{silent, silent}, []Measure{silent}, `{"up":0,"down":0}`},
		"one of three windows has vanished": {nil, []Measure{silent, good, good}, `{"down":3}`},
	} {
		var list []Measure
		for _, m := range c.up {
			m.Participant, m.Up = "alice", true
			list = append(list, m)
		}
		for _, m := range c.down {
			m.Participant = "alice"
			list = append(list, m)
		}
		q, ok := qualities(append(list, Measure{Silent: true}))["alice"]
		if !ok {
			q = Quality{unscored, unscored}
		}
		if got, err := json.Marshal(q); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, want %s (%v)", name, got, c.want, err)
		}
	}
}

// lines is a hall whose sessions do as a test says.
type lines struct {
	*hall
	list []Measure
}

func (m *lines) Measures(time.Time, string) []Measure { return m.list }

func TestQualityIsTold(t *testing.T) {
	h := newHall(t, nil)
	m := &lines{hall: h}
	h.Service.sessions = m
	h.onAir("alice", "main", "a")
	_, bob := h.join("bob", "b")
	bob.next()
	look := func() { h.pass(2 * time.Second); h.score(h.clock()) }
	look()
	bob.expect()
	m.list = []Measure{
		{Participant: "alice", Up: true}, {Participant: "bob", Loss: .1}, {Participant: "stranger", Silent: true}, {Silent: true},
	}
	look()
	h.score(h.clock().Add(time.Second))
	list, _ := bob.next()
	if len(list) != 1 || list[0].name != EventQuality {
		t.Fatalf("told %v", list)
	}
	if got, _ := json.Marshal(list[0].data["participants"]); string(got) != `{"alice":{"up":5},"bob":{"down":2}}` {
		t.Errorf("told %s", got)
	}
	for _, p := range h.Participants("c") {
		if p.ID == "alice" && *p.Quality != (Quality{5, unscored}) || p.ID == "bob" && *p.Quality != (Quality{unscored, 2}) {
			t.Errorf("%s has %+v", p.ID, *p.Quality)
		}
	}
	m.list = m.list[:1]
	look()
	bob.expect("interrupted", "quality")
	for _, p := range h.Participants("c") {
		if p.ID == "bob" && p.Quality != nil {
			t.Errorf("bob keeps %+v", *p.Quality)
		}
	}
	if tally := h.Tally(); tally.Up.Count() != 2 || tally.Up.Sum() != 10 || tally.Down.Count() != 1 || tally.Members != 2 || tally.Streams != 1 {
		t.Errorf("counted %+v", tally)
	}
}
