package bench

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPlotsStayInTheirBox draws any curves and looks for coordinates outside.
func TestPlotsStayInTheirBox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(0, 10), rapid.Float64Range(0, 1e9), rapid.Just(0.0))
		point := rapid.Custom(func(t *rapid.T) [2]float64 {
			return [2]float64{math.Round(value.Draw(t, "x")*1000) / 1000, math.Round(value.Draw(t, "y")*1000) / 1000}
		})
		c := curve{Name: "a", Points: rapid.SliceOfN(point, 0, 20).Draw(t, "points"), Dashed: rapid.Bool().Draw(t, "dashed")}
		p := newPlot("title", rapid.SampledFrom([]string{"viewers", timeAxis}).Draw(t, "axis"), "ms", c)
		if len(p.Lines) != min(1, len(c.Points)) {
			t.Fatalf("%d lines of %d points", len(p.Lines), len(c.Points))
		}
		inside := func(text string, limit float64) {
			if v, err := strconv.ParseFloat(text, 64); err != nil || !(v >= 0 && v <= limit) {
				t.Fatalf("%q is not within 0 to %v", text, limit)
			}
		}
		for _, line := range p.Lines {
			for _, place := range strings.FieldsFunc(line.Path, func(r rune) bool { return r == 'M' || r == 'L' }) {
				x, y, _ := strings.Cut(place, " ")
				inside(x, plotWidth)
				inside(y, plotHeight)
			}
		}
		for _, ticks := range [][]tick{p.XTicks, p.YTicks} {
			if len(ticks) > 14 || len(c.Points) > 0 && len(ticks) == 0 {
				t.Fatalf("%d ticks", len(ticks))
			}
			for _, tick := range ticks {
				inside(tick.At, plotWidth)
			}
		}
	})
}

func TestAxesHaveRoundEndsAndTicks(t *testing.T) {
	for name, tc := range map[string]struct {
		values []float64
		log    bool
		want   axis
		ticks  string
	}{
		"from zero":        {[]float64{3, 4.2}, true, axis{0, 5, false}, "0 1 2 3 4 5"},
		"decades":          {[]float64{3, 120}, true, axis{1, 200, true}, "1 2 5 10 20 50 100 200"},
		"time":             {[]float64{1, 20}, false, axis{0, 20, false}, "0 5 10 15 20"},
		"many decades":     {[]float64{0.01, 30_000}, true, axis{0.01, 30_000, true}, "0.01 0.1 1 10 100 1000 10k"},
		"nothing above 0":  {[]float64{0}, true, axis{0, 1, false}, "0 0.2 0.4 0.6 0.8 1"},
		"zeros beside it":  {[]float64{0, 7}, true, axis{0, 10, false}, "0 2 4 6 8 10"},
		"exactly a decade": {[]float64{10, 100}, true, axis{0, 100, false}, "0 20 40 60 80 100"},
	} {
		var c curve
		for _, v := range tc.values {
			c.Points = append(c.Points, [2]float64{v, 1})
		}
		a := axisOf([]curve{c}, 0, tc.log)
		if math.Abs(a.low-tc.want.low) > 1e-9 || math.Abs(a.high-tc.want.high) > 1e-6 || a.log != tc.want.log {
			t.Errorf("%s: %+v, want %+v", name, a, tc.want)
		}
		var labels []string
		for _, v := range a.ticks(8) {
			labels = append(labels, label(v))
		}
		if got := strings.Join(labels, " "); got != tc.ticks {
			t.Errorf("%s: ticks %s, want %s", name, got, tc.ticks)
		}
	}
}
