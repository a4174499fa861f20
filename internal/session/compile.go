package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/token"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// needsBuild reports the file that only a build of the go command can take.
func (e *edit) needsBuild(err error) {
	var need *gobuild.RebuildError
	if errors.As(err, &need) && need.File != "" {
		e.decl(need.File, strings.TrimPrefix(need.Reason, filepath.Base(need.File)+" "))
	}
}

// compile compiles the changed packages, and those that depend on what changed in what
// they export. What does not compile against an excerpt is compiled again without: it may
// lack what a message names.
func (e *edit) compile(ctx context.Context) error {
	if err := e.imports(ctx); err != nil {
		return err
	}
	err := e.compileAll(ctx)
	var ce *gobuild.CompileError
	if !errors.As(err, &ce) || !slices.ContainsFunc(e.units, func(u *unit) bool { return u.excerpt != nil && u.excerpt.Imported }) {
		return err
	}
	e.debug = append(e.debug, "without excerpts: "+strings.TrimSpace(ce.Output))
	e.units, e.outlines, e.report.Compiled = e.all, true, nil
	for _, u := range e.units {
		u.changed, u.unknown, u.widened = nil, false, 0
	}
	return e.compileAll(ctx)
}

// compileAll compiles in waves of packages that don't need each other.
func (e *edit) compileAll(ctx context.Context) error {
	h := e.host
	archives := map[string]string{}
	queue := map[string]*unit{}
	for _, u := range e.units {
		queue[u.pkg.ImportPath] = u
	}
	e.all, e.units = e.units, nil
	var failed []string
	for len(queue) > 0 {
		wave := e.wave(queue)
		for _, u := range wave {
			e.plan(ctx, u)
		}
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
			var tags *change.TagsError
			var mixed *mixedError
			switch {
			case errors.As(errs[i], &mixed):
				e.debug = append(e.debug, mixed.Error())
				if err := e.unmix(queue, u, mixed); err != nil {
					return err
				}
				queue[u.pkg.ImportPath] = u
				continue
			case errors.As(errs[i], &tags):
				e.debug = append(e.debug, fmt.Sprintf("more of %s is compiled: %v", u.pkg.ImportPath, tags))
				u.changed, u.widened = join(u.changed, tags.Names), u.widened+1
				queue[u.pkg.ImportPath] = u
				continue
			case errors.As(errs[i], &ce):
				failed = append(failed, ce.Output)
				continue
			case errs[i] != nil:
				e.needsBuild(errs[i])
				return errs[i]
			}
			if u.exports() {
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
			if queue[u.pkg.ImportPath] != nil {
				continue // to be compiled again
			}
			if err := e.settle(ctx, u, archives); err != nil {
				return err
			}
			if err := e.queueDependents(queue, u); err != nil {
				return err
			}
		}
	}
	if err := unchanged(h, e.all); err != nil || len(failed) == 0 {
		return err
	}
	return &gobuild.CompileError{Output: strings.Join(failed, "")}
}

// compileUnit compiles an excerpt of a package if that is enough, else all of it. What does
// not compile is told by the whole package: an excerpt may lack what a message names. A
// [*change.TagsError] is what a wider excerpt may mend.
func (e *edit) compileUnit(ctx context.Context, u *unit, archives map[string]string) error {
	if u.excerpt != nil {
		err := u.compileExcerpt(ctx, e.host, archives)
		var tags *change.TagsError
		var mixed *mixedError
		if err == nil || ctx.Err() != nil || errors.As(err, &mixed) || errors.As(err, &tags) && u.widened < maxWidened {
			return err
		}
		u.excerpt, u.whole = nil, err
	}
	return u.compile(ctx, e.host, archives)
}

// maxWidened is how often an excerpt is compiled again, with those who call what the one
// before has found to do something else with its parameters, before the package is compiled
// as a whole.
const maxWidened = 3

