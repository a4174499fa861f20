// Package session owns one running program and takes every edit of its source to it.
//
// A host is one build of the program with its process (host.go). An edit goes through
// compile, change, link and agent in one direction (edit.go); what cannot be made live
// becomes a new host (restart.go). The loop here only decides which of these is next.
package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/report"
	"github.com/realtimefunc/realtimefunc/internal/watch"
)

// Run builds and starts the program and applies edits until the program ends
// with status 0 or the user ends it. It returns the exit status of realtime; an
// error means that there was nothing to run, and is for the user to read.
func Run(ctx context.Context, o Options) (exitCode int, err error) {
	s := &session{Options: o}
	defer s.stop.listen()()
	work, unlock, err := workDir(o)
	if err != nil {
		return 1, err
	}
	defer unlock()
	s.work = work
	defer func() {
		if s.watcher != nil {
			s.watcher.Close()
		}
	}()
	return s.run(ctx)
}

type session struct {
	Options
	work    string // folder for the overlay, the executable and scratch files
	stop    stop
	watcher *watch.Watcher
	host    *host                              // nil: nothing was built yet
	embeds  atomic.Pointer[[]*gobuild.Package] // those that embed files, for the watcher's goroutines
	ahead   *ahead                             // what is prepared of an edit to come
	behind  *behind                            // what is done until one comes
	edits   int
	started bool // the start was reported
	over    *int // exit status, when an edit has found that the program had finished
}

// run is the loop: the program's end, the user's signals and the settled changes.
func (s *session) run(ctx context.Context) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.drop()
	defer s.interrupt()
	if code, err := s.firstStart(ctx); code >= 0 || err != nil {
		return code, err
	}
	var resume <-chan time.Time
	for {
		var done <-chan struct{}
		var warm <-chan error
		var starts, gone <-chan struct{}
		if s.host != nil {
			if s.host.running() {
				done, starts, gone = s.host.process.Done(), s.host.process.Starts(), s.host.gone
			}
			warm = s.host.warmed
		}
		changes := s.changes()
		if resume != nil {
			changes = nil
		}
		select {
		case <-ctx.Done():
			return s.end(), nil
		case c := <-s.early():
			s.interrupt()
			s.drop()
			s.prepare(ctx, c)
			continue
		case finish := <-s.behindDone(ctx):
			b := s.behind
			s.behind = nil
			finish()
			b.cancel()
		case sig := <-s.stop.asked:
			if s.host == nil || !s.host.running() {
				return 128 + int(sig), nil
			}
			// The process package passes it on, and the program's end comes as such. A
			// program that runs on (SIGHUP may mean something else to it) is edited on.
			resume = time.After(endTime)
		case <-resume:
			resume = nil
		case <-done:
			if s.host.warmed != nil {
				if _, err := s.ready(<-s.host.warmed); err != nil {
					return 1, err
				}
			}
			s.drop()
			s.interrupt()
			exit := s.host.process.Wait()
			s.host.close()
			s.Report.Exited(exitReport(s.host, exit, ""))
			if exit.Code == 0 || exit.Asked != nil {
				return exit.Code, nil
			}
		case <-starts:
			s.apart(ctx)
		case <-gone:
			s.host.gone = nil
			s.apart(ctx)
		case err := <-warm:
			missed, err := s.ready(err)
			if err != nil {
				return s.end(), err
			}
			if missed != nil {
				s.edit(ctx, *missed)
			}
		case c := <-changes:
			s.interrupt()
			s.edit(ctx, c)
		}
		if s.over != nil {
			return *s.over, nil
		}
	}
}

// endTime is how long a program that was asked to end is left alone.
const endTime = 3 * time.Second

// changes are those of the watched files; none while a host is being learned.
func (s *session) changes() <-chan watch.Change {
	if s.watcher == nil || s.host != nil && s.host.warmed != nil {
		return nil
	}
	return s.watcher.Changes()
}

