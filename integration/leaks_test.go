package integration

import (
	"fmt"
	"os"

	"go.uber.org/goleak"
)

// checkLeaks is the exit code of a run that left goroutines behind, or 0.
func checkLeaks() int {
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	return 0
}
