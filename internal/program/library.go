package program

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// Library is the set of objects that the newest version of the program is made of:
// the host's own archives and, over them, those of accepted edits.
type Library struct {
	files    map[string]string // archive file by import path
	live     map[string]bool   // packages whose source the user may edit
	archives map[string]*goobj.Archive
	grafts   map[string][]graft // newest first
	names    map[*goobj.Archive]map[string][]Definition
}

// graft is what an excerpt of a package was compiled to, which stands before the package's
// archive for the symbols that it owns. Other packages count in the archive.
type graft struct {
	archive *goobj.Archive
	owns    map[string]bool
}

// Definition is a symbol in the object that defines it.
type Definition struct {
	Object *goobj.Object
	Sym    goobj.Sym
}

// NewLibrary is a library of archive files, by import path; live names the packages
// whose source the user may edit. The files are read when they
// are first asked for.
func NewLibrary(files map[string]string, live map[string]bool) *Library {
	return &Library{files: files, live: live, archives: map[string]*goobj.Archive{}, grafts: map[string][]graft{}, names: map[*goobj.Archive]map[string][]Definition{}}
}

// With is the library with some archives replaced or added; l itself stays as it is.
func (l *Library) With(archives []*goobj.Archive) *Library {
	n := &Library{files: l.files, live: l.live, archives: maps.Clone(l.archives), grafts: maps.Clone(l.grafts), names: make(map[*goobj.Archive]map[string][]Definition)}
	for _, a := range archives {
		n.archives[a.ImportPath] = a
		delete(n.grafts, a.ImportPath)
	}
	keep := func(a *goobj.Archive) {
		if m, ok := l.names[a]; ok {
			n.names[a] = m // and not those of archives that were replaced
		}
	}
	for _, a := range n.archives {
		keep(a)
	}
	for _, list := range n.grafts {
		for _, g := range list {
			keep(g.archive)
		}
	}
	return n
}

// Graft is the library with what an excerpt of a package was compiled to put over the
// package's archive, for the symbols that it owns.
func (l *Library) Graft(excerpt *goobj.Archive, owns map[string]bool) *Library {
	n := l.With(nil)
	list := []graft{{excerpt, owns}}
	for _, g := range n.grafts[excerpt.ImportPath] {
		needed := false
		for name := range g.owns {
			needed = needed || !slices.ContainsFunc(list, func(newer graft) bool { return newer.owns[name] })
		}
		if needed {
			list = append(list, g)
		}
	}
	n.grafts[excerpt.ImportPath] = list
	return n
}

// Proper is the definition of a symbol that counts, given one that is at hand: an excerpt
// also has what its functions refer to, but not in its whole form, and newer ones may have
// put theirs in place of it.
func (l *Library) Proper(o *goobj.Object, sym goobj.Sym) (*goobj.Object, goobj.Sym, error) {
	name, abi := o.Name(sym), o.ABI(sym)
	for _, g := range l.grafts[o.ImportPath] {
		if !g.owns[name] {
			continue
		}
		if slices.Contains(g.archive.Objects, o) {
			return o, sym, nil
		}
		if d, ok := l.in(g.archive, name, abi); ok {
			return d.Object, d.Sym, nil
		}
	}
	a, err := l.Archive(o.ImportPath)
	if err != nil || slices.Contains(a.Objects, o) {
		return o, sym, err
	}
	if d, ok := l.in(a, name, abi); ok {
		return d.Object, d.Sym, nil
	}
	if slices.ContainsFunc(l.grafts[o.ImportPath], func(g graft) bool { return slices.Contains(g.archive.Objects, o) }) {
		return nil, 0, fmt.Errorf("%s is defined in an excerpt alone", name)
	}
	return o, sym, nil
}

// inPackage finds a symbol in the newest excerpt that owns it, or in the package's archive.
func (l *Library) inPackage(path, name string, abi goobj.ABI) (Definition, bool) {
	for _, g := range l.grafts[path] {
		if d, ok := l.in(g.archive, name, abi); ok && g.owns[name] {
			return d, true
		}
	}
	a, err := l.Archive(path)
	if err != nil {
		return Definition{}, false
	}
	return l.in(a, name, abi)
}

