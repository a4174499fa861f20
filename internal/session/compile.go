package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// needsBuild reports the file that only a build of the go command can take.
func (e *edit) needsBuild(err error) {
	var need *gobuild.RebuildError
	if errors.As(err, &need) && need.File != "" {
		e.decl(need.File, strings.TrimPrefix(need.Reason, filepath.Base(need.File)+" "))
	}
}

// compile compiles the changed packages, and those that depend on what changed in what
// they export: in waves of packages that don't need each other.
func (e *edit) compile(ctx context.Context) error {
	h := e.host
	if err := e.wholes(); err != nil {
		return err
	}
	archives := map[string]string{}
	queue := map[string]*unit{}
	for _, u := range e.units {
		queue[u.pkg.ImportPath] = u
	}
	all := e.units
	e.units = nil
	var failed []string
	for len(queue) > 0 {
		wave := e.wave(queue)
		baseline := h.sources.baseline(ctx, h.compiler, wave)
		var g errgroup.Group
		g.SetLimit(runtime.GOMAXPROCS(0))
		errs := make([]error, len(wave))
		for i, u := range wave {
			delete(queue, u.pkg.ImportPath)
			g.Go(func() error {
				errs[i] = guard(func() error { return e.compileUnit(ctx, u, archives) })
				return nil
			})
		}
		g.Wait()
		err := baseline() // which must not go on behind an edit that has failed
		for i, u := range wave {
			if u.whole != nil {
				e.debug = append(e.debug, fmt.Sprintf("all of %s is compiled: %v", u.pkg.ImportPath, u.whole))
			}
			var ce *gobuild.CompileError
			switch {
			case errors.As(errs[i], &ce):
				failed = append(failed, ce.Output)
				continue
			case errs[i] != nil:
				e.needsBuild(errs[i])
				return errs[i]
			}
			if u.excerpt == nil {
				archives[u.pkg.ImportPath] = u.object.ArchivePath
			}
			e.report.Compiled = append(e.report.Compiled, u.pkg.ImportPath)
			e.units = append(e.units, u)
		}
		if len(failed) > 0 {
			break
		}
		if err != nil {
			return err
		}
		for _, u := range wave {
			if err := e.settle(ctx, u, archives); err != nil {
				return err
			}
			if err := e.queueDependents(queue, u); err != nil {
				return err
			}
		}
	}
	if err := unchanged(h, all); err != nil || len(failed) == 0 {
		return err
	}
	return &gobuild.CompileError{Output: strings.Join(failed, "")}
}

// compileUnit compiles an excerpt of a package if that is enough, else all of it. What does
// not compile is told by the whole package: an excerpt may lack what a message names.
func (e *edit) compileUnit(ctx context.Context, u *unit, archives map[string]string) error {
	if u.excerpt != nil {
		err := u.compileExcerpt(ctx, e.host, archives)
		if err == nil || ctx.Err() != nil {
			return err
		}
		u.excerpt, u.whole = nil, err
	}
	return u.compile(ctx, e.host, archives)
}

// compile compiles one package against what the edit has compiled already.
func (u *unit) compile(ctx context.Context, h *host, archives map[string]string) error {
	req := gobuild.Request{ImportPath: u.pkg.ImportPath, Archives: archives, Overlay: u.overlay, Background: u.overlay != nil}
	if u.inits != nil {
		req.Overlay = u.inits.Files
	}
	var err error
	if u.object, err = h.compiler.Compile(ctx, req); err != nil {
		return err
	}
	if u.delta == nil {
		return errAgain // half a file was read, and a whole one compiled
	}
	u.escape = change.EscapeOf(u.object.Notes)
	if u.archive, err = goobj.ReadArchive(u.linkPath, u.object.Archive); err == nil {
		u.now = change.Index(u.archive)
	}
	return err
}

// wave takes the units that need none of the others in the queue.
func (e *edit) wave(queue map[string]*unit) []*unit {
	paths := make([]string, 0, len(queue))
	for path := range queue {
		paths = append(paths, path)
	}
	packages := e.host.build.Packages
	var wave []*unit
	for _, path := range e.host.build.CompileOrder(paths, nil) {
		seen := map[string]bool{}
		var needs func(path string) bool
		needs = func(path string) bool {
			for _, imp := range packages[path].Imports {
				if p := packages[imp]; p == nil || !p.Live || seen[imp] {
					continue
				}
				seen[imp] = true
				if queue[imp] != nil || needs(imp) {
					return true
				}
			}
			return false
		}
		// The first has nothing of the edit before it, whatever its old imports were.
		if len(wave) == 0 || queue[path].delta != nil && len(queue[path].delta.Imported) == 0 && !needs(path) {
			wave = append(wave, queue[path])
		}
	}
	return wave
}

// queueDependents adds the packages that must be compiled because of what u exports.
func (e *edit) queueDependents(queue map[string]*unit, u *unit) error {
	h := e.host
	names, all := e.exportChanges(u)
	if len(names) == 0 && !all {
		return nil
	}
	for _, d := range h.build.Dependents(u.pkg.ImportPath) {
		if queue[d.ImportPath] != nil || slices.ContainsFunc(e.units, func(v *unit) bool { return v.pkg == d }) {
			continue
		}
		v, err := h.unchangedUnit(d)
		if err != nil {
			return err
		}
		if all || v.delta.Old.Mentions(names) {
			queue[d.ImportPath] = v
		}
	}
	return nil
}

// exportChanges returns what packages that import u must name in their sources to compile
// to something else now; with all, every one may.
func (e *edit) exportChanges(u *unit) (names map[string]bool, all bool) {
	if u.judged.Renewed() {
		return nil, true // what names the variable has to take the new one
	}
	if u.excerpt != nil || string(u.archive.Export) == string(u.old.Export()) {
		return nil, false
	}
	if u.content == nil || e.host.build.KeepInlining {
		return nil, true
	}
	return change.ExportChanges(&u.judged)
}

// unchanged reports an error if a file was saved again while it was compiled.
func unchanged(h *host, units []*unit) error {
	for _, u := range units {
		for f, b := range u.content {
			if now, err := h.sources.read(f); err != nil || !bytes.Equal(now, b) {
				return errAgain
			}
		}
		if !h.sources.still(u.assets) {
			return errAgain
		}
	}
	return nil
}

var errAgain = errors.New("saved again while it was compiled")
