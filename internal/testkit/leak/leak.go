// Package leak looks for goroutines that the tests of a package left behind.
package leak

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines that are about to end have for it. A leak stays; on
// a busy machine an end may take longer than the half second goleak has by itself.
const patience = 20 * time.Second

// Main runs the tests of a package and does not return: it exits with their status, or
// with 1 where goroutines are left. It stands in TestMain, as its last line. before is
// called between the tests and the look, to end what they share.
func Main(m interface{ Run() int }, before ...func()) {
	code := m.Run()
	for _, f := range before {
		f()
	}
	if code == 0 {
		if err := find(patience); err != nil {
			fmt.Fprintln(os.Stderr, "leak:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// find returns what is still there after d.
func find(d time.Duration) error {
	for deadline := time.Now().Add(d); ; {
		err := goleak.Find()
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
