package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// number writes a figure for people.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v < 0.01 && v > -0.01:
		return strconv.FormatFloat(v, 'g', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// column is a figure of the table. An empty text stands for what was not
// measured.
type column struct {
	head string
	of   func(*Run, *Point) string
}

func columns() []column {
	figure := func(of func(*Point) float64) func(*Run, *Point) string {
		return func(_ *Run, p *Point) string { return number(of(p)) }
	}
	delay := func(of func(*Point) float64) func(*Run, *Point) string {
		return func(_ *Run, p *Point) string {
			if p.DelaySamples == 0 {
				return ""
			}
			return number(of(p))
		}
	}
	server := func(of func(*Server) float64) func(*Run, *Point) string {
		return func(_ *Run, p *Point) string {
			if p.Server == nil {
				return ""
			}
			return number(of(p.Server))
		}
	}
	return []column{
		{"run", func(r *Run, _ *Point) string { return r.Name }},
		{"viewers", func(_ *Run, p *Point) string {
			if p.Channels > 1 {
				return fmt.Sprintf("%d (%d ch)", p.Viewers, p.Channels)
			}
			return strconv.Itoa(p.Viewers)
		}},
		{"feedback", func(_ *Run, p *Point) string { return p.Feedback }},
		{"loss %", figure(func(p *Point) float64 { return p.LossPercent })},
		{"broken %", figure(func(p *Point) float64 { return p.FramesBrokenPercent })},
		{"p50 ms", delay(func(p *Point) float64 { return p.DelayP50 })},
		{"p95 ms", delay(func(p *Point) float64 { return p.DelayP95 })},
		{"p99 ms", delay(func(p *Point) float64 { return p.DelayP99 })},
		{"µs/packet", server(func(s *Server) float64 { return s.CPUPerPacket })},
		{"x floor", server(func(s *Server) float64 { return s.OfFloor })},
		{"cores", server(func(s *Server) float64 { return s.Cores })},
		{"KiB/viewer", server(func(s *Server) float64 { return s.MemoryPerViewer })},
		{"ms/setup", server(func(s *Server) float64 { return s.SetupPerSession })},
		{"joins/s", figure(func(p *Point) float64 { return p.JoinsPerSecond })},
		{"packet ms", figure(func(p *Point) float64 { return p.FirstPacketP50 })},
		{"key ms", figure(func(p *Point) float64 { return p.FirstKeyFrameP50 })},
		{"key p95", figure(func(p *Point) float64 { return p.FirstKeyFrameP95 })},
		{"live p95", figure(func(p *Point) float64 { return p.LiveEdgeP95 })},
		{"client cores", figure(func(p *Point) float64 { return p.ClientCores })},
	}
}

// used are the columns in which anything stands.
func (r *Report) used() (list []column) {
	for _, c := range columns() {
		for i := range r.Runs {
			if r.Runs[i].fills(c) {
				list = append(list, c)
				break
			}
		}
	}
	return list
}

func (r *Run) fills(c column) bool {
	for i := range r.Points {
		if text := c.of(r, &r.Points[i]); text != "" && (text != "0" || c.head != "x floor") {
			return true
		}
	}
	return false
}

// WriteTable writes the points as a table for people, and what to think of
// below.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	list := r.used()
	for _, c := range list {
		fmt.Fprint(t, c.head, "\t")
	}
	fmt.Fprintln(t)
	for i := range r.Runs {
		for j := range r.Runs[i].Points {
			for _, c := range list {
				fmt.Fprint(t, c.of(&r.Runs[i], &r.Runs[i].Points[j]), "\t")
			}
			fmt.Fprintln(t)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Runs {
		r.Runs[i].writeRemarks(w)
	}
	return nil
}

// writeRemarks writes what has no column.
func (r *Run) writeRemarks(w io.Writer) {
	for i := range r.Points {
		for _, line := range append(r.Points[i].findings(), r.Points[i].Notes...) {
			fmt.Fprintf(w, "%s, %d viewers: %s\n", r.Name, r.Points[i].Viewers, line)
		}
	}
	if r.FloorNs > 0 {
		fmt.Fprintf(w, "%s: the floor is %s ns a packet\n", r.Name, number(r.FloorNs))
	}
	for _, c := range r.Comparisons {
		fmt.Fprintf(w, "%s, %s\n", r.Name, &c)
	}
	if r.CallCost != nil {
		fmt.Fprintf(w, "%s: %s\n", r.Name, r.CallCost)
	}
	if r.Max != nil {
		fmt.Fprintf(w, "%s: %s\n", r.Name, r.Max)
	}
}

// findings are what was found out about late viewers and restarts, each in a
// sentence.
func (p *Point) findings() (list []string) {
	if p.Restarts > 0 || p.ViewersLost > 0 {
		list = append(list, fmt.Sprintf("%d of the viewers lost their session, with %d restarts of publishers", p.ViewersLost, p.Restarts))
	}
	if p.Adaptation != nil {
		list = append(list, p.Adaptation.String())
	}
	if p.Slots != nil {
		list = append(list, p.Slots.String())
	}
	if p.Adaptation != nil || p.Slots != nil {
		list = append(list, p.continuity())
	}
	for _, l := range p.Late {
		list = append(list, l.String())
	}
	return list
}

// continuity sums up what switching must not disturb.
func (p *Point) continuity() string {
	return fmt.Sprintf("%d timestamps stepped back, %d numbers are missing, %d freezes, the longest %s ms; %d requests for key frames, %d messages of transport-wide feedback",
		p.StepsBack, p.Lost, p.Freezes, number(p.LongestFreeze), p.PLIs, p.Feedbacks)
}

// String is a sentence.
func (l Late) String() string {
	if l.Error != "" {
		return "one who came late: " + l.Error
	}
	return fmt.Sprintf("one who came late had a key frame after %s ms and was live after %s ms; then its delay was %s ms, that of the others %s ms",
		number(l.FirstKeyFrame), number(l.LiveEdge), number(l.DelayP50), number(l.FirstDelayP50))
}

// String is a sentence.
func (m *Max) String() string {
	text := fmt.Sprintf("%d viewers are within the limits", m.Viewers)
	if m.Broken > 0 {
		text += fmt.Sprintf(", %d are not: %s", m.Broken, strings.Join(m.Why, "; "))
	}
	return text
}
