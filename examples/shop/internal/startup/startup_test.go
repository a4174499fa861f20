package startup

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestRun(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name    string
		fail    int // the step that fails, -1 for none
		cancel  time.Duration
		want    error
		elapsed time.Duration
		done    int
	}{
		{"whole", -1, time.Minute, nil, 3 * time.Second, 6},
		{"step fails", 1, time.Minute, broken, time.Second, 2},
		{"interrupted", -1, 1200 * time.Millisecond, context.DeadlineExceeded, 1200 * time.Millisecond, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.cancel)
				defer cancel()
				done := 0
				steps := make([]Step, 6)
				for i := range steps {
					steps[i] = Step{"step", func() error {
						done++
						if i == test.fail {
							return broken
						}
						return nil
					}}
				}
				start := time.Now()
				err := Run(ctx, slog.New(slog.DiscardHandler), 500*time.Millisecond, steps)
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if d := time.Since(start); d != test.elapsed || done != test.done {
					t.Errorf("%d steps in %s, want %d in %s", done, d, test.done, test.elapsed)
				}
			})
		})
	}
}
