// Package source holds the sources of a package as data, and the difference of
// two versions of them.
//
// What the compiler made of an edit is seen in object files; this package sees
// what objects can't show: which func literal of the new source is the literal
// of the old one (objects number them by their order), which initializers
// changed or are new, and which declarations other packages can depend on.
//
// Nothing here needs types or the sources of other packages. So two equal texts
// may still mean different things, where an import or a declaration that they
// name has changed: those changes are in the [Delta] too, and the objects tell.
//
// All texts are normal: the same for each layout of the same program, see
// [Decl].
package source

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Package is one version of the Go files of a package. It is read-only.
type Package struct {
	Path  string  // import path
	Name  string  // of the package clause of the first file
	Files []*File // by path, the order in which go build hands them to the compiler

	// Decls are the declarations by Name. Those that have no name of their
	// own (init functions and blank declarations) are in List only.
	Decls map[string]*Decl
	List  []*Decl // all, in source order

	redeclared bool // see Redeclared

	fset   *token.FileSet         // shared with the package that ParseWith was given
	idents func() map[string]bool // see Identifiers
}

// A File is one Go file. Versions of a package share the files that are the same.
type File struct {
	Path    string // as given to Parse
	Content []byte
	AST     *ast.File
	Imports []Import

	// Directives are the //go: lines that belong to no declaration, such as
	// //go:build and //go:debug.
	Directives []string
	// Preamble is the C code above import "C".
	Preamble string
	Strays   []Stray

	tokens *token.File
	decls  []*Decl         // init functions numbered from 0
	bases  map[string]bool // every x of the selectors x.f
}

// An Import is one import declaration.
type Import struct {
	Name string // as written: "" if there is none, "." or "_"
	Path string
}

// Parse reads the files of the package with the given import path. The keys
// are the files' paths as they shall stand in positions. The error, if any, is
// a [scanner.ErrorList] in the order of files and lines.
func Parse(importPath string, files map[string][]byte) (*Package, error) {
	return ParseWith(nil, importPath, files)
}

// ParseWith is [Parse] for a later version of prev, whose files are used again
// if their path and content are the same. prev may be nil.
func ParseWith(prev *Package, importPath string, files map[string][]byte) (*Package, error) {
	p := &Package{Path: importPath, Decls: make(map[string]*Decl)}
	p.idents = sync.OnceValue(p.findIdents)
	old := make(map[string]*File)
	if prev != nil {
		p.fset = prev.fset
		for _, f := range prev.Files {
			old[f.Path] = f
		}
	} else {
		p.fset = token.NewFileSet()
	}
	var errs scanner.ErrorList
	for _, path := range slices.Sorted(maps.Keys(files)) {
		content := files[path]
		f := old[path]
		if f == nil || !bytes.Equal(f.Content, content) {
			var err error
			f, err = parseFile(p.fset, path, content)
			if err != nil {
				var list scanner.ErrorList
				if !errors.As(err, &list) {
					return nil, err
				}
				errs = append(errs, list...)
				continue
			}
		}
		p.Files = append(p.Files, f)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	if len(p.Files) > 0 {
		p.Name = p.Files[0].AST.Name.Name
	}
	inits := 0
	declared := make(map[string]bool)
	for _, f := range p.Files {
		for _, d := range f.decls {
			if d.Kind == Init {
				symbol := "init." + strconv.Itoa(inits)
				inits++
				if d.Symbol != symbol { // another file has more or fewer of them now
					numbered := *d
					numbered.Symbol = symbol
					d = &numbered
				}
			}
			p.List = append(p.List, d)
			if key := d.scopeName(); key != "" {
				p.redeclared = p.redeclared || declared[key]
				declared[key] = true
			}
			if d.Kind != Init && d.Kind != Blank && p.Decls[d.Name] == nil {
				p.Decls[d.Name] = d
			}
		}
	}
	return p, nil
}

// Redeclared reports whether a name is declared twice in the package: the compiler says
// which. The package has the first of the two.
func (p *Package) Redeclared() bool { return p.redeclared }

// DotImports reports whether a file of the package imports the names of another one (import
// . "path").
func (p *Package) DotImports() bool {
	return slices.ContainsFunc(p.Files, func(f *File) bool {
		return slices.ContainsFunc(f.Imports, func(i Import) bool { return i.Name == "." })
	})
}

// scopeName is the name by which a declaration may collide with another, "" if it can't:
// methods are named with their type, whatever the receiver is.
func (d *Decl) scopeName() string {
	switch d.Kind {
	case Init, Blank:
		return ""
	case Method:
		return d.receiver() + "." + methodName(d.Name)
	}
	return d.Name
}

func parseFile(fset *token.FileSet, path string, content []byte) (*File, error) {
	tree, err := parser.ParseFile(fset, path, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &File{
		Path:    path,
		Content: content,
		AST:     tree,
		tokens:  fset.File(tree.FileStart),
	}
	f.bases = bases(tree)
	for _, d := range tree.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
			for _, spec := range d.Specs {
				f.addImport(d, spec.(*ast.ImportSpec))
			}
		}
	}
	f.addDecls()
	return f, nil
}