// firstStart builds and starts the program. Code that does not compile is reported,
// and the next save tries again. The code is -1 if the session goes on.
func (s *session) firstStart(ctx context.Context) (int, error) {
	work, done := s.stop.work(ctx)
	h, err := s.build(work)
	done()
	if work.Err() != nil {
		return 128 + int(<-s.stop.asked), nil
	}
	var compile *gobuild.CompileError
	switch {
	case errors.As(err, &compile):
		s.Report.BuildFailed(outputs(compile))
		if err := s.watchTree(); err != nil {
			return 1, err
		}
		return -1, nil
	case err != nil:
		return 1, err
	}
	if err := s.start(ctx, h); err != nil {
		return 1, err
	}
	return -1, nil
}

// end stops the program because the session ends.
func (s *session) end() int {
	if s.host == nil || !s.host.running() {
		return 1
	}
	exit := s.host.process.Stop(context.Background(), s.Grace)
	s.host.close()
	return exit.Code
}

// ready opens a started host to edits; err says why none can go live. missed is what was
// saved before the watch stood.
func (s *session) ready(err error) (missed *watch.Change, _ error) {
	h := s.host
	h.warmed, h.ready = nil, time.Now()
	replaced := ""
	if errors.Is(err, agent.ErrGone) {
		replaced, _ = h.replaced()
	}
	if err != nil {
		h.restartMode = cmp.Or(replaced, err.Error())
	}
	// First the watch: who reads that the program runs may save at once.
	watched := s.watcher != nil
	if err := s.watchHost(h); err != nil {
		return nil, err
	}
	if !watched {
		missed = s.missed()
	}
	mode := h.restartMode
	if errors.Is(err, errStale) || errors.Is(err, agent.ErrGone) && replaced == "" {
		mode = "" // of this process only: the next edit makes another
	}
	if s.started {
		if mode != "" {
			s.Report.Note("restart mode: " + mode + "; every edit rebuilds and restarts")
		}
		return missed, nil
	}
	s.started = true
	if err := h.process.Blind(); err != nil {
		s.Report.Note("if the program starts itself, and such a process ends soon, it won't be noticed: " + err.Error())
	}
	info := report.StartInfo{
		Target: strings.Join(s.Target, " "), PID: h.process.PID(), Built: h.build.Duration,
		RestartMode: mode, RestartNever: s.NoRestart,
	}
	if h.build.Main != nil {
		info.ImportPath, info.LivePackages = h.build.Main.ImportPath, len(h.build.Live)
	}
	s.Report.Start(info)
	return missed, nil
}

// missed is what was saved before the watch stood: the files that are not those that
// the program was built from. A save that is still going on is waited for.
func (s *session) missed() *watch.Change {
	c := &watch.Change{Files: map[string]watch.Kind{}, At: time.Now()}
	if s.host.sources == nil {
		return c
	}
	for f := range s.host.sources.assets {
		if b, err := s.host.build.ReadFile(f); err != nil || sumOf(b) != s.host.sources.assets[f] {
			c.Files[f] = watch.Modified
		}
	}
	for f, have := range s.host.sources.content {
		for end := c.At.Add(settleTime); ; time.Sleep(settleTime / 10) {
			b, err := s.host.build.ReadFile(f)
			if err == nil && bytes.Equal(b, have) {
				break
			}
			if _, bad := parser.ParseFile(token.NewFileSet(), f, b, parser.SkipObjectResolution); err == nil && bad == nil || time.Now().After(end) {
				c.Files[f] = watch.Modified
				break
			}
		}
	}
	c.Settled = time.Now()
	if len(c.Files) == 0 {
		return nil
	}
	return c
}

// settleTime is longer than a save takes.
const settleTime = 150 * time.Millisecond

// watchHost watches what the host is made of.
func (s *session) watchHost(h *host) error {
	if h.sources == nil {
		if s.watcher != nil {
			return nil
		}
		return s.watchTree()
	}
	dirs, trees, files := h.sources.watched()
	embeds := h.sources.embedding()
	s.embeds.Store(&embeds)
	if s.watcher != nil {
		return s.watcher.Add(dirs, trees, files)
	}
	w, err := watch.New(watch.Options{Dirs: dirs, Roots: trees, Files: files, Poll: s.Poll, Interesting: s.interesting})
	if err != nil {
		return fmt.Errorf("watching the sources: %w", err)
	}
	s.watcher = w
	for _, n := range w.Notes() {
		s.Report.Note(n)
	}
	return nil
}

