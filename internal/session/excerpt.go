package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// plan decides how a package is compiled: an excerpt of it, if that is enough; an outline, if
// what changed concerns few of its functions; else the whole. What an excerpt costs does not
// depend on the size of the package, and an outline costs a tenth of the whole, which is
// compiled later, in the background (see behind.go).
func (e *edit) plan(ctx context.Context, u *unit) {
	err := e.excerpt(ctx, u)
	switch {
	case e.behind || u.delta == nil:
	case err != nil:
		e.debug = append(e.debug, fmt.Sprintf("all of %s is compiled: %v", u.pkg.ImportPath, err))
	case u.excerpt.Outline != nil:
		e.debug = append(e.debug, fmt.Sprintf("an outline of %s is compiled: %d functions", u.pkg.ImportPath, len(u.excerpt.Functions)))
	default:
		e.debug = append(e.debug, fmt.Sprintf("an excerpt of %s is compiled: %d functions", u.pkg.ImportPath, len(u.excerpt.Functions)))
	}
}

// excerpt makes the excerpt or outline of a package; the error says why the whole is needed.
func (e *edit) excerpt(ctx context.Context, u *unit) error {
	h := e.host
	u.excerpt = nil
	if u.delta == nil {
		return nil // the compiler will say why
	}
	if err := h.compiler.NoExcerpt(u.pkg); err != nil {
		return err
	}
	switch {
	case e.behind:
		return errors.New("it completes others")
	case len(e.mods) > 0:
		return errors.New("go.mod changed")
	case u.unknown:
		return errors.New("all may have changed of what it imports")
	case u.assets.differ():
		return errors.New("its embedded files changed")
	case u.delta.New.DotImports():
		return errors.New("it imports all names of other packages (import .)")
	case u.delta.New.Redeclared():
		return errors.New("a name is declared twice")
	}
	escape, known := h.sources.escape[u.pkg.ImportPath]
	if !known && u.size() > large {
		// To compile what it was, and an excerpt of what it is, takes half the time of
		// compiling both.
		if err := h.sources.baseline(ctx, h.compiler, []*unit{u})(); err != nil {
			return err
		}
		escape, known = h.sources.escape[u.pkg.ImportPath]
	}
	if !known {
		return errors.New("what the compiler says of it is not known yet")
	}
	if _, err := h.objects(u.linkPath); err != nil {
		return err
	}
	around, err := e.around(u, escape)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(around.Importers, (*source.Package).DotImports) {
		return errors.New("another package imports all its names (import .)")
	}
	x, err := u.delta.Excerpt(u.changed, around)
	if err == nil && x.Imported && e.outlines {
		err = errors.New("other packages don't compile against it")
	}
	if err == nil {
		u.excerpt = x
		return nil
	}
	e.debug = append(e.debug, fmt.Sprintf("no excerpt of %s: %v", u.pkg.ImportPath, err))
	x, err = u.delta.Outline(u.changed, u.inits, around)
	if err == nil && x.Outline.Share > maxShare {
		err = fmt.Errorf("%.0f %% of it are concerned", 100*x.Outline.Share)
	}
	if err == nil {
		u.excerpt = x
	}
	return err
}

// maxShare is the part of a package of which it is worth while to compile an outline first
// and the whole later.
const maxShare = 0.5

// around is what there is to know around the sources of a unit.
func (e *edit) around(u *unit, escape change.Escape) (*source.Around, error) {
	h := e.host
	a := &source.Around{NameOf: h.packageName, Tags: escape.Tags, Imported: u.imported, Stale: h.sources.excerpted[u.pkg.ImportPath].exports}
	for _, d := range h.build.Dependents(u.pkg.ImportPath) {
		old, err := h.sources.old(d)
		if err != nil {
			return nil, err
		}
		a.Importers = append(a.Importers, old)
		for _, v := range e.all {
			if v.pkg == d && v.delta != nil && v.delta.New != old {
				a.Importers = append(a.Importers, v.delta.New)
			}
		}
	}
	a.Held = func(method string) bool {
		return slices.ContainsFunc(h.build.Live, func(p *gobuild.Package) bool {
			x, err := h.objects(p.LinkPath())
			return err != nil || x.Holds(method)
		})
	}
	return a, nil
}

