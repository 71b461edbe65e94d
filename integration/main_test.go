package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// insideVar tells the test binary that it runs as the child that enterNetwork started.
const insideVar = "HEADGATE_TEST_INSIDE"

// binaryVar names the binary under test.
const binaryVar = "HEADGATE_BINARY"

// TestMain builds the binary in the machine's own network, where modules can be fetched, then runs itself again in a network for the tests.
func TestMain(m *testing.M) {
	if os.Getenv(insideVar) != "" {
		os.Exit(runInside(m))
	}
	code, err := runOutside()
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func runOutside() (int, error) {
	if os.Getenv(binaryVar) == "" {
		dir, err := os.MkdirTemp("", "headgate-integration-")
		if err != nil {
			return 1, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary := filepath.Join(dir, "headgate")
		if err := build(binary); err != nil {
			return 1, err
		}
		if err := os.Setenv(binaryVar, binary); err != nil {
			return 1, err
		}
	}
	return enterNetwork()
}

func build(binary string) error {
	cmd := exec.Command("go", "build", "-race=false", "-o", binary, "../cmd/headgate")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build of the binary under test: %w", err)
	}
	return nil
}

func runInside(m *testing.M) int {
	prepareNetwork()
	code := m.Run()
	stopBrowsers()
	skipped.report(os.Stdout)
	if code == 0 {
		code = checkLeaks()
	}
	return code
}
