package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/source"
	"github.com/realtimefunc/realtimefunc/internal/watch"
)

// behind is work that is done while there is no edit, at low priority, and thrown away
// when one comes: nothing waits for it.
type behind struct {
	cancel context.CancelFunc
	done   chan func() // what the loop is to do when the work is done
}

// behindDone begins what is to be done next, if anything is, and returns where its end is
// told.
func (s *session) behindDone(ctx context.Context) <-chan func() {
	if s.behind != nil {
		return s.behind.done
	}
	if s.changes() == nil || s.ahead != nil || !s.host.running() || s.host.restartMode != "" || s.host.sources == nil {
		return nil
	}
	work := s.nextBehind()
	if work == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	s.behind = &behind{cancel: cancel, done: make(chan func(), 1)}
	go func(done chan func()) { done <- work(ctx) }(s.behind.done)
	return s.behind.done
}

// interrupt ends what is done behind.
func (s *session) interrupt() {
	if s.behind != nil {
		s.behind.cancel()
		<-s.behind.done
		s.behind = nil
	}
}

// nextBehind is the next work: what former versions did is noted, which is little; the
// packages of which the last edits have compiled excerpts are compiled as a whole; then all
// that no edit has touched are checked.
func (s *session) nextBehind() func(context.Context) func() {
	h := s.host
	for path, past := range h.sources.past {
		if past.Recent() {
			return func(context.Context) func() {
				noted := past.Noted()
				return func() { h.sources.past[path] = noted }
			}
		}
	}
	if len(h.sources.excerpted) > 0 && !h.sources.stuck {
		return func(ctx context.Context) func() { return s.complete(ctx, h) }
	}
	for _, p := range h.build.Live {
		if !h.sources.checked[p.ImportPath] && h.sources.past[p.LinkPath()] == nil {
			return func(ctx context.Context) func() { return s.check(ctx, h, p) }
		}
	}
	return nil
}

// complete compiles as a whole what excerpts were compiled of. What differs then from what
// runs goes into the program as an edit does, but without a word: the line tables of the
// functions behind the edited ones. What does not compile as a whole, though what was
// compiled of it did, is told.
func (s *session) complete(ctx context.Context, h *host) func() {
	e := s.newEdit(watch.Change{})
	e.behind = true
	err := guard(func() error {
		for path := range h.sources.excerpted {
			u, err := h.unchangedUnit(h.build.Packages[path])
			if err != nil {
				return err
			}
			u.overlay = h.sources.overlay(u.pkg)
			e.units = append(e.units, u)
		}
		if err := e.compile(ctx); err != nil {
			return err
		}
		for _, u := range e.units {
			if err := h.prepareCallers(u.now); err != nil {
				return err
			}
		}
		return e.image(ctx, nil)
	})
	return func() {
		moved := h.sources.later()
		if err == nil {
			err = guard(func() error { return e.apply(ctx) })
		}
		if err != nil {
			h.sources.stuck = true
			s.Report.Debug("completing %d packages: %v", len(h.sources.excerpted), err)
			var compile *gobuild.CompileError
			if errors.As(err, &compile) { // a cycle of initializers, say
				s.Report.Note("the program runs the new code, but it can't be built again:\n" + compile.Output)
			}
			return
		}
		s.Report.Debug("completed %v: %d functions", e.report.Compiled, len(e.verdict.Functions))
		if len(moved) > 0 {
			s.Report.Lines(s.edits, moved)
		}
	}
}

// later are the packages that are to be completed for their lines.
func (s *sources) later() (list []string) {
	for path, part := range s.excerpted {
		if part.moved {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}

// check compiles a package as the host has it, to see that it becomes what the go command
// made of it, and to learn what the compiler says of it. What is learned is kept for the
// next runs of the same code. All else that edits of the package need is made ready too.
func (s *session) check(ctx context.Context, h *host, p *gobuild.Package) func() {
	var escape change.Escape
	var parsed *source.Package
	var objects *change.Objects
	err := guard(func() (err error) {
		if escape, err = s.notes(ctx, h, p); err != nil {
			return err
		}
		if parsed, err = h.sources.parse(p); err != nil {
			return err
		}
		a, err := h.patch.Library.Archive(p.LinkPath())
		if err == nil {
			objects = change.Index(a)
			err = h.prepareCallers(objects)
		}
		return err
	})
	return func() {
		if err != nil {
			s.Report.Debug("%v", err)
		}
		h.sources.learn(p, escape, parsed, objects)
	}
}

// notes are the compiler's words on a package as the host has it; nil if it is compiled by
// the go command.
func (s *session) notes(ctx context.Context, h *host, p *gobuild.Package) (escape change.Escape, err error) {
	file := filepath.Join(s.work, "notes", notesName(p))
	if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &escape) == nil && escape != nil {
		return escape, nil
	}
	req := gobuild.Request{ImportPath: p.ImportPath, Overlay: h.sources.overlay(p), Background: true}
	if len(h.sources.past) > 0 {
		// What it imports may be another version by now, which shows in the object.
		o, err := h.compiler.Compile(ctx, req)
		if err != nil {
			return nil, err
		}
		h.compiler.Discard(o)
		return change.EscapeOf(o.Notes), nil
	}
	o, err := h.compiler.SelfCheck(ctx, req)
	if err != nil || o == nil {
		return nil, err
	}
	escape = change.EscapeOf(o.Notes)
	if b, err := json.Marshal(escape); err == nil && os.MkdirAll(filepath.Dir(file), 0o777) == nil {
		os.WriteFile(file, b, 0o666) // failing costs the next run the same work
	}
	return escape, nil
}

// notesName is the name of the file for what the compiler says of a package: another one
// for each code of it, and for each realtime.
func notesName(p *gobuild.Package) string {
	exe, _ := os.Executable()
	fi, _ := os.Stat(exe)
	key := p.Export + "\x00" + p.Dir
	if fi != nil {
		key += fmt.Sprint("\x00", fi.Size(), fi.ModTime().UnixNano())
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:12]) + ".json"
}

// learn takes what there is to know of a package, where no edit has known better before.
func (s *sources) learn(p *gobuild.Package, escape change.Escape, parsed *source.Package, objects *change.Objects) {
	s.checked[p.ImportPath] = true
	if _, known := s.escape[p.ImportPath]; !known && escape != nil {
		s.escape[p.ImportPath] = escape
	}
	if s.parsed[p.ImportPath] == nil && parsed != nil {
		s.parsed[p.ImportPath] = parsed
	}
	if s.objects[p.LinkPath()] == nil && objects != nil {
		s.objects[p.LinkPath()] = objects
	}
}
