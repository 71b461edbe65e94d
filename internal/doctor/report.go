package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// marks stand before findings on a terminal, words elsewhere.
var (
	marks = map[Level]string{OK: "✓", Note: "·", Warning: "!", Fault: "✗"}
	words = map[Level]string{OK: "ok     ", Note: "note   ", Warning: "WARNING", Fault: "FAULT  "}
)

// WriteText writes findings for people, below their topics.
func WriteText(w io.Writer, findings []Finding, terminal bool) error {
	signs := words
	if terminal {
		signs = marks
	}
	var b strings.Builder
	topic := ""
	for _, f := range findings {
		if f.Topic != topic {
			topic = f.Topic
			fmt.Fprintf(&b, "\n%s\n", topic)
		}
		fmt.Fprintf(&b, "  %s %s\n", signs[f.Level], printable(f.Text))
		if f.Remedy != "" {
			fmt.Fprintf(&b, "  %s %s\n", strings.Repeat(" ", len([]rune(signs[f.Level]))), "→ "+printable(f.Remedy))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", Summary(findings))
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary counts what was found, in a sentence.
func Summary(findings []Finding) string {
	faults, warnings := Count(findings, Fault), Count(findings, Warning)
	if faults+warnings == 0 {
		return "Nothing is wrong."
	}
	return fmt.Sprintf("%s, %s.", plural(faults, "fault"), plural(warnings, "warning"))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// printable keeps text of a remote server from moving the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x202e {
			return ' '
		}
		return r
	}, s)
}

type document struct {
	Faults   int       `json:"faults"`
	Warnings int       `json:"warnings"`
	Findings []Finding `json:"findings"`
}

// WriteJSON writes findings as one document: faults, warnings, findings.
func WriteJSON(w io.Writer, findings []Finding) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(document{Count(findings, Fault), Count(findings, Warning), append([]Finding{}, findings...)})
}
