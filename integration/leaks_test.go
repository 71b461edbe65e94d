package integration

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/goleak"
)

// checkLeaks is the exit code of a run that left goroutines behind, or 0. Those that are about to end have time for it.
func checkLeaks() int {
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); { // each look takes half a second where there are some
		if err = goleak.Find(); err == nil {
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, "integration:", err)
	return 1
}