func join(a, b map[string]bool) map[string]bool {
	set := map[string]bool{}
	maps.Copy(set, a)
	maps.Copy(set, b)
	return set
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
	if u.archive, err = readArchive(u.linkPath, u.object); err == nil {
		u.now = change.Index(u.archive)
	}
	return err
}

// readArchive reads what a package was compiled to.
func readArchive(linkPath string, o *gobuild.Object) (*goobj.Archive, error) {
	a, err := goobj.ReadArchive(linkPath, o.Archive)
	if err == nil && len(a.Mixed()) > 0 {
		err = &mixedError{linkPath, a.Mixed()}
	}
	return a, err
}

// A mixedError tells of an archive that is of no use: what the package imports was compiled
// against different versions of the packages at paths.
type mixedError struct {
	linkPath string
	paths    []string
}

func (e *mixedError) Error() string {
	return fmt.Sprintf("what %s imports was compiled against several versions of %s", e.linkPath, strings.Join(e.paths, ", "))
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

// unmix adds the packages that must be compiled against the newest versions of what they
// import before u can be.
func (e *edit) unmix(queue map[string]*unit, u *unit, mixed *mixedError) error {
	h := e.host
	found := false
	for path := range h.imported(u) {
		between := h.build.Packages[path]
		if queue[path] != nil || slices.ContainsFunc(e.units, func(v *unit) bool { return v.pkg == between }) {
			continue
		}
		v, err := h.unchangedUnit(between)
		if err != nil {
			return err
		}
		for dep := range h.imported(v) {
			if slices.Contains(mixed.paths, dep) {
				v.imported, found = true, true
				queue[path] = v
			}
		}
	}
	if !found {
		return restartf("%v", mixed)
	}
	return nil
}

// queueDependents adds the packages that must be compiled because of what u exports.
func (e *edit) queueDependents(queue map[string]*unit, u *unit) error {
	h := e.host
	names, all := e.exportChanges(u)
	// A new name may be one that who imports all names (import .) has declared itself.
	added := slices.ContainsFunc(u.delta.Added, func(d *source.Decl) bool { return d.Kind != source.Method && token.IsExported(d.Name) })
	if len(names) == 0 && !all && !added {
		return nil
	}
	if p := h.build.ForeignDependent(u.pkg.ImportPath); p != nil && (len(names) > 0 || all) {
		return restartf("%s imports %s, which exports something else now, and is not live itself: it can't be compiled again", p.ImportPath, u.pkg.ImportPath)
	}
	for _, d := range h.build.Dependents(u.pkg.ImportPath) {
		if v := queue[d.ImportPath]; v != nil {
			v.changed, v.unknown = join(v.changed, names), v.unknown || all
			continue
		}
		if slices.ContainsFunc(e.units, func(v *unit) bool { return v.pkg == d }) {
			continue
		}
		v, err := h.unchangedUnit(d)
		if err != nil {
			return err
		}
		if all || v.delta.Old.Mentions(names) || added && v.delta.Old.DotImports() {
			v.changed, v.unknown = names, all
			queue[d.ImportPath] = v
		}
	}
	return nil
}

// exports reports whether the archive is one that others of the edit may import.
func (u *unit) exports() bool { return u.excerpt == nil || u.excerpt.Imported }

// exportChanges returns what packages that import u must name in their sources to compile
// to something else now; with all, every one may.
func (e *edit) exportChanges(u *unit) (names map[string]bool, all bool) {
	switch {
	case e.behind:
		return nil, false // they have been compiled by then
	case !u.exports() || u.excerpt != nil && u.excerpt.Spread == nil:
		return nil, false
	case u.excerpt != nil:
		return u.excerpt.Spread.Exported(), false
	case u.judged.Renewed():
		return nil, true // what names the variable has to take the new one
	case string(u.archive.Export) == string(u.old.Export()):
		return nil, false
	case u.unknown || len(e.mods) > 0 || e.host.build.KeepInlining:
		return nil, true
	}
	names, all = change.ExportChanges(&u.judged)
	if u.content == nil {
		names = join(names, u.delta.Spread(u.changed, nil).Exported())
	}
	return names, all
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
