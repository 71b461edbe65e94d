//go:build !linux

package floor

import "time"

// Measure returns ErrUnavailable.
func Measure(Case, time.Duration) (Result, error) { return Result{}, ErrUnavailable }
