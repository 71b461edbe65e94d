package integration

import (
	"os/exec"
	"strings"
	"testing"
)

// TestFailuresAreTold gives scripts/failures.awk, the end of scripts/test.sh, what go test prints: of tests that failed their own words are left.
func TestFailuresAreTold(t *testing.T) {
	const printed = `--- FAIL: TestUnit (0.01s)
    unit_test.go:3: the unit's error
        in two lines
    --- FAIL: TestUnit/part (0.00s)
        unit_test.go:9: the part's error
FAIL
FAIL	example.org/unit	0.1s
ok  	example.org/other	0.1s
=== RUN   TestGood
    good_test.go:1: not interesting
--- PASS: TestGood (0.00s)
=== RUN   TestBad
=== RUN   TestBad/row
    bad_test.go:7: the row's error
        page: told by it
    program_test.go:69: ---- headgate printed:
        level=INFO noise
=== NAME  TestBad
    bad_test.go:8: the test's error
--- FAIL: TestBad (0.00s)
    --- FAIL: TestBad/row (0.00s)
=== RUN   TestRace
WARNING: DATA RACE
  by goroutine 7
--- FAIL: TestRace (0.00s)
FAIL
`
	const want = `
TestUnit
    unit_test.go:3: the unit's error
        in two lines

TestUnit/part
        unit_test.go:9: the part's error

TestBad
    bad_test.go:8: the test's error

TestBad/row
    bad_test.go:7: the row's error
        page: told by it

TestRace
WARNING: DATA RACE
  by goroutine 7
`
	cmd := exec.Command("awk", "-f", "../scripts/failures.awk")
	cmd.Stdin = strings.NewReader(printed)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if got := string(output); got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
}
