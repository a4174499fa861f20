package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
)

// fault is a panic in the tool. The program must not suffer from it: the edit
// becomes a restart, and nothing that the tool knows of the old process is used
// any more.
type fault struct {
	value any
	stack []byte
}

func (f *fault) Error() string {
	return fmt.Sprintf("realtime has failed (%v); this is a bug in realtime, please report it with what -v prints", f.value)
}

// guard calls f and turns a panic into an error.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &fault{v, debug.Stack()}
		}
	}()
	return f()
}

// hindrance reports whether an edit failed for a reason that lies neither in it nor
// in the program but in the machine. A restart would fail for the same reason, or
// cost the program's state for nothing; the next save tries again.
func hindrance(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, exec.ErrNotFound) ||
		slices.ContainsFunc(gobuild.MachineErrors, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// lost reports whether err says that the program is not there any more, and waits
// for its end, which the closed channel tells a little before the kernel does.
func (s *session) lost(ctx context.Context, err error) bool {
	if !errors.Is(err, agent.ErrGone) {
		return false
	}
	select {
	case <-s.host.process.Done():
		return true
	case <-ctx.Done():
	case <-time.After(endTime):
	}
	return false
}

// afterEnd closes an edit in the middle of which the program has ended. The save
// starts it again, as any save after an end does; a program that had finished, or
// was told to, stays ended.
func (s *session) afterEnd(ctx context.Context, e *edit) {
	exit := s.host.process.Wait()
	s.host.close()
	finished := exit.Code == 0 || exit.Asked != nil
	if !finished {
		s.Report.Exited(exitReport(s.host, exit, ""))
		e.report.Decls = nil // of what was to be live
		s.restart(ctx, e)
		return
	}
	e.report.Reason = "the program has ended"
	s.Report.Exited(exitReport(s.host, exit, ""))
	s.Report.Rejected(e.report)
	s.over = &exit.Code
}

// notStarted says what to do when a program that was just built can't be run.
func notStarted(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("starting the program: %w; is the folder on a file system without execution (noexec)? $XDG_CACHE_HOME can name another", err)
	}
	return fmt.Errorf("starting the program: %w", err)
}

// piped reports whether process makes a pipe for the program's output to w.
func piped(w io.Writer) bool {
	_, direct := w.(*os.File)
	return !direct && w != nil
}
