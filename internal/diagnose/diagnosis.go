package diagnose

// Diagnosis is one thing that is wrong with a session. The zero value says that
// nothing is.
type Diagnosis struct {
	// Code is stable; docs/diagnoses.md explains it.
	Code string `json:"code"`
	// Sentence says what is wrong, with addresses, counts and times; Remedy what to
	// do about it. Both are for people and may change.
	Sentence string `json:"sentence"`
	Remedy   string `json:"remedy"`
}

// Of returns the diagnosis that explains most of a session: of several the one
// that stands first in the table.
func Of(s Session) Diagnosis {
	for _, e := range table {
		if sentence, remedy := e.find(&s); sentence != "" {
			return Diagnosis{Code: e.code, Sentence: sentence, Remedy: remedy}
		}
	}
	return Diagnosis{}
}

// Codes returns every code, in order of precedence.
func Codes() []string {
	codes := make([]string, len(table))
	for i, e := range table {
		codes[i] = e.code
	}
	return codes
}

// entry is one diagnosis. find returns an empty sentence where it does not apply.
type entry struct {
	code string
	find func(*Session) (sentence, remedy string)
}

// table is in order of precedence: what kept a session from being made, then what
// kept it from connecting, what ended it, what is wrong with its media, and last
// what could merely be better.
var table = concat(refusals, connecting, endings, media, watching, advice)

func concat(groups ...[]entry) (all []entry) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}
