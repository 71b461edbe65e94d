// Package shutdown ends the parts of a program in order, each within a limit.
package shutdown

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Step is one part to stop.
type Step struct {
	Name string
	// Limit bounds Stop; its context ends then.
	Limit time.Duration
	Stop  func(context.Context) error
}

// Run stops the steps one after another. Every step runs even if an earlier one
// failed or took too long; failures are joined. ctx cuts all limits short.
func Run(ctx context.Context, log *slog.Logger, steps ...Step) error {
	var errs []error
	for _, step := range steps {
		started := time.Now()
		if err := run(ctx, step); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", step.Name, err))
		}
		log.Debug("stopped", "part", step.Name, "took", time.Since(started).Round(time.Millisecond))
	}
	return errors.Join(errs...)
}

func run(ctx context.Context, step Step) error {
	ctx, cancel := context.WithTimeout(ctx, step.Limit)
	defer cancel()
	return step.Stop(ctx)
}
