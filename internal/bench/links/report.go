package links

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/headgate/headgate/internal/bench/source"
)

// Schema is the version of the report's JSON.
const Schema = 1

// Report is what Measure found.
type Report struct {
	Schema int `json:"headgate_links_schema"`
	// Layers are the names of the layers, lowest first, and Needs what each takes of a
	// line, in bits a second, sound and headers included.
	Layers   []string  `json:"layers"`
	Needs    []int     `json:"layer_needs_bits_per_second"`
	Verdicts []Verdict `json:"verdicts"`
}

// Failures are those of all lines, each with the line's name.
func (r *Report) Failures() (list []string) {
	for _, v := range r.Verdicts {
		for _, f := range v.Failures {
			list = append(list, v.Line.Name+": "+f)
		}
	}
	return list
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteTable writes it for people.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "line\tright\tuntil s\ton it %\tqueue p50 ms\tqueue p95 ms\tfreeze ms\tfreezes\tloss %\tNACKs\tPLIs\tchanges\t")
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t%.2f\t%d\t%d\t%d\t\n", v.Line.Name, r.Layers[v.Right], v.UntilRight, v.On, v.QueueP50, v.QueueP95,
			v.Trace.LongestFreeze, v.Trace.Freezes, v.LossPercent, v.Trace.NACKs, v.Trace.PLIs, max(len(v.Trace.Changes)-1, 0))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		for _, s := range v.Steps {
			fmt.Fprintf(w, "%s: after the change to %d kbit/s, a layer that fits came in %s\n", v.Line.Name, s.Bits/1000, seconds(s.Until))
		}
		fmt.Fprintf(w, "%s: layers %s\n", v.Line.Name, r.path(v))
	}
	for _, f := range r.Failures() {
		fmt.Fprintln(w, "FAILED:", f)
	}
	if len(r.Failures()) == 0 {
		fmt.Fprintln(w, "Every bound is kept.")
	}
	return nil
}

// path are the layers with the seconds since the POST at which they came.
func (r *Report) path(v *Verdict) string {
	var parts []string
	for _, c := range v.Trace.Changes {
		parts = append(parts, fmt.Sprintf("%s at %.1f", r.Layers[c.Layer], float64(c.At-v.Trace.Began)/1e9))
	}
	return strings.Join(parts, ", ")
}

func newReport(c *Config) *Report {
	return &Report{Schema: Schema, Layers: source.RIDs(), Needs: c.needs()}
}
