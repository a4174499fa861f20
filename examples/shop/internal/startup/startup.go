// Package startup runs what must be done before the shop can open.
package startup

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Step is one piece of the start.
type Step struct {
	Name string
	Run  func() error
}

// Run does the steps one after the other and logs each. Before each step it
// waits for delay: the shop has its database and its catalogue in the process,
// and the delay stands for the network that a larger service has in between.
// It returns early if ctx ends.
func Run(ctx context.Context, log *slog.Logger, delay time.Duration, steps []Step) error {
	for i, step := range steps {
		start := time.Now()
		if err := wait(ctx, delay); err != nil {
			return err
		}
		if err := step.Run(); err != nil {
			return fmt.Errorf("%s: %w", step.Name, err)
		}
		log.Info(step.Name,
			"step", fmt.Sprintf("%d/%d", i+1, len(steps)),
			"took", time.Since(start).Round(time.Millisecond))
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return ctx.Err()
	}
}
