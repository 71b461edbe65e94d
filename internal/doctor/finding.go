package doctor

import "fmt"

// Level tells how much a finding matters.
type Level string

// The levels. Only a fault makes the command fail.
const (
	// OK is as it should be.
	OK Level = "ok"
	// Note is worth knowing and often right as it is.
	Note Level = "note"
	// Warning will trouble some clients, or soon.
	Warning Level = "warning"
	// Fault keeps clients out, or the gateway from starting.
	Fault Level = "fault"
)

// Finding is one thing found out.
type Finding struct {
	// ID is stable and listed in docs/doctor.md, with its level.
	ID    string `json:"id"`
	Level Level  `json:"level"`
	// Topic is the heading it stands under.
	Topic string `json:"topic"`
	// Text is a sentence; Remedy says what to do, and is empty for OK only.
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

func ok(id, format string, args ...any) Finding {
	return Finding{ID: id, Level: OK, Text: fmt.Sprintf(format, args...)}
}

func note(id, remedy, format string, args ...any) Finding {
	return Finding{ID: id, Level: Note, Remedy: remedy, Text: fmt.Sprintf(format, args...)}
}

func warning(id, remedy, format string, args ...any) Finding {
	return Finding{ID: id, Level: Warning, Remedy: remedy, Text: fmt.Sprintf(format, args...)}
}

func fault(id, remedy, format string, args ...any) Finding {
	return Finding{ID: id, Level: Fault, Remedy: remedy, Text: fmt.Sprintf(format, args...)}
}

// under puts findings under a heading.
func under(topic string, findings ...Finding) []Finding {
	for i := range findings {
		findings[i].Topic = topic
	}
	return findings
}

// Count tells how many findings have a level.
func Count(findings []Finding, level Level) (n int) {
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}
