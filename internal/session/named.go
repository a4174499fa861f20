package session

import (
	"os"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// A name is what refers to a function or variable by its linker name, from where no compiler
// compares the two: assembly, and another package, by //go:linkname.
type name struct {
	from     string // import path of the package that does
	assembly bool
}

// named refuses an edit that takes away or changes what is referred to by its linker name:
// the assembly is as it was, and what a linkname declares of another package's function
// stays. A build may refuse the edit too, which only the linker sees.
func (e *edit) named() error {
	var names map[string]name
	for _, u := range e.units {
		if u.delta == nil || bodiesOnly(u.delta) && len(u.changed) == 0 {
			continue
		}
		if names == nil {
			var err error
			if names, err = e.names(); err != nil {
				return err
			}
		}
		if len(names) == 0 {
			return nil
		}
		if err := e.namedIn(u, names); err != nil {
			return err
		}
	}
	return nil
}

// bodiesOnly reports whether nothing of a package has changed but bodies of functions, and
// nothing is gone.
func bodiesOnly(d *source.Delta) bool {
	for _, c := range d.Changed {
		if c.New.IsVar() && c.What != source.Lines || c.New.Kind == source.Const || c.New.Kind == source.Type || c.What&source.Signature != 0 {
			return false
		}
	}
	return len(d.Removed) == 0
}

// namedIn is for the declarations of one package.
func (e *edit) namedIn(u *unit, names map[string]name) error {
	prefix := goobj.PathToPrefix(u.linkPath) + "."
	refuse := func(x *source.Decl, n name, what string) error {
		by := n.from + " (//go:linkname)"
		if n.assembly {
			by = "assembly of " + n.from
		}
		e.decl(x.Pos.Filename, by+" refers to "+x.Name+", "+what)
		return restartf("")
	}
	for _, x := range u.delta.Removed {
		if n, ok := names[prefix+x.Symbol]; ok {
			return refuse(x, n, "which is gone")
		}
	}
	changed := map[*source.Decl]bool{}
	for _, c := range u.delta.Changed {
		changed[c.New] = c.What&source.Signature != 0
	}
	var spread *source.Spread
	for _, x := range u.delta.New.List {
		n, ok := names[prefix+x.Symbol]
		switch {
		case !ok || u.delta.Old.Decls[x.Name] == nil:
		case x.IsVar():
			if u.judged.Fresh[x] && (n.assembly || !e.compiled(n.from)) {
				return refuse(x, n, "whose type changed")
			}
		case x.Kind == source.Func || x.Kind == source.Method:
			if spread == nil {
				spread = u.delta.Spread(u.changed, nil)
			}
			if x.HasBody && (changed[x] || spread.Signs(x)) {
				return refuse(x, n, "of which the parameters or results changed")
			}
		}
	}
	return nil
}

// compiled reports whether the edit has compiled a package.
func (e *edit) compiled(path string) bool {
	for _, u := range e.units {
		if u.pkg.ImportPath == path {
			return true
		}
	}
	return false
}

// names are those by which objects refer to what another package, or their own package's
// Go code, declares. The standard library refers to nothing of a program but main.main.
func (e *edit) names() (map[string]name, error) {
	h := e.host
	set := map[string]name{}
	for _, p := range h.build.Order {
		switch {
		case p.Standard || p.Export == "" && !p.Live:
			continue
		case !p.Live:
			if err := h.sources.foreignNames(p, set); err != nil {
				return nil, err
			}
			continue
		}
		a, err := h.patch.Library.Archive(p.LinkPath())
		if err != nil {
			if p.Added {
				continue // by this edit
			}
			return nil, err
		}
		h.sources.names(a, p.ImportPath, set)
	}
	for _, u := range e.units {
		if u.archive != nil && u.excerpt == nil { // which can't have a linkname
			h.sources.names(u.archive, u.pkg.ImportPath, set)
		}
	}
	return set, nil
}

// foreignNames adds those of a package that is not live. Without assembly and unsafe it has
// none: the compiler takes a linkname only from a file that imports unsafe
// (cmd/compile/internal/noder/noder.go, pragma).
func (s *sources) foreignNames(p *gobuild.Package, set map[string]name) error {
	if len(p.SFiles) == 0 && !slices.Contains(p.Imports, "unsafe") && !p.Cgo {
		return nil
	}
	if s.named[p.ImportPath] == nil {
		data, err := os.ReadFile(p.Export)
		if err != nil {
			return err
		}
		a, err := goobj.ReadArchive(p.LinkPath(), data)
		if err != nil {
			return err
		}
		list := map[string]bool{}
		for id, assembly := range namesIn(a) {
			list[strings.Clone(id)] = assembly // and not a part of the archive
		}
		s.named[p.ImportPath] = &names{list: list}
	}
	s.named[p.ImportPath].add(p.ImportPath, set)
	return nil
}

// names adds those of the archive of a live package.
func (s *sources) names(a *goobj.Archive, path string, set map[string]name) {
	n := s.named[path]
	if n == nil || n.archive != a {
		n = &names{a, namesIn(a)}
		s.named[path] = n
	}
	n.add(path, set)
}

// names are the linker names that an archive refers to, or defines for others, and whether its
// assembly does.
type names struct {
	archive *goobj.Archive // nil if it is one that does not change
	list    map[string]bool
}

func (n *names) add(path string, set map[string]name) {
	for id, assembly := range n.list {
		if !set[id].assembly {
			set[id] = name{path, assembly}
		}
	}
}

func namesIn(a *goobj.Archive) map[string]bool {
	list := map[string]bool{}
	own := goobj.PathToPrefix(a.ImportPath) + "."
	for i, o := range a.Objects {
		for sym := goobj.Sym(0); int(sym) < o.NumSyms(); sym++ {
			if o.InPackage(sym) || o.Hashed(sym) {
				continue
			}
			// The Go object's own names are the compiler's matter, and what it makes has no
			// name of a declaration.
			switch id := o.Name(sym); {
			case id == "" || strings.HasPrefix(id, "type:") || strings.HasPrefix(id, "go:") || strings.Contains(id, "["):
			case i > 0 || !strings.HasPrefix(id, own):
				list[id] = i > 0 || list[id]
			}
		}
	}
	return list
}
