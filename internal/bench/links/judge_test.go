package links

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// planned is three viewers behind 4 Mbit/s, 1 Mbit/s and 300 kbit/s for two
// minutes, and a line that falls from 4 to 0.7 Mbit/s and recovers.
func planned(steady, step time.Duration) Config {
	return Config{
		Lines: []Line{Steady("4M", 4_000_000, steady), Steady("1M", 1_000_000, steady), Steady("300k", 300_000, steady)},
		Steps: Line{Name: "4M-700k-4M", Phases: []Phase{{4_000_000, step}, {700_000, step}, {4_000_000, step}}},
		Bits:  1_700_000, Audio: true,
	}
}

// traced is a viewer that saw layers from these seconds on, until end.
func traced(end float64, changes ...float64) Trace {
	const began = 1_000_000_000_000
	at := func(s float64) int64 { return began + int64(s*1e9) }
	t := Trace{Began: began, Ended: at(end), DelayMin: 1, DelayP50: 5, DelayP95: 60, VideoStreams: 1, Expected: 1000, LongestFreeze: 200}
	for i := 0; i < len(changes); i += 2 {
		t.Changes = append(t.Changes, Change{at(changes[i]), int(changes[i+1])})
	}
	return t
}

func needs() []int {
	c := planned(time.Minute, time.Minute)
	return c.needs()
}

func TestTheRightLayerIsTheHighestThatFits(t *testing.T) {
	for bits, want := range map[int]int{4_000_000: 2, 1_000_000: 1, 700_000: 1, 300_000: 0, 100_000: 0} {
		if got := fitting(needs(), bits); got != want {
			t.Errorf("%d bit/s: layer %d, want %d of %v", bits, got, want, needs())
		}
	}
}

func TestVerdictsOfOneRate(t *testing.T) {
	for name, tc := range map[string]struct {
		trace Trace
		until float64
		on    float64
		fails []string
	}{
		"at once":              {traced(60, 0.2, 1), 0.2, 100, nil},
		"from above":           {traced(60, 0.2, 2, 3, 1), 3, 100, nil},
		"after a try":          {traced(60, 0.2, 0, 2, 1, 4, 0, 6, 1), 6, 100, nil}, // two seconds are no stay
		"too late":             {traced(60, 0.2, 0, 10, 1), 10, 100, []string{"within 8s"}},
		"never":                {traced(60, 0.2, 0), -1, 0, []string{"for ever"}},
		"nothing at all":       {traced(60), -1, 0, []string{"for ever"}},
		"away half the time":   {traced(60.2, 0.2, 1, 30.2, 0), 0.2, 50, nil},
		"at the very end":      {traced(6, 0.2, 0, 5, 1), 5, 100, nil},
		"its picture stood":    {func() Trace { t := traced(60, 0.2, 1); t.LongestFreeze = 1001; return t }(), 0.2, 100, []string{"stood for 1001"}},
		"its queue was full":   {func() Trace { t := traced(60, 0.2, 1); t.DelayP95 = 152; return t }(), 0.2, 100, []string{"p95 of the queue is 151"}},
		"its time ran back":    {func() Trace { t := traced(60, 0.2, 1); t.StepsBack = 2; return t }(), 0.2, 100, []string{"2 timestamps"}},
		"two streams":          {func() Trace { t := traced(60, 0.2, 1); t.VideoStreams = 2; return t }(), 0.2, 100, []string{"2 streams"}},
		"mixed":                {func() Trace { t := traced(60, 0.2, 1); t.Mixed = 1; return t }(), 0.2, 100, []string{"mixed"}},
		"it never saw a thing": {func() Trace { t := traced(60, 0.2, 1); t.Blind = true; return t }(), 0.2, 100, []string{"no picture"}},
	} {
		v := judge(Steady("1M", 1_000_000, time.Minute), needs(), tc.trace, nil)
		if v.UntilRight != tc.until || v.On != tc.on || v.Right != 1 {
			t.Errorf("%s: right after %v s, on it %v %%", name, v.UntilRight, v.On)
		}
		mustFail(t, name, v.Failures, tc.fails)
	}
}

func mustFail(t *testing.T, name string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
			t.Errorf("%s: %q do not say %q", name, got, w)
		}
	}
}

func TestVerdictsOfALineThatChanges(t *testing.T) {
	line := planned(time.Minute, 20*time.Second).Steps
	for name, tc := range map[string]struct {
		trace    Trace
		down, up float64
		fails    []string
	}{
		"quick":                    {traced(60, 0.2, 2, 21.5, 1, 44, 2), 1.5, 4, nil},
		"too low is low enough":    {traced(60, 0.2, 2, 21, 0, 25, 1, 44, 2), 1, 4, nil},
		"slow down":                {traced(60, 0.2, 2, 23, 1, 44, 2), 3, 4, []string{"down"}},
		"low when it narrowed":     {traced(60, 0.2, 2, 18, 1, 21, 2, 22, 1, 44, 2), 2, 4, nil},
		"one lower, then lower":    {traced(60, 0.2, 2, 21, 1, 22, 0, 44, 2), 1, 4, nil},
		"up for a moment":          {traced(60, 0.2, 2, 21, 1, 41, 2, 42, 1, 46, 2), 1, 6, nil},
		"slow up":                  {traced(60, 0.2, 2, 21, 1, 51, 2), 1, 11, []string{"up"}},
		"never down":               {traced(60, 0.2, 2), -1, 0, []string{"down"}},
		"down when it is over":     {traced(60, 0.2, 2, 41, 1, 44, 2), -1, 4, []string{"down"}},
		"never up":                 {traced(60, 0.2, 2, 21, 1), 1, -1, []string{"up"}},
		"a step is no steady line": {func() Trace { t := traced(60, 0.2, 2, 21, 1, 44, 2); t.LongestFreeze, t.DelayP95 = 3000, 400; return t }(), 1, 4, nil},
	} {
		at := func(s float64) int64 { return tc.trace.Began + int64(s*1e9) }
		v := judge(line, needs(), tc.trace, []Step{{At: at(20), Bits: 700_000, Down: true}, {At: at(40), Bits: 4_000_000}})
		if v.Steps[0].Until != tc.down || v.Steps[1].Until != tc.up || v.UntilRight != 0.2 {
			t.Errorf("%s: %+v, right after %v s, on it %v %%", name, v.Steps, v.UntilRight, v.On)
		}
		mustFail(t, name, v.Failures, tc.fails)
	}
}

func TestTheReportSaysWhatFailed(t *testing.T) {
	c := planned(time.Minute, time.Minute)
	r := newReport(&c)
	r.Verdicts = []Verdict{judge(c.Lines[0], r.Needs, traced(60, 0.2, 0, 4, 2), nil), judge(c.Lines[2], r.Needs, traced(60, 0.2, 2), nil)}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4M: layers q at 0.2, f at 4.0", "FAILED: 300k: layer 0 was to come"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, b.String())
		}
	}
	if r.Verdicts = r.Verdicts[:1]; len(r.Failures()) != 0 {
		t.Errorf("%q", r.Failures())
	}
}

func TestWhatCannotBeMeasured(t *testing.T) {
	for name, c := range map[string]Config{
		"nothing":   {},
		"too short": planned(time.Second, time.Minute),
		"too thin":  {Lines: []Line{Steady("x", 1000, time.Minute)}},
	} {
		if c.validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