// watchDirs watches folders that may not be there yet.
func (s *session) watchDirs(dirs []string) {
	if err := s.watcher.Add(dirs, nil, nil); err != nil {
		s.Report.Note(err.Error())
	}
}

// interesting tells the watcher which files matter.
func (s *session) interesting(path string) bool {
	embeds := s.embeds.Load()
	return interesting(path) || embeds != nil && slices.ContainsFunc(*embeds, func(p *gobuild.Package) bool { return p.MayEmbed(path) })
}

// watchTree watches the module around the user's folder, as long as there is no build
// that tells what the program is made of.
func (s *session) watchTree() error {
	root := s.Dir
	for dir := s.Dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			root = dir
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	w, err := watch.New(watch.Options{Roots: []string{root}, Files: []string{filepath.Join(root, "go.mod")}, Poll: s.Poll, Interesting: s.interesting})
	if err != nil {
		return fmt.Errorf("watching the sources: %w", err)
	}
	s.watcher = w
	return nil
}

// edit takes one settled change to the program and closes it in the report.
func (s *session) edit(ctx context.Context, c watch.Change) {
	ctx, done := s.stop.work(ctx)
	defer done()
	e, err, ready := s.prepared(c)
	switch {
	case s.host == nil || !s.host.running():
		s.edits++
		e.report.Number = s.edits
		s.restart(ctx, e)
		return
	case s.host.sources != nil && !s.host.sources.concerns(c):
		if c.At.Before(s.host.began) {
			// The build of this process has taken the save along.
			s.edits++
			e.report.Number, e.report.Elapsed, e.report.PID = s.edits, time.Since(c.At), s.host.process.PID()
			s.Report.Live(e.report)
		}
		return
	}
	s.edits++
	e.report.Number = s.edits
	run := func() error { return e.run(ctx) }
	if !ready {
		err = guard(run)
	} else if err == nil {
		err = guard(func() error { return e.apply(ctx) })
	}
	for n := 0; errors.Is(err, errAgain) && n < 10; n++ {
		err = guard(run)
	}
	err = s.reached(e, err)
	if ctx.Err() != nil {
		s.edits--
		s.host.keepPending(c)
		return
	}
	for _, n := range e.notes {
		s.Report.Note(n)
	}
	for _, line := range e.debug {
		s.Report.Debug("%s", line)
	}
	e.report.Elapsed = time.Since(c.At)
	e.report.PID = s.host.process.PID()
	var compile *gobuild.CompileError
	var bug *fault
	if errors.As(err, &bug) {
		s.Report.Debug("%s", bug.stack)
		s.host.restartMode = bug.Error()
	}
	switch {
	case err == nil:
		if len(e.newDirs) > 0 || e.newFolders {
			if err := s.watchHost(s.host); err != nil {
				s.Report.Note(err.Error())
			}
		}
		s.Report.Live(e.report)
	case errors.As(err, &compile):
		s.host.keepPending(c)
		e.report.Output = outputs(compile)
		s.Report.Rejected(e.report)
	case s.lost(ctx, err):
		s.host.keepPending(c)
		s.afterEnd(ctx, e)
	case hindrance(err):
		s.host.keepPending(c)
		e.report.Reason = err.Error()
		s.Report.Rejected(e.report)
	default:
		if !e.explained() {
			e.report.Reason = err.Error()
		}
		s.host.keepPending(c)
		s.restart(ctx, e)
	}
}

// outputs parts what the toolchain printed by the packages it names ("# path").
func outputs(err *gobuild.CompileError) (list []report.Output) {
	for line := range strings.Lines(err.Output) {
		path, head := strings.CutPrefix(line, "# ")
		if head || len(list) == 0 {
			o := report.Output{}
			if head {
				o.ImportPath, _, _ = strings.Cut(strings.TrimSpace(path), " ")
			}
			list = append(list, o)
		}
		list[len(list)-1].Text += line
	}
	return list
}