// Grafted are the definitions of a name in the newest excerpt of a package that owns it.
func (l *Library) Grafted(path, name string) []Definition {
	for _, g := range l.grafts[path] {
		if g.owns[name] {
			return l.Definitions(g.archive, name)
		}
	}
	return nil
}

// in finds a symbol in one archive.
func (l *Library) in(a *goobj.Archive, name string, abi goobj.ABI) (Definition, bool) {
	for _, d := range l.Definitions(a, name) {
		if d.Object.ABI(d.Sym) == abi {
			return d, true
		}
	}
	return Definition{}, false
}

// Live reports whether a package is one whose source the user may edit.
func (l *Library) Live(importPath string) bool { return l.live[importPath] }

// AddFile makes one more archive file known.
func (l *Library) AddFile(importPath, file string) {
	if _, ok := l.files[importPath]; !ok {
		l.files[importPath] = file
	}
}

// Packages are the import paths of all packages.
func (l *Library) Packages() []string {
	list := make([]string, 0, len(l.files))
	for path := range l.files {
		list = append(list, path)
	}
	return list
}

// Archive reads the archive of a package.
func (l *Library) Archive(importPath string) (*goobj.Archive, error) {
	if a, ok := l.archives[importPath]; ok {
		return a, nil
	}
	file, ok := l.files[importPath]
	if !ok {
		return nil, fmt.Errorf("package %q is not part of the program", importPath)
	}
	// Read, not mapped: a file that is cut short under a mapping is a SIGBUS, one that
	// is overwritten is code that nobody has checked, and the build cache is not ours.
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading archive of %q: %w", importPath, err)
	}
	a, err := goobj.ReadArchive(importPath, b)
	if err != nil {
		return nil, err
	}
	l.archives[importPath] = a
	return a, nil
}

// Definitions are the definitions of a name in one archive, static symbols left out.
func (l *Library) Definitions(a *goobj.Archive, name string) []Definition {
	m, ok := l.names[a]
	if !ok {
		m = map[string][]Definition{}
		for _, o := range a.Objects {
			for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
				// Go 1.27 leaves functions without a body behind, where all calls of a
				// func literal were inlined.
				if o.Kind(s).IsText() && o.Size(s) == 0 {
					continue
				}
				if n := o.Name(s); n != "" && o.ABI(s) != goobj.ABIStatic && !o.Kind(s).IsDWARF() {
					m[n] = append(m[n], Definition{o, s})
				}
			}
		}
		l.names[a] = m
	}
	return m[name]
}

// Find looks a symbol up by name: in the package that the name belongs to, then,
// since a symbol that is emitted wherever it is used (a generic instance, a wrapper,
// a type) may lie anywhere, in all that were read.
//
// As to the linker, a name and an ABI are one symbol; data has ABI0.
func (l *Library) Find(name string, abi goobj.ABI) (Definition, error) {
	if path := PackageOf(name); path != "" {
		if d, ok := l.inPackage(path, name, abi); ok {
			return d, nil
		}
	}
	for path := range l.files {
		a, err := l.Archive(path)
		if err != nil {
			return Definition{}, err
		}
		if d, ok := l.in(a, name, abi); ok {
			return d, nil
		}
	}
	for _, a := range l.archives {
		if d, ok := l.in(a, name, abi); ok {
			return d, nil
		}
	}
	for path := range l.grafts {
		if d, ok := l.inPackage(path, name, abi); ok {
			return d, nil
		}
	}
	return Definition{}, fmt.Errorf("symbol %s is defined nowhere", name)
}

// PackageOf is the import path in front of a linker symbol name, where dots behind
// the last slash are escaped; "" if there is none.
func PackageOf(name string) string {
	if strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "go:") {
		return ""
	}
	if i := strings.IndexAny(name, "[("); i >= 0 {
		name = name[:i]
	}
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return ""
	}
	return goobj.PrefixToPath(name[:slash+dot])
}
