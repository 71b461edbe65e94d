package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report is what became of the cases, in their order.
type Report struct {
	Results []Result `json:"results"`
}

// Count returns how many cases ended so.
func (r Report) Count(o Outcome) (n int) {
	for _, result := range r.Results {
		if result.Outcome == o {
			n++
		}
	}
	return n
}

// Broken returns how many cases break a MUST.
func (r Report) Broken() (n int) {
	for _, result := range r.Results {
		if result.Broken() {
			n++
		}
	}
	return n
}

// Summary is one line.
func (r Report) Summary() string {
	return fmt.Sprintf("%d cases: %d passed, %d failed (%d of them break a MUST), %d skipped",
		len(r.Results), r.Count(Pass), r.Count(Fail), r.Broken(), r.Count(Skip))
}

// Line is a result for a terminal.
func (r Result) Line() string {
	text := fmt.Sprintf("%-4s %-6s %-6s %s [%s; %s]", r.Outcome, r.ID, r.Level, r.Title, r.Clause, strings.Join(r.Proves, " "))
	if r.Note != "" {
		text += "\n            " + r.Note
	}
	return text
}

// WriteJSON writes the report for other programs, and for Merge.
func (r Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// ReadJSON reads what WriteJSON wrote.
func ReadJSON(rd io.Reader) (Report, error) {
	var r Report
	err := json.NewDecoder(rd).Decode(&r)
	return r, err
}

// Merge joins reports about one server in several configurations. Of the results
// of a case a failure counts most, then a success, whose notes are collected;
// what was skipped everywhere stays skipped. Cases keep the order of Cases.
func Merge(reports ...Report) Report {
	all := make(map[string][]Result)
	for _, report := range reports {
		for _, result := range report.Results {
			all[result.ID] = append(all[result.ID], result)
		}
	}
	var merged Report
	for _, c := range Cases() {
		if results := all[c.ID]; len(results) > 0 {
			merged.Results = append(merged.Results, mergeCase(results))
		}
	}
	return merged
}

func mergeCase(results []Result) Result {
	best := slices.MaxFunc(results, func(a, b Result) int { return weight(a) - weight(b) })
	if best.Outcome != Pass {
		return best
	}
	var notes [][]string
	for _, result := range results {
		if result.Outcome == Pass {
			notes = append(notes, strings.Split(result.Note, noteBreak))
		}
	}
	best.Note = strings.Join(mergeNotes(notes), noteBreak)
	return best
}

const (
	noteBreak = "; "
	// notShown begins notes about what a case lacked.
	notShown = "not shown: "
)

// mergeNotes collects the notes of several successes. What one of them lacked
// counts only if all lacked it.
func mergeNotes(runs [][]string) (merged []string) {
	for _, notes := range runs {
		for _, note := range notes {
			missed := strings.HasPrefix(note, notShown)
			everywhere := !slices.ContainsFunc(runs, func(other []string) bool { return !slices.Contains(other, note) })
			if note != "" && !slices.Contains(merged, note) && (!missed || everywhere) {
				merged = append(merged, note)
			}
		}
	}
	return merged
}

// weight orders results by what they tell.
func weight(r Result) int {
	switch r.Outcome {
	case Fail:
		return 10 + int(r.Level)
	case Pass:
		return 1
	case Skip:
		return 0
	}
	return 0
}
