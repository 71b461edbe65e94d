package doctor

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// ids joins the ids of findings, in order.
func ids(findings []Finding) string {
	var list []string
	for _, f := range findings {
		list = append(list, f.ID)
	}
	return strings.Join(list, " ")
}

// expect compares ids, and wants a remedy wherever something is not well.
func expect(t *testing.T, findings []Finding, want string) {
	t.Helper()
	if got := ids(findings); got != want {
		t.Errorf("found %s, want %s\n%+v", got, want, findings)
	}
	for _, f := range findings {
		if (f.Remedy == "") != (f.Level == OK) {
			t.Errorf("%s is %s and its remedy is %q", f.ID, f.Level, f.Remedy)
		}
		if !strings.HasSuffix(f.Text, ".") && f.ID != "config-invalid" && f.ID != "config-file-unreadable" {
			t.Errorf("%s: no sentence: %q", f.ID, f.Text)
		}
	}
}
