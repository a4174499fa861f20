package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A unit is a package of the module with its types.
type unit struct {
	path  string // from the module root, as the import path in the standard library was
	fset  *token.FileSet
	trees map[string]*ast.File // by name from the module root
	texts files
	info  *types.Info
	types *types.Package

	still map[*ast.FuncDecl]bool // functions that are not edited, see still.go
}

// A checker finds the types of a module's packages, again only for those that changed.
type checker struct {
	group group
	std   types.Importer
	last  map[string]*unit
}

func newChecker(g group, t *toolchain) *checker {
	lookup := func(path string) (io.ReadCloser, error) {
		file, ok := t.exports[path]
		if !ok {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(file)
	}
	return &checker{g, importer.ForCompiler(token.NewFileSet(), "gc", lookup), map[string]*unit{}}
}

// Import is that of a file of the module.
func (c *checker) Import(imported string) (*types.Package, error) {
	if ours, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
		if u := c.last[ours]; u != nil {
			return u.types, nil
		}
		return nil, fmt.Errorf("no package %s yet", imported)
	}
	return c.std.Import(imported)
}

// trace is the package that edits log with.
const trace = "internal/trace"

// check returns the units of the files. An error is a [wrong], or not of the program.
func (c *checker) check(f files) (map[string]*unit, error) {
	changed := false
	for _, pkg := range append([]string{trace}, c.group.packages...) {
		texts := make(files)
		for name, text := range f {
			if path.Dir(name) == pkg {
				texts[name] = text
			}
		}
		if u := c.last[pkg]; !changed && u != nil && maps.Equal(u.texts, texts) {
			continue
		}
		changed = true // all behind it: they may hold its types
		u, err := c.unit(pkg, texts)
		if err != nil {
			c.forget(pkg)
			return nil, err
		}
		u.still = c.group.still(u)
		c.last[pkg] = u
	}
	return maps.Clone(c.last), nil
}

// forget drops a unit, and all behind it.
func (c *checker) forget(pkg string) {
	all := append([]string{trace}, c.group.packages...)
	for _, behind := range all[slices.Index(all, pkg):] {
		delete(c.last, behind)
	}
}

// wrong is what the type checker found.
type wrong struct {
	file      string
	at        int // offset
	text      string
	errorText string
}

func (w *wrong) Error() string { return w.errorText }

// idle reports whether all that is wrong is an import that nothing uses.
func (w *wrong) idle() bool { return idleImport.MatchString(w.errorText) }

var idleImport = regexp.MustCompile(`^".*" imported( as \w+)? and not used`)

func (c *checker) unit(pkg string, texts files) (*unit, error) {
	u := &unit{path: pkg, fset: token.NewFileSet(), trees: map[string]*ast.File{}, texts: texts, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Scopes: map[ast.Node]*types.Scope{}, Implicits: map[ast.Node]types.Object{},
	}}
	var trees []*ast.File
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		tree, err := parser.ParseFile(u.fset, name, texts[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, &wrong{file: name, errorText: err.Error()}
		}
		u.trees[name], trees = tree, append(trees, tree)
	}
	config := types.Config{Importer: c}
	var err error
	u.types, err = config.Check(modulePath+"/"+pkg, u.fset, trees, u.info)
	if e := (types.Error{}); errors.As(err, &e) {
		at := u.fset.Position(e.Pos)
		return nil, &wrong{file: at.Filename, at: at.Offset, text: texts[at.Filename], errorText: e.Msg}
	}
	return u, err
}

// withoutIdleImports takes the imports away that nothing uses any more, and checks.
func (c *checker) withoutIdleImports(f files) (map[string]*unit, error) {
	for range 4 {
		units, err := c.check(f)
		w := (*wrong)(nil)
		if !errors.As(err, &w) || !w.idle() {
			return units, err
		}
		// The error stands at the import's name or path.
		begin := strings.LastIndexByte(w.text[:w.at], '\n') + 1
		length := strings.IndexByte(w.text[begin:], '\n') + 1
		f[w.file] = w.text[:begin] + w.text[begin+length:]
	}
	return nil, errors.New("too many imports that nothing uses")
}
