package conformance

import (
	"encoding/json"
	"fmt"
	"io"
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
// of a case a failure counts most, then a success; what was skipped everywhere
// stays skipped. Cases keep the order of Cases.
func Merge(reports ...Report) Report {
	best := make(map[string]Result)
	for _, report := range reports {
		for _, result := range report.Results {
			if old, ok := best[result.ID]; !ok || weight(result) > weight(old) {
				best[result.ID] = result
			}
		}
	}
	var merged Report
	for _, c := range Cases() {
		if result, ok := best[c.ID]; ok {
			merged.Results = append(merged.Results, result)
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
	}
	return 0
}
