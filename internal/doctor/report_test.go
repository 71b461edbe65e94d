package doctor

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReports(t *testing.T) {
	findings := append(under("One", ok("a", "Fine."), fault("b", "Do <it>.", "Bad\x1b[2J.")), under("Two", warning("c", "Look.", "Hm."), note("d", "Perhaps.", "Well."))...)
	var text, words, doc strings.Builder
	if err := WriteText(&text, findings, true); err != nil {
		t.Fatal(err)
	}
	want := "\nOne\n  ✓ Fine.\n  ✗ Bad [2J.\n    → Do <it>.\n\nTwo\n  ! Hm.\n    → Look.\n  · Well.\n    → Perhaps.\n\n1 fault, 1 warning.\n"
	if text.String() != want {
		t.Errorf("%q\nwant\n%q", text.String(), want)
	}
	if err := WriteText(&words, findings, false); err != nil || !strings.Contains(words.String(), "  FAULT   Bad") {
		t.Errorf("%v %s", err, words.String())
	}
	if err := WriteJSON(&doc, findings); err != nil {
		t.Fatal(err)
	}
	var got document
	if err := json.Unmarshal([]byte(doc.String()), &got); err != nil || got.Faults != 1 || got.Warnings != 1 || len(got.Findings) != 4 || got.Findings[1].Remedy != "Do <it>." {
		t.Errorf("%v %s", err, doc.String())
	}
	if s := Summary(nil); s != "Nothing is wrong." {
		t.Error(s)
	}
}
