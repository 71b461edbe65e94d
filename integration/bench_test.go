package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runBench runs the script of make bench with few viewers, and returns what it wrote.
func runBench(t *testing.T, scenario string, env ...string) (report string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("../scripts/bench.sh", binary(), dir, scenario)
	cmd.Env = append(cleanEnvironment(), append([]string{"BENCH_SECONDS=1", "BENCH_SCALE=100", "HOME=" + dir}, env...)...)
	script := start(t, "scripts/bench.sh", cmd)
	if err := script.ends(t, time.Minute); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !strings.Contains(string(page), "<svg") {
		t.Errorf("the page: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(files) != 1 {
		t.Errorf("%d files of figures: %v", len(files), files)
	}
	return string(text)
}

func TestMakeBenchMeasuresThisGateway(t *testing.T) {
	report := runBench(t, "viewers", "BENCH_SCALE=20") // with fewer the processor time is less than its clock can tell
	for _, want := range []string{"one-stream", "µs/packet", "x floor", "ms/setup", "the floor is"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not say %q:\n%s", want, report)
		}
	}
}

func TestMakeBenchMeasuresAnotherServer(t *testing.T) {
	g := startGateway(t)
	report := runBench(t, "setup", "SERVER_WHIP="+g.url+"/whip/{channel}", "SERVER_WHEP="+g.url+"/whep/{channel}", fmt.Sprintf("SERVER_PID=%d", g.cmd.Process.Pid))
	if !strings.Contains(report, "µs/packet") {
		t.Errorf("the report:\n%s", report)
	}
	if !strings.Contains(g.output.String(), "bench-0") {
		t.Error("the other server was not asked")
	}
}
