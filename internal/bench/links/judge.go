package links

import (
	"fmt"
	"math"
	"time"
)

// The bounds that a verdict judges by.
const (
	rightWithin = 8 * time.Second
	mostFreeze  = time.Second
	mostQueue   = 150 * time.Millisecond // p95
	downWithin  = 2 * time.Second
	upWithin    = 10 * time.Second
	// settled is how long a layer has to stay to be the one a viewer came to.
	settled = 3 * time.Second
)

// Verdict is what became of one line.
type Verdict struct {
	Line Line `json:"line"`
	// Right is the layer that fits the first phase, named as in stamps: lowest 0.
	Right int `json:"right_layer"`
	// UntilRight is the time from the POST until the viewer came to it, negative if it
	// never did. On is how much of the time after that it was on it.
	UntilRight float64 `json:"until_right_layer_s"`
	On         float64 `json:"on_right_layer_percent"`
	// Steps are the changes of the line's rate.
	Steps []Step `json:"steps,omitempty"`
	// QueueP50 and QueueP95 are the delays less the least one.
	QueueP50 float64 `json:"queue_ms_p50"`
	QueueP95 float64 `json:"queue_ms_p95"`
	// LossPercent is what never came, of what was sent.
	LossPercent float64 `json:"loss_percent"`
	// Failures are the bounds that were not kept, each in a sentence.
	Failures []string `json:"failures"`
	Trace    Trace    `json:"trace"`
}

// Step is a change of a line's rate.
type Step struct {
	At   int64 `json:"at_unix_ns"`
	Bits int   `json:"bits_per_second"`
	Down bool  `json:"down"`
	// Until is the time until a layer came that fits (down) or the highest that fits
	// (up), to stay; negative if none did before the phase was over.
	Until float64 `json:"until_s"`
}

// judge compares what a viewer saw with what fits its line. steps are the changes as
// they happened. A line with steps is judged by them alone: while it narrows, its
// queue is full and loses.
func judge(line Line, needs []int, trace Trace, steps []Step) Verdict {
	v := Verdict{Line: line, Right: fitting(needs, line.Phases[0].Bits), Trace: trace, Failures: []string{}}
	v.QueueP50, v.QueueP95 = round(trace.DelayP50-trace.DelayMin), round(trace.DelayP95-trace.DelayMin)
	if trace.Expected > 0 {
		v.LossPercent = round(100 * float64(trace.Lost) / float64(trace.Expected))
	}
	end := trace.Ended
	if len(steps) > 0 {
		end = steps[0].At
	}
	v.came(end)
	v.must(trace.StepsBack == 0, "%d timestamps stepped back", trace.StepsBack)
	v.must(trace.Mixed == 0, "%d frames were mixed of two layers", trace.Mixed)
	v.must(!trace.Blind, "there was no picture")
	v.must(trace.VideoStreams == 1, "there were %d streams of video", trace.VideoStreams)
	v.must(v.UntilRight >= 0 && v.UntilRight <= rightWithin.Seconds(), "layer %d was to come within %v, it took %s", v.Right, rightWithin, seconds(v.UntilRight))
	if len(steps) == 0 {
		v.must(trace.LongestFreeze <= milliseconds(mostFreeze), "the picture stood for %.0f ms", trace.LongestFreeze)
		v.must(v.QueueP95 < milliseconds(mostQueue), "p95 of the queue is %.0f ms", v.QueueP95)
	}
	for i, s := range steps {
		until := trace.Ended
		if i+1 < len(steps) {
			until = steps[i+1].At
		}
		v.step(s, fitting(needs, s.Bits), until)
	}
	return v
}

func (v *Verdict) must(ok bool, format string, args ...any) {
	if !ok {
		v.Failures = append(v.Failures, fmt.Sprintf(format, args...))
	}
}

// came finds when the viewer came to the right layer to stay.
func (v *Verdict) came(end int64) {
	v.UntilRight = -1
	stays := v.stays(end)
	for i, s := range stays {
		if s.layer != v.Right || s.to-s.from < min(settled, time.Duration(end)-s.from) {
			continue
		}
		v.UntilRight = round((s.from - time.Duration(v.Trace.Began)).Seconds())
		on, all := time.Duration(0), time.Duration(end)-s.from
		for _, later := range stays[i:] {
			if later.layer == v.Right {
				on += later.to - later.from
			}
		}
		if all > 0 {
			v.On = round(100 * on.Seconds() / all.Seconds())
		}
		return
	}
}

// stay is a time on a layer, since the epoch.
type stay struct {
	layer    int
	from, to time.Duration
}

// stays are those before end.
func (v *Verdict) stays(end int64) (list []stay) {
	for i, c := range v.Trace.Changes {
		to := end
		if i+1 < len(v.Trace.Changes) {
			to = min(to, v.Trace.Changes[i+1].At)
		}
		if c.At < to {
			list = append(list, stay{c.Layer, time.Duration(c.At), time.Duration(to)})
		}
	}
	return list
}

// stretch finds where the first time begins, between from and until, in which every
// layer fits, long enough to be no accident.
func (v *Verdict) stretch(fits func(layer int) bool, from, until time.Duration) (begins time.Duration, ok bool) {
	stays := v.stays(int64(until))
	for i := 0; i < len(stays); i++ {
		begins = max(stays[i].from, from)
		end := begins
		for ; i < len(stays) && fits(stays[i].layer); i++ {
			end = stays[i].to
		}
		if end > begins && end-begins >= min(settled, until-begins) {
			return begins, true
		}
	}
	return 0, false
}

// step judges one change of the rate, until the next one.
func (v *Verdict) step(s Step, right int, until int64) {
	fits := func(layer int) bool { return layer == right }
	within := upWithin
	if s.Down {
		fits, within = func(layer int) bool { return layer <= right }, downWithin
	}
	s.Until = -1
	if from, ok := v.stretch(fits, time.Duration(s.At), time.Duration(until)); ok {
		s.Until = round((from - time.Duration(s.At)).Seconds())
	}
	word := "up"
	if s.Down {
		word = "down"
	}
	v.must(s.Until >= 0 && s.Until <= within.Seconds(), "after the step %s to %d kbit/s a layer was to come within %v, it took %s", word, s.Bits/1000, within, seconds(s.Until))
	v.Steps = append(v.Steps, s)
}

func seconds(s float64) string {
	if s < 0 {
		return "for ever"
	}
	return fmt.Sprintf("%.2f s", s)
}

// round keeps three digits behind the point.
func round(v float64) float64 { return math.Round(v*1000) / 1000 }
