//go:build !linux

package floor

import (
	"context"
	"time"
)

// Measure returns ErrUnavailable.
func Measure(Case, time.Duration, ...int) (Result, error) { return Result{}, ErrUnavailable }

// Drain returns ErrUnavailable.
func Drain(context.Context, func([]int) error) error { return ErrUnavailable }
