package session

import (
	"context"
	"errors"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// excerpt decides whether an excerpt of the package is compiled in its place, which takes
// a time that does not depend on the size of the package. The whole is compiled later, in
// the background (see behind.go).
func (e *edit) excerpt(ctx context.Context, u *unit) error {
	h := e.host
	if err := h.compiler.NoExcerpt(u.pkg); err != nil {
		return err
	}
	switch {
	case len(e.mods) > 0:
		return errors.New("go.mod changed")
	case u.inits != nil || u.assets.differ():
		return errors.New("its variables or embedded files changed")
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
	name := func(path string) string {
		if p := h.build.Packages[path]; p != nil {
			return p.Name
		}
		return ""
	}
	var err error
	u.excerpt, err = u.delta.Excerpt(name, escape.Tags)
	return err
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
func (u *unit) compileExcerpt(ctx context.Context, h *host, archives map[string]string) error {
	o, err := h.compiler.Compile(ctx, gobuild.Request{ImportPath: u.pkg.ImportPath, Archives: archives, Excerpt: u.excerpt.Files, Scan: u.scan})
	if err != nil {
		return err
	}
	archive, err := goobj.ReadArchive(u.linkPath, o.Archive)
	if err != nil {
		return err
	}
	old, err := h.objects(u.linkPath)
	if err != nil {
		return err
	}
	before := h.sources.escape[u.pkg.ImportPath]
	u.object, u.archive = o, archive
	u.now, u.escape, err = change.GraftExcerpt(old, before, u.delta, u.excerpt, archive, change.EscapeOf(o.Notes), goobj.PathToPrefix(u.linkPath)+".")
	return err
}

// wholes finds the packages that must be compiled as a whole after all: those of the edit of
// which one imports the other, and those that one imports and of which an edit before has
// compiled an excerpt alone.
func (e *edit) wholes() error {
	h := e.host
	edited := map[string]*unit{}
	for _, u := range e.units {
		edited[u.pkg.ImportPath] = u
	}
	for _, u := range slices.Clone(e.units) {
		for path := range h.imported(u) {
			v := edited[path]
			if _, partly := h.sources.excerpted[path]; v == nil && partly {
				var err error
				if v, err = h.unchangedUnit(h.build.Packages[path]); err != nil {
					return err
				}
				edited[path] = v
				e.units = append(e.units, v)
			}
			if v != nil {
				u.excerpt, v.excerpt = nil, nil
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
