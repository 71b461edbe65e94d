package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The view box of a plot, and the room around its area for axes. Text has the
// size that it needs on a phone, where a plot is as wide as its view box.
const (
	plotWidth, plotHeight = 360, 240
	plotLeft, plotRight   = 40, 20
	plotTop, plotBottom   = 10, 38
	areaWidth             = plotWidth - plotLeft - plotRight
	areaHeight            = plotHeight - plotTop - plotBottom
	// Ticks are at least so far apart.
	tickDistanceX, tickDistanceY = 40.0, 22.0

	lineColours = 7   // then they begin again
	dashColour  = 7   // of every dashed line
	mostDots    = 12  // a line of more points has none
	logFrom     = 12  // an axis whose ends are further apart is logarithmic
	timeAxis    = "s" // the name of an axis that never is
)

// curve is one line of a plot.
type curve struct {
	Name   string
	Points [][2]float64
	// Dashed lines are for comparison.
	Dashed bool
}

// plot is a line chart, ready to be drawn: all coordinates are those of its view
// box.
type plot struct {
	Title, X, Y    string
	Width, Height  int
	XTicks, YTicks []tick
	Lines          []plotLine
}

type tick struct {
	At    string
	Label string
}

type plotLine struct {
	Name   string
	Colour int
	Path   string
	Dots   []dot
	Dashed bool
}

// dot is a point of a line and what it says when it is pointed at.
type dot struct{ X, Y, Text string }

// newPlot lays out curves over x, which is never logarithmic if it is time.
// Names of axes carry their unit. A plot without points has no lines.
func newPlot(title, x, y string, curves ...curve) plot {
	p := plot{Title: title, X: x, Y: y, Width: plotWidth, Height: plotHeight}
	a := area{axisOf(curves, 0, x != timeAxis), axisOf(curves, 1, true)}
	for i, c := range curves {
		if len(c.Points) > 0 {
			p.Lines = append(p.Lines, a.line(c, i%lineColours))
		}
	}
	for _, v := range a.x.ticks(areaWidth / tickDistanceX) {
		p.XTicks = append(p.XTicks, tick{pixel(a.px(v)), label(v)})
	}
	for _, v := range a.y.ticks(areaHeight / tickDistanceY) {
		p.YTicks = append(p.YTicks, tick{pixel(a.py(v)), label(v)})
	}
	return p
}

// area maps values to the view box.
type area struct{ x, y axis }

func (a area) px(v float64) float64 { return plotLeft + a.x.share(v)*areaWidth }
func (a area) py(v float64) float64 { return plotTop + (1-a.y.share(v))*areaHeight }

func (a area) line(c curve, colour int) plotLine {
	line := plotLine{Name: c.Name, Colour: colour, Dashed: c.Dashed}
	if c.Dashed {
		line.Colour = dashColour
	}
	var path strings.Builder
	command := "M"
	for _, point := range c.Points {
		x, y := pixel(a.px(point[0])), pixel(a.py(point[1]))
		path.WriteString(command + x + " " + y)
		command = "L"
		if !c.Dashed && len(c.Points) <= mostDots {
			line.Dots = append(line.Dots, dot{x, y, fmt.Sprintf("%s: %s at %s", c.Name, label(point[1]), label(point[0]))})
		}
	}
	line.Path = path.String()
	return line
}

func pixel(v float64) string { return fmt.Sprintf("%.1f", v) }

// label writes a round value without zeros behind.
func label(v float64) string {
	if v >= 10_000 {
		return label(v/1000) + "k"
	}
	return strconv.FormatFloat(round(v), 'f', -1, 64)
}

// axis maps values to a share of its length. Values outside lie on its ends.
type axis struct {
	low, high float64
	log       bool
}

// axisOf spans all values of one dimension, with round ends. It begins at 0
// unless it is logarithmic.
func axisOf(curves []curve, dimension int, mayBeLog bool) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, p := range c.Points {
			if v := p[dimension]; v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	switch {
	case high < 0:
		return axis{0, 1, false}
	case mayBeLog && high/low > logFrom:
		return axis{decade(low, math.Floor), ceiling(high), true}
	}
	return axis{0, ceiling(high), false}
}

func decade(v float64, f func(float64) float64) float64 { return math.Pow(10, f(math.Log10(v))) }

// ceiling is the next value of 1, 2, 3, 5 times a power of ten.
func ceiling(v float64) float64 {
	unit := decade(v, math.Floor)
	for _, m := range []float64{1, 2, 3, 5} {
		if v <= m*unit*1.0001 {
			return m * unit
		}
	}
	return 10 * unit
}

func (a axis) share(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log(max(v, a.low)), math.Log(a.low), math.Log(a.high)
	}
	return min(max((v-low)/(high-low), 0), 1)
}

// ticks are at most about n round values.
func (a axis) ticks(n float64) (list []float64) {
	if a.log {
		return a.logTicks(n)
	}
	step := decade(a.high/n, math.Floor)
	for _, m := range []float64{1, 2, 5, 10} {
		if a.high/(m*step) <= n {
			step *= m
			break
		}
	}
	for i := 0; float64(i)*step <= a.high*1.0001; i++ {
		list = append(list, float64(i)*step)
	}
	return list
}

func (a axis) logTicks(n float64) (list []float64) {
	multiples := []float64{1, 2, 5}
	if decades := math.Log10(a.high / a.low); decades*3 > n {
		multiples = multiples[:1]
	}
	for unit := a.low; unit <= a.high*1.0001; unit *= 10 {
		for _, m := range multiples {
			if v := m * unit; v <= a.high*1.0001 {
				list = append(list, v)
			}
		}
	}
	return list
}
