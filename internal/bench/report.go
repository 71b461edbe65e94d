package bench

import (
	"bufio"
	"os"
	"runtime"
	"strings"
)

// NewReport makes a report of runs of this machine. tool names the program and
// its version.
func NewReport(tool string, runs ...Run) *Report {
	return &Report{
		Schema: Schema, Tool: tool, Runs: runs,
		Host: Host{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0), Model: processorModel()},
	}
}

// processorModel reads the name of the processor, "" where there is none.
func processorModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
