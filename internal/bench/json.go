package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// ReadJSON reads what WriteJSON wrote.
func ReadJSON(r io.Reader) (*Report, error) {
	var report Report
	if err := json.NewDecoder(r).Decode(&report); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	if report.Schema != Schema {
		return nil, errors.New("this is no report of headgate bench, or of another version")
	}
	return &report, nil
}

// Merge puts the runs of several reports into one, in their order. The host is
// that of the first.
func Merge(reports ...*Report) *Report {
	all := *reports[0]
	for _, r := range reports[1:] {
		all.Runs = append(all.Runs, r.Runs...)
	}
	return &all
}
