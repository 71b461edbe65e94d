package integration

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

var schemathesis = client{name: "schemathesis", programs: []string{"schemathesis"}, version: []string{"--version"}}

// TestSchemathesis tries the REST API against its description, with thousands of requests that fit it and that do not: no 5xx, and no answer that is not as described.
func TestSchemathesis(t *testing.T) {
	need(t, curl)
	cmd := exec.Command("../scripts/schemathesis.sh", absolute(t, binary()))
	cmd.Env = append(cleanEnvironment(), "SCHEMATHESIS="+absolute(t, need(t, schemathesis)))
	if os.Getenv("HEADGATE_SOAK") == "1" {
		cmd.Env = append(cmd.Env, "EXAMPLES=200", "SEED="+strconv.FormatInt(time.Now().Unix(), 10))
	}
	run := start(t, "schemathesis", cmd)
	if err := run.ends(t, 8*time.Minute); err != nil {
		t.Fatal(err)
	}
	counts := run.prints(t, time.Second, `(?s)(\d+) generated, \d+ passed.*No issues found`)
	if n, err := strconv.Atoi(counts[1]); err != nil || n < 500 {
		t.Errorf("only %s requests were tried", counts[1])
	}
}
