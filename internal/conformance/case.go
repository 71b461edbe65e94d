package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Level is how strongly the texts demand something.
type Level uint8

// The levels, weakest first. Advice is where the texts are silent and
// experience with clients is not.
const (
	Advice Level = iota
	May
	Should
	Must
)

// String returns the word of RFC 2119, or ADVICE.
func (l Level) String() string { return [...]string{"ADVICE", "MAY", "SHOULD", "MUST"}[l] }

// MarshalText writes the level as String does.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *Level) UnmarshalText(b []byte) error {
	for candidate := Advice; candidate <= Must; candidate++ {
		if candidate.String() == string(b) {
			*l = candidate
			return nil
		}
	}
	return fmt.Errorf("%q is no level", b)
}

// Case is one test.
type Case struct {
	ID    string
	Level Level
	// Clause says where it is demanded, Proves which requirements of the
	// checklist it shows.
	Clause string
	Proves []string
	// Title is one sentence: what the server does.
	Title string

	// slow cases wait for the server's timeouts; they run only on request.
	slow bool
	// alone cases disturb others and run after them, one by one.
	alone bool
	check func(ctx context.Context, r *run) error
}

// Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Pass Outcome = "PASS"
	Fail Outcome = "FAIL"
	Skip Outcome = "SKIP"
)

// Result is what became of a case.
type Result struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Clause  string   `json:"clause"`
	Proves  []string `json:"proves"`
	Outcome Outcome  `json:"outcome"`
	// Level is that of the case, or of the gravest deviation where it failed.
	Level Level `json:"level"`
	// Note says what was wrong, why it was skipped, or what was seen.
	Note string        `json:"note,omitempty"`
	Took time.Duration `json:"took_ns"`
}

// Broken reports whether the result breaks a MUST.
func (r Result) Broken() bool { return r.Outcome == Fail && r.Level == Must }

// skipped is the error of a case that cannot be run here.
type skipped struct{ reason string }

func (s skipped) Error() string { return s.reason }

func skipf(format string, args ...any) error { return skipped{fmt.Sprintf(format, args...)} }

// deviation is one thing that was not as it should be.
type deviation struct {
	level Level
	text  string
}

// execute runs the check of c and judges what it saw.
func (c Case) execute(ctx context.Context, r *run) Result {
	started := time.Now()
	err := c.protected(ctx, r)
	r.finish()
	result := Result{ID: c.ID, Title: c.Title, Clause: c.Clause, Proves: c.Proves, Level: c.Level, Outcome: Pass}
	var s skipped
	switch isSkip := errors.As(err, &s); {
	case isSkip && len(r.deviations) == 0:
		result.Outcome, result.Note = Skip, s.reason
	case err != nil && !isSkip:
		r.deviations = append(r.deviations, deviation{c.Level, err.Error()})
	}
	if len(r.deviations) > 0 {
		result.Outcome = Fail
		result.Level, result.Note = gravest(r.deviations)
	} else if result.Outcome == Pass {
		result.Note = strings.Join(r.notes, noteBreak)
	}
	result.Took = time.Since(started)
	return result
}

// protected turns a panic of the kit into an error: what a strange server sends
// must not end the whole run.
func (c Case) protected(ctx context.Context, r *run) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the kit itself failed on this answer: %v", v)
		}
	}()
	return c.check(ctx, r)
}

func gravest(list []deviation) (Level, string) {
	level, texts := Advice, make([]string, 0, len(list))
	for _, d := range list {
		level = max(level, d.level)
		texts = append(texts, d.text)
	}
	return level, strings.Join(texts, noteBreak)
}

// Slow reports whether the case waits for timeouts of up to two minutes.
func (c Case) Slow() bool { return c.slow }