// packageName is the name of a package, "" if it is not known.
func (h *host) packageName(path string) string {
	if p := h.build.Packages[path]; p != nil {
		return p.Name
	}
	return ""
}

// large is the size of the sources, in bytes, of a package that takes long to compile.
const large = 100 << 10

func (u *unit) size() (n int) {
	for _, b := range u.content {
		n += len(b)
	}
	return n
}

// compileExcerpt compiles an excerpt and proves that it stands for the whole: that all it
// was told of other functions is true, and that others need not know more of its own.
func (u *unit) compileExcerpt(ctx context.Context, h *host, archives map[string]string) (err error) {
	o, err := h.compiler.Compile(ctx, gobuild.Request{
		ImportPath: u.pkg.ImportPath, Archives: archives, Scan: u.scan,
		Excerpt: u.excerpt.Files, Outline: u.excerpt.Outline != nil, Imported: u.excerpt.Imported,
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			h.compiler.Discard(o)
		}
	}()
	archive, err := readArchive(u.linkPath, o)
	if err != nil {
		return err
	}
	old := h.sources.objects[u.linkPath]
	before := h.sources.escape[u.pkg.ImportPath]
	u.object, u.archive = o, archive
	u.now, u.escape, err = change.GraftExcerpt(old, before, u.delta, u.excerpt, archive, change.EscapeOf(o.Notes), goobj.PathToPrefix(u.linkPath)+".")
	return err
}

// imports finds the packages of the edit that others of it import. Those that one imports
// and of which an edit before has compiled a part alone are compiled, too, if more than
// bodies changed.
func (e *edit) imports(ctx context.Context) error {
	h := e.host
	edited, scans := map[string]*unit{}, map[string]*gobuild.Scan{}
	for _, u := range e.units {
		edited[u.pkg.ImportPath] = u
		if u.scan != nil {
			scans[u.pkg.ImportPath] = u.scan
		}
	}
	if len(scans) > 1 {
		if err := h.compiler.CheckCycle(ctx, scans); err != nil {
			return err
		}
	}
	for _, u := range slices.Clone(e.units) {
		for path := range h.imported(u) {
			v := edited[path]
			if v == nil && h.sources.excerpted[path].exports {
				var err error
				if v, err = h.unchangedUnit(h.build.Packages[path]); err != nil {
					return err
				}
				edited[path] = v
				e.units = append(e.units, v)
			}
			if v != nil {
				v.imported = true
			}
		}
	}
	return nil
}

// imported are the live packages that a unit imports, or did, directly or not.
func (h *host) imported(u *unit) map[string]bool {
	set := map[string]bool{}
	var visit func(imports []string)
	visit = func(imports []string) {
		for _, path := range imports {
			if q := h.build.Packages[path]; q != nil && q.Live && !set[path] {
				set[path] = true
				visit(q.Imports)
			}
		}
	}
	visit(u.pkg.Imports)
	if u.scan != nil {
		visit(u.scan.Imports)
	}
	return set
}

// unchangedUnit is a package whose sources are as they were.
func (h *host) unchangedUnit(p *gobuild.Package) (*unit, error) {
	old, err := h.sources.old(p)
	if err != nil {
		return nil, restartf("the sources of %s, as they were, can't be read: %v", p.ImportPath, err)
	}
	return &unit{pkg: p, linkPath: p.LinkPath(), delta: source.Diff(old, old)}, nil
}

// objects is what a package was compiled to, as the program runs it.
func (h *host) objects(linkPath string) (*change.Objects, error) {
	if x := h.sources.objects[linkPath]; x != nil {
		return x, nil
	}
	a, err := h.patch.Library.Archive(linkPath)
	if err != nil {
		return nil, err
	}
	x := change.Index(a)
	h.sources.objects[linkPath] = x
	return x, nil
}