func (f *File) addImport(d *ast.GenDecl, spec *ast.ImportSpec) {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		path = spec.Path.Value // the parser lets no such file pass
	}
	imp := Import{Path: path}
	if spec.Name != nil {
		imp.Name = spec.Name.Name
	}
	f.Imports = append(f.Imports, imp)
	if path == "C" {
		// As cmd/cgo takes it (ast.go, 1.26): the doc of the spec, or of
		// the declaration if it has no other spec.
		doc := spec.Doc
		if doc == nil && len(d.Specs) == 1 {
			doc = d.Doc
		}
		if doc != nil {
			for _, c := range doc.List {
				f.Preamble += c.Text + "\n"
			}
		}
	}
}

// name returns the name of the import; if it has none, a guess at that of the
// package: the last element of the path without a version.
func (imp Import) name() string {
	if imp.Name != "" {
		return imp.Name
	}
	elems := strings.Split(imp.Path, "/")
	last := elems[len(elems)-1]
	if n := len(elems); n > 1 && isVersion(last) {
		last = elems[n-2]
	}
	if i := strings.LastIndex(last, ".v"); i > 0 { // gopkg.in/yaml.v3
		last = last[:i]
	}
	return last
}

func isVersion(s string) bool {
	if len(s) < 2 || s[0] != 'v' {
		return false
	}
	_, err := strconv.ParseUint(s[1:], 10, 32)
	return err == nil
}

// bases returns the identifiers x of all selectors x.f below the nodes.
func bases(nodes ...ast.Node) map[string]bool {
	set := make(map[string]bool)
	for _, n := range nodes {
		ast.Inspect(n, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := sel.X.(*ast.Ident); ok {
					set[id.Name] = true
				}
			}
			return true
		})
	}
	return set
}

// named returns the imports of f, as "name path", whose name stands before a
// dot below the nodes. For an import without a name this is a guess.
func (f *File) named(nodes ...ast.Node) []string {
	bases := bases(nodes...)
	return f.filter(func(imp Import) bool { return bases[imp.name()] })
}

// uses is named, but sure to have all: the imports without a name whose path
// suggests one that the file uses nowhere are there too, if any x of a selector
// x.f is not the name of an import.
func (f *File) uses(nodes ...ast.Node) []string {
	bases := bases(nodes...)
	imports := make(map[string]bool)
	for _, imp := range f.Imports {
		imports[imp.name()] = true
	}
	strange := false
	for base := range bases {
		strange = strange || !imports[base]
	}
	return f.filter(func(imp Import) bool {
		return bases[imp.name()] || strange && imp.Name == "" && !f.bases[imp.name()]
	})
}

// filter returns the chosen imports and those that need no name to be used.
func (f *File) filter(choose func(Import) bool) []string {
	var list []string
	for _, imp := range f.Imports {
		if imp.Name == "." || imp.Name != "_" && choose(imp) {
			list = append(list, imp.name()+" "+imp.Path)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
