package bench

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits say how a measurement has to be to be good. Its text is a list such as
// "p99=100ms,loss=0.1%".
type Limits []Limit

// Limit is an upper bound of one figure.
type Limit struct {
	// Figure is one of p50, p95, p99 and max (of the delay, in milliseconds), loss
	// and broken (of packets and frames, in percent), and cores.
	Figure string
	// Most is the greatest value that is good.
	Most float64
}

// figures are what can be limited, and how values are written.
func figures() map[string]struct {
	of   func(*Point) float64
	unit string
} {
	type figure = struct {
		of   func(*Point) float64
		unit string
	}
	return map[string]figure{
		"p50":    {func(p *Point) float64 { return p.DelayP50 }, "ms"},
		"p95":    {func(p *Point) float64 { return p.DelayP95 }, "ms"},
		"p99":    {func(p *Point) float64 { return p.DelayP99 }, "ms"},
		"max":    {func(p *Point) float64 { return p.DelayMax }, "ms"},
		"loss":   {func(p *Point) float64 { return p.LossPercent }, "%"},
		"broken": {func(p *Point) float64 { return p.FramesBrokenPercent }, "%"},
		"cores": {func(p *Point) float64 {
			if p.Server == nil {
				return 0
			}
			return p.Cores
		}, ""},
	}
}

// UnmarshalText reads a list of limits.
func (l *Limits) UnmarshalText(text []byte) error {
	*l = nil
	for part := range strings.SplitSeq(string(text), ",") {
		limit, err := parseLimit(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*l = append(*l, limit)
	}
	return nil
}

func parseLimit(text string) (Limit, error) {
	name, value, _ := strings.Cut(text, "=")
	figure, known := figures()[name]
	if !known {
		return Limit{}, fmt.Errorf("there is no limit of %q; limits are p50, p95, p99, max, loss, broken and cores, as in p99=100ms,loss=0.1%%", name)
	}
	var most float64
	var err error
	switch figure.unit {
	case "ms":
		var d time.Duration
		d, err = time.ParseDuration(value)
		most = milliseconds(d)
	case "%":
		digits, ok := strings.CutSuffix(value, "%")
		if most, err = strconv.ParseFloat(digits, 64); !ok {
			err = strconv.ErrSyntax
		}
	default:
		most, err = strconv.ParseFloat(value, 64)
	}
	if err != nil || most < 0 || most != most {
		return Limit{}, fmt.Errorf("the limit %q is not understood; write p99=100ms, loss=0.1%% or cores=0.9", text)
	}
	return Limit{Figure: name, Most: most}, nil
}

// MarshalText writes what UnmarshalText reads.
func (l Limits) MarshalText() ([]byte, error) {
	parts := make([]string, 0, len(l))
	for _, limit := range l {
		parts = append(parts, limit.String())
	}
	return []byte(strings.Join(parts, ",")), nil
}

// String writes a limit as UnmarshalText reads it.
func (l Limit) String() string { return l.Figure + "=" + l.value(l.Most) }

func (l Limit) value(v float64) string {
	return strconv.FormatFloat(v, 'f', -1, 64) + figures()[l.Figure].unit
}

func (l Limits) none() bool { return len(l) == 0 }

// broken names every limit that a point is beyond, with its value. What is not
// known is beyond any.
func (l Limits) broken(p *Point) (list []string) {
	if len(l) > 0 && p.Packets == 0 {
		return []string{"nothing arrived"}
	}
	for _, limit := range l {
		if figures()[limit.Figure].unit == "ms" && p.DelaySamples == 0 {
			list = append(list, limit.Figure+" is not known: no frame was sampled")
			continue
		}
		if v := figures()[limit.Figure].of(p); v > limit.Most {
			list = append(list, fmt.Sprintf("%s is %s, more than %s", limit.Figure, limit.value(round(v)), limit.value(limit.Most)))
		}
	}
	return list
}
