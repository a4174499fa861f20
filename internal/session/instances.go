package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/watch"
)

// An edit reaches one process, the one with the agent. A program that starts its own
// executable (a prefork server, a worker for each request, a monitor) is more
// processes, and those run the code that is in the file. So does a program that replaces
// itself by execve. Then the program is not what one version of the source describes, and
// only a restart makes it so.

// reaches is an error if the edit would not reach all of the program.
func (e *edit) reaches() error {
	if e.behind {
		return nil // it completes edits that have gone live
	}
	if e.beside != nil {
		e.report.Instances = <-e.beside
		e.beside = nil
	}
	reason, _ := e.host.apart(e.report.Instances)
	if reason == "" {
		return nil
	}
	if len(e.report.Instances) == 0 {
		e.report.Instances = e.host.process.Instances()
	}
	e.report.Decls, e.report.Running = nil, nil // of what was to be live
	return restartf("%s", reason)
}

// reached is the end of an edit: err, or what has become known of the program while the
// edit went live.
func (s *session) reached(e *edit, err error) error {
	switch {
	case err == nil && len(e.units) > 0 && !s.NoRestart:
		return guard(e.reaches)
	case errors.Is(err, agent.ErrGone):
		if reason, _ := s.host.replaced(); reason != "" {
			e.report.Decls = nil
			return restartf("%s", reason)
		}
	}
	return err
}

// apart says why the process that edits reach is not all of the program, now or from any
// time on; "" if it is. It is sure if code has begun to run without the edits, and not if
// that is only to be feared. The instances are processes that run the executable too, as
// far as they are known.
func (h *host) apart(instances []int) (reason string, sure bool) {
	if h.gone != nil {
		select {
		case <-h.gone:
			h.gone = nil
		default:
		}
	}
	if h.client != nil && h.gone == nil {
		if reason, sure = h.replaced(); reason != "" {
			return reason, sure
		}
	}
	since, maybe := h.process.Started()
	switch {
	case len(instances) > 0:
		return fmt.Sprintf("the program has started itself (%s), and edits don't reach %s", pids(instances), those(len(instances), "that process", "those processes")), true
	case !since.IsZero():
		return "the program starts itself, and edits don't reach the processes that it starts", true
	case !maybe && h.again == "":
		return "", false
	case !h.canStart():
		h.process.OnlyRead()
		return "", false
	case maybe:
		return "the program may have started itself (its executable was opened), and edits don't reach other processes", false
	}
	return h.again, false
}

// replaced says that the process has another program in it than the one with our agent, or
// the agent has no channel any more; "" if the process is about to end.
func (h *host) replaced() (reason string, sure bool) {
	path, itself := h.process.Runs()
	since, maybe := h.process.Started()
	switch {
	case path == "":
		return "", false
	case !itself:
		return fmt.Sprintf("the program has replaced itself by %q (execve)", path), false // that has no code of ours
	case h.process.Blind() == nil && since.IsZero() && !maybe:
		return "the program has closed the control channel of its agent, or replaced itself (execve)", false
	}
	return "the program has replaced itself (execve), and runs the code of its executable", true
}

// canStart reports whether the program has code that starts processes, or that replaces
// its own: all of package os and os/exec ends in these functions. C may do so too, but
// for that of the standard library (net, os/user).
func (h *host) canStart() bool {
	if h.patch == nil {
		return true
	}
	for _, p := range h.build.Packages {
		if p.Cgo && !p.Standard {
			return true
		}
	}
	for _, name := range []string{"syscall.forkExec", "syscall.forkAndExecInChild", "syscall.forkAndExecInChild1", "syscall.Exec"} {
		if _, ok, err := h.patch.Program.Function(name, goobj.ABIInternal); ok || err != nil {
			return true
		}
	}
	return false
}

// startsAgain says why a new process of the program is expected to start itself. A prefork server
// does so at its start, and it shows at once. Others do when they are asked something.
func (h *host) startsAgain() string {
	if h == nil || h.process == nil {
		return ""
	}
	if since, _ := h.process.Started(); since.IsZero() || h.ready.IsZero() || since.Before(h.ready) {
		return h.again
	}
	return "the program has started itself before, and edits don't reach the processes that it starts"
}

// apart acts on what has become known of the program between edits: edits are live in one
// process, and another one runs without them.
func (s *session) apart(ctx context.Context) {
	h := s.host
	if !h.edited || h.told || h.restartMode != "" {
		return // nothing has been said that is not true, and the next edit looks itself
	}
	instances := h.process.Instances()
	if len(instances) == 0 && h.gone != nil {
		// The kernel tells of a start before it is complete, and this may be one in place of the program.
		select {
		case <-h.gone:
			h.gone = nil
		case <-time.After(startTime):
		}
	}
	reason, sure := h.apart(instances)
	switch {
	case reason == "" || h.hinted && !sure:
		return
	case !sure:
		// The next edit restarts. To do so now would cost a profile that is just being made.
		h.hinted = true
		s.Report.Note(reason)
		return
	case s.NoRestart:
		h.told = true
		s.Report.Note(reason + "; what is live so far is missing there, until the program is restarted")
		return
	}
	h.told = true
	ctx, done := s.stop.work(ctx)
	defer done()
	s.interrupt()
	s.drop()
	now := time.Now()
	e := s.newEdit(watch.Change{At: now, Settled: now})
	s.edits++
	e.report.Number, e.report.Reason, e.report.Instances = s.edits, reason, instances
	s.restart(ctx, e)
}

// startTime is longer than an execve takes.
const startTime = 100 * time.Millisecond

// pids is "pid 12, 13 and 2 more".
func pids(list []int) string {
	slices.Sort(list)
	var b strings.Builder
	for i, pid := range list {
		switch {
		case i == 3:
			fmt.Fprintf(&b, " and %d more", len(list)-i)
			return b.String()
		case i == 0:
			fmt.Fprintf(&b, "pid %d", pid)
		default:
			fmt.Fprintf(&b, ", %d", pid)
		}
	}
	return b.String()
}

func those(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
