package conformance

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestMergeKeepsWhatTellsMost(t *testing.T) {
	of := func(outcome Outcome, level Level, note string) Report {
		return Report{Results: []Result{{ID: "T-01", Outcome: outcome, Level: level, Note: note}}}
	}
	for name, tc := range map[string]struct {
		reports []Report
		want    Result
	}{
		"a success over a skip":     {[]Report{of(Skip, Must, "why"), of(Pass, Must, "")}, Result{Outcome: Pass, Level: Must}},
		"a failure over a success":  {[]Report{of(Fail, Should, "bad"), of(Pass, Must, "")}, Result{Outcome: Fail, Level: Should, Note: "bad"}},
		"the graver failure":        {[]Report{of(Fail, Advice, "a"), of(Fail, Must, "b")}, Result{Outcome: Fail, Level: Must, Note: "b"}},
		"notes of all":              {[]Report{of(Pass, Must, "a; b"), of(Pass, Must, "b; c")}, Result{Outcome: Pass, Level: Must, Note: "a; b; c"}},
		"what one lacked":           {[]Report{of(Pass, Must, "not shown: x"), of(Pass, Must, "")}, Result{Outcome: Pass, Level: Must}},
		"what all lacked":           {[]Report{of(Pass, Must, "not shown: x"), of(Skip, Must, "")}, Result{Outcome: Pass, Level: Must, Note: "not shown: x"}},
		"skipped wherever one asks": {[]Report{of(Skip, Must, "a"), of(Skip, Must, "b")}, Result{Outcome: Skip, Level: Must, Note: "a"}},
	} {
		got := Merge(tc.reports...).Results[0]
		if got.Outcome != tc.want.Outcome || got.Level != tc.want.Level || got.Note != tc.want.Note {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestReportsTravelAsJSON(t *testing.T) {
	report := Report{Results: []Result{{ID: "T-01", Outcome: Fail, Level: Should, Proves: []string{"N-001"}, Note: "x"}}}
	var b bytes.Buffer
	if err := report.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	back, err := ReadJSON(&b)
	if err != nil || back.Results[0].Level != Should || back.Results[0].Note != "x" || back.Broken() != 0 {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := ReadJSON(strings.NewReader(`{"results":[{"level":"PERHAPS"}]}`)); err == nil {
		t.Error("an unknown level is taken")
	}
}

func TestMarkdownIsTheSameEveryTime(t *testing.T) {
	report := Report{Results: []Result{{ID: "T-01", Outcome: Pass, Level: Must, Title: "a|b\nc <d>", Took: 1}}}
	var first, second bytes.Buffer
	if err := report.WriteMarkdown(&first); err != nil {
		t.Fatal(err)
	}
	report.Results[0].Took = 2
	if err := report.WriteMarkdown(&second); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("how long a case took stands in the page")
	}
	if !strings.Contains(first.String(), `| T-01 | PASS | MUST |  |  | a\|b c &lt;d> |  |`) {
		t.Errorf("the row is broken:\n%s", first.String())
	}
}

// demanded are the rows of the checklist, sections 1.1 to 1.12, that a server
// must or should obey.
const demanded = "N-001 N-003 N-008 N-020 N-021 N-022 N-023 N-024 N-025 N-026 N-027 N-028 N-029 N-030 N-031 N-032 N-033 N-034 N-037 " +
	"N-050 N-053 N-054 N-055 N-059 N-060 N-061 N-068 N-080 N-081 N-082 N-090 N-100 N-101 N-102 N-103 N-104 N-106 N-107 N-108 N-110 N-111 N-117 " +
	"N-130 N-131 N-132 N-133 N-134 N-135 N-136 N-137 N-140 N-150 N-152 N-154 N-155 N-170 N-190 N-198 N-199 N-210 N-211"

func TestEveryDemandHasACase(t *testing.T) {
	var proved []string
	for _, c := range Cases() {
		proved = append(proved, c.Proves...)
	}
	for id := range strings.FieldsSeq(demanded) {
		if !slices.Contains(proved, id) {
			t.Errorf("no case proves %s", id)
		}
	}
}
