package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
)

// restart builds the program anew and, when that has succeeded, replaces the process:
// the old one serves until then.
func (s *session) restart(ctx context.Context, e *edit) {
	if s.NoRestart && s.host.running() {
		e.report.Elapsed, e.report.PID = time.Since(e.change.At), s.host.process.PID()
		s.Report.NotApplied(e.report)
		return
	}
	if s.host.running() {
		s.Report.RestartBegin(e.report)
	}
	h, err := s.rebuild(ctx)
	if ctx.Err() != nil {
		s.host.keepPending(e.change)
		return
	}
	var compile *gobuild.CompileError
	if err != nil {
		e.report.Elapsed = time.Since(e.change.At)
		if s.host.running() {
			e.report.PID = s.host.process.PID()
		}
		if errors.As(err, &compile) {
			e.report.Output, e.report.Reason = outputs(compile), ""
		} else {
			e.report.Reason = err.Error()
		}
		s.Report.Rejected(e.report)
		return
	}
	if old := s.host; old.running() {
		exit := old.process.Stop(context.WithoutCancel(ctx), s.Grace)
		old.close()
		s.Report.Exited(exitReport(old, exit, "restart"))
	}
	if err := s.start(context.WithoutCancel(ctx), h); err != nil {
		e.report.Reason = err.Error()
		e.report.Elapsed = time.Since(e.change.At)
		s.Report.Rejected(e.report)
		return
	}
	e.report.PID = h.process.PID()
	e.report.Elapsed = time.Since(e.change.At)
	s.Report.Restarted(e.report)
}

// rebuild builds the program and learns its sources before the old process ends: again,
// if something was saved meanwhile, so that the new process begins with what is known.
func (s *session) rebuild(ctx context.Context) (*host, error) {
	if s.host.running() {
		defer s.host.process.Reading()() // the go command looks whether the executable is up to date
	}
	for try := 0; ; try++ {
		h, err := s.build(ctx)
		if err != nil && try == 0 && strings.Contains(err.Error(), "(open : no such file or directory)") {
			// Saved while the go command was between listing and compiling.
			continue
		}
		if err != nil {
			return nil, err
		}
		if err = h.learn(ctx); err == nil || try == 3 {
			// First the watch: who reads of the new process may save at once.
			return h, s.watchHost(h)
		}
		if !errors.Is(err, errStale) {
			return nil, err
		}
	}
}
