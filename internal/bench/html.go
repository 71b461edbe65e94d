package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/bench/source"
)

//go:embed page.html
var pageText string

// page is what the template shows.
type page struct {
	*Report
	Overview []plot
	Sections []section
}

// section is one run.
type section struct {
	*Run
	Sentence string
	Head     []string
	Rows     [][]string
	Plots    []plot
	// Findings have no column, Warnings speak against the figures.
	Findings, Warnings []string
}

// WriteHTML writes one self-contained page without scripts.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	p := page{Report: r, Overview: r.overview()}
	for i := range r.Runs {
		p.Sections = append(p.Sections, r.Runs[i].section())
	}
	return t.Execute(w, p)
}

// overview compares the runs: delay and price over the number of viewers. With
// one run its own plots say it all.
func (r *Report) overview() []plot {
	if len(r.Runs) < 2 {
		return nil
	}
	var delay, price []curve
	lowest := 0.0
	for i := range r.Runs {
		run := &r.Runs[i]
		delay = append(delay, run.over(run.Name, func(p *Point) float64 { return p.DelayP99 }))
		price = append(price, run.over(run.Name, priceOf))
		if run.FloorNs > 0 && (lowest == 0 || run.FloorNs < lowest) {
			lowest = run.FloorNs
		}
	}
	return drawn(
		newPlot("Delay, 99th percentile", "viewers", "ms", delay...),
		newPlot("Processor time per packet", "viewers", "µs", withFloor(price, lowest)...),
	)
}

func priceOf(p *Point) float64 {
	if p.Server == nil {
		return 0
	}
	return p.CPUPerPacket
}

// over is a figure by the number of viewers, where it was measured.
func (r *Run) over(name string, figure func(*Point) float64) curve {
	c := curve{Name: name}
	for i := range r.Points {
		if v := figure(&r.Points[i]); v > 0 {
			c.Points = append(c.Points, [2]float64{float64(r.Points[i].Viewers), v})
		}
	}
	return c
}

// withFloor draws the floor along the curves, as the last one.
func withFloor(curves []curve, ns float64) []curve {
	low, high := 0.0, 0.0
	for _, c := range curves {
		for _, p := range c.Points {
			if low == 0 || p[0] < low {
				low = p[0]
			}
			high = max(high, p[0])
		}
	}
	if ns == 0 || high == 0 {
		return curves
	}
	return append(curves, curve{Name: "floor", Dashed: true, Points: [][2]float64{{low, ns / 1000}, {high, ns / 1000}}})
}

// drawn leaves out plots with nothing in them.
func drawn(plots ...plot) (list []plot) {
	for _, p := range plots {
		if len(p.Lines) > 0 {
			list = append(list, p)
		}
	}
	return list
}

func (r *Run) section() section {
	s := section{Run: r, Sentence: r.sentence(), Plots: r.plots()}
	alone := Report{Runs: []Run{*r}}
	list := alone.used()[1:] // without the name
	for _, c := range list {
		s.Head = append(s.Head, c.head)
	}
	for i := range r.Points {
		var row []string
		for _, c := range list {
			row = append(row, c.of(r, &r.Points[i]))
		}
		s.Rows = append(s.Rows, row)
		prefix := fmt.Sprintf("%d viewers: ", r.Points[i].Viewers)
		for _, text := range r.Points[i].findings() {
			s.Findings = append(s.Findings, prefix+text)
		}
		for _, text := range r.Points[i].Notes {
			s.Warnings = append(s.Warnings, prefix+text)
		}
	}
	return s
}

// plots are delay and price over viewers, if there are several numbers of them,
// and both over time for the greatest number.
func (r *Run) plots() []plot {
	var list []plot
	if len(r.Points) > 1 {
		list = drawn(
			newPlot("Delay over viewers", "viewers", "ms",
				r.over("p50", func(p *Point) float64 { return p.DelayP50 }),
				r.over("p95", func(p *Point) float64 { return p.DelayP95 }),
				r.over("p99", func(p *Point) float64 { return p.DelayP99 })),
			newPlot("Processor time per packet", "viewers", "µs", withFloor([]curve{r.over("server", priceOf)}, r.FloorNs)...),
		)
	}
	for i := range r.Points {
		p := &r.Points[i]
		list = append(list, drawn(newPlot(fmt.Sprintf("Delay over time, %d viewers", p.Viewers), timeAxis, "ms",
			p.inTime("p50", func(s *Second) float64 { return s.DelayP50 }),
			p.inTime("p99", func(s *Second) float64 { return s.DelayP99 })))...)
	}
	return list
}

func (p *Point) inTime(name string, figure func(*Second) float64) curve {
	c := curve{Name: name}
	for i := range p.Series {
		c.Points = append(c.Points, [2]float64{p.Series[i].At, figure(&p.Series[i])})
	}
	return c
}

// sentence says what was measured.
func (r *Run) sentence() string {
	s := &r.Stream
	parts := []string{fmt.Sprintf("%s of %s at %d frames a second, a key frame every %s s", plural(s.Channels, "stream"), BitRate(s.BitsPerSecond).words(), s.FramesPerSecond, label(s.GOP))}
	pacing, _ := s.Pacing.MarshalText() // never fails
	for _, part := range []struct {
		said bool
		text string
	}{
		{!s.Audio, "no sound"},
		{s.Simulcast, "three layers"},
		{s.Deaf, "deaf to requests for key frames"},
		{s.Pacing != 0, "packets sent " + string(pacing)},
		{s.Split == source.SplitEqual, "packets of equal size"},
		{r.Setup.LossPercent > 0, label(r.Setup.LossPercent) + " % lost on purpose"},
		{r.Setup.Churn > 0, label(r.Setup.Churn) + " viewers replaced a second"},
		{r.Setup.RestartEvery > 0, "a publisher restarted every " + label(r.Setup.RestartEvery) + " s"},
	} {
		if part.said {
			parts = append(parts, part.text)
		}
	}
	return strings.Join(parts, ", ") + fmt.Sprintf("; measured for %s s.", label(r.Setup.Duration))
}

// Date is when the run began.
func (r *Run) Date() string { return r.Started.Format(time.RFC1123) }

func plural(n int, what string) string {
	if n == 1 {
		return "One " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
