package source

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// NewVars returns the added variables, blank ones included, in source order.
func (d *Delta) NewVars() []*Decl {
	var list []*Decl
	for _, x := range d.Added {
		if _, ok := x.node.(*ast.ValueSpec); ok && !x.constant && x.value != nil {
			list = append(list, x)
		}
	}
	return list
}

// Initializers are functions that do what the package's initialization would do
// for some of its variables.
type Initializers struct {
	Funcs []string          // names, in the order of the calls
	Files map[string][]byte // by path: the rewritten files
}

// Initializers makes functions for the initializers of vars, which are
// declarations of p. The names of the functions are prefix, "_" and a number; it
// is an error if the package has such a name already. Each file in the result is
// the file of p with a //line directive in front, so that it can be compiled
// from another place, and functions behind. No position of the file changes, and
// those of the initializers are the true ones. (File paths must be absolute, or
// the compiler takes them relative to the copy.)
//
// Variables that need no function have none: those without initializer, those
// with a constant, which the compiler puts into the data of the object, and blank
// ones whose initializer can have no effect.
func (p *Package) Initializers(prefix string, vars []*Decl) (*Initializers, error) {
	r := p.resolve()
	units, err := r.units(vars)
	if err != nil {
		return nil, err
	}
	in := &Initializers{Files: make(map[string][]byte)}
	for i, u := range r.sort(units) {
		name := fmt.Sprint(prefix, "_", i+1)
		if p.Decls[name] != nil {
			return nil, fmt.Errorf("making initializers of %q: %s is declared already", p.Path, name)
		}
		f := u.vars[0].File
		content, ok := in.Files[f.Path]
		if !ok {
			content = fmt.Appendf(nil, "//line %s:1:1\n", f.Path)
			content = append(content, bytes.TrimPrefix(f.Content, []byte("\ufeff"))...)
			if !bytes.HasSuffix(content, []byte("\n")) {
				content = append(content, '\n')
			}
		}
		in.Files[f.Path] = u.appendFunc(content, name)
		in.Funcs = append(in.Funcs, name)
	}
	return in, nil
}

// A unit is one initializer and the variables among those wanted that it sets.
type unit struct {
	vars  []*Decl
	value ast.Expr
	deps  map[*unit]bool
}

// appendFunc appends a function that runs the initializer.
func (u *unit) appendFunc(b []byte, name string) []byte {
	d := u.vars[0]
	at := d.File.position(u.value.Pos())
	place := func(col int) string {
		if at.Column == 0 { // a //line directive without columns is in effect
			return fmt.Sprintf("//line %s:%d\n", at.Filename, at.Line)
		}
		return fmt.Sprintf("//line %s:%d:%d\n", at.Filename, at.Line, col)
	}
	spec := d.node.(*ast.ValueSpec)
	targets := "var _ " + d.TypeText // of a constant, say, that only this type can hold
	if d.Kind != Blank || d.TypeText == "" || len(spec.Names) > 1 {
		n := 1
		if len(spec.Values) == 1 {
			n = len(spec.Names)
		}
		names := slices.Repeat([]string{"_"}, n)
		for _, v := range u.vars {
			if v.Kind != Blank {
				names[v.Index] = v.Name
			}
		}
		targets = strings.Join(names, ", ")
	}
	base := d.File.tokens.Pos(0)
	text := d.File.Content[u.value.Pos()-base : u.value.End()-base]
	b = append(b, place(1)...)
	b = append(b, "func "+name+"() { "+targets+" =\n"...)
	b = append(b, place(at.Column)...)
	b = append(b, text...)
	return append(b, " }\n"...)
}

// A resolver knows what the identifiers of a package stand for.
type resolver struct {
	p       *Package
	info    *types.Info
	decls   map[types.Object]*Decl
	methods map[string][]*Decl // by their bare name
	refs    map[*Decl][]*Decl  // memo of references
}

// resolve checks the types of p without those of its imports. What comes from
// there is left unresolved, and so are the errors: the compiler reports them.
func (p *Package) resolve() *resolver {
	r := &resolver{
		p: p,
		info: &types.Info{
			Types: make(map[ast.Expr]types.TypeAndValue),
			Defs:  make(map[*ast.Ident]types.Object),
			Uses:  make(map[*ast.Ident]types.Object),
		},
		decls:   make(map[types.Object]*Decl),
		methods: make(map[string][]*Decl),
		refs:    make(map[*Decl][]*Decl),
	}
	conf := types.Config{
		FakeImportC:              true,
		Importer:                 noImports{},
		Error:                    func(error) {},
		DisableUnusedImportCheck: true,
	}
	var trees []*ast.File
	for _, f := range p.Files {
		trees = append(trees, f.AST)
	}
	conf.Check(p.Path, p.fset, trees, r.info) // the error went to conf.Error
	for _, d := range p.List {
		if obj := r.info.Defs[d.ident]; obj != nil {
			r.decls[obj] = d
		}
		if d.Kind == Method {
			r.methods[d.ident.Name] = append(r.methods[d.ident.Name], d)
		}
	}
	return r
}

// noImports makes go/types put an empty package for each import.
type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	return nil, errors.New("imports are not resolved")
}

// units returns the initializers that need a function, in declaration order.
func (r *resolver) units(vars []*Decl) ([]*unit, error) {
	wanted := make(map[*Decl]bool)
	for _, d := range vars {
		if _, ok := d.node.(*ast.ValueSpec); !ok || d.constant {
			return nil, fmt.Errorf("making initializers of %q: %s is a %v", r.p.Path, d.Name, d.Kind)
		}
		wanted[d] = true
	}
	byValue := make(map[ast.Expr]*unit)
	var units []*unit
	for _, d := range r.p.List {
		if !wanted[d] || d.value == nil {
			continue
		}
		if u := byValue[d.value]; u != nil {
			u.vars = append(u.vars, d)
			continue
		}
		u := &unit{vars: []*Decl{d}, value: d.value}
		byValue[d.value] = u
		units = append(units, u)
	}
	return slices.DeleteFunc(units, func(u *unit) bool {
		if r.info.Types[u.value].Value != nil {
			return true
		}
		blank := func(d *Decl) bool { return d.Kind == Blank }
		return !slices.ContainsFunc(u.vars, func(d *Decl) bool { return !blank(d) }) && r.inert(u.value)
	}), nil
}

// inert reports that x surely does nothing but make a value.
func (r *resolver) inert(x ast.Expr) bool {
	inert := true
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			inert = inert && r.info.Types[n.Fun].IsType()
		case *ast.UnaryExpr:
			inert = inert && n.Op == token.AND
		case *ast.StarExpr:
			inert = inert && r.info.Types[n].IsType()
		case *ast.BinaryExpr, *ast.IndexExpr, *ast.IndexListExpr, *ast.SliceExpr, *ast.TypeAssertExpr:
			inert = false // may panic
		}
		return inert
	})
	return inert
}

// sort returns the units in the order of package initialization: again and
// again the first in declaration order that depends on none that is left.
// (Go spec, "Package initialization".)
func (r *resolver) sort(units []*unit) []*unit {
	owner := make(map[*Decl]*unit)
	for _, u := range units {
		for _, d := range u.vars {
			owner[d] = u
		}
	}
	for _, u := range units {
		u.deps = make(map[*unit]bool)
		seen := make(map[*Decl]bool)
		var visit func([]*Decl)
		visit = func(refs []*Decl) {
			for _, d := range refs {
				if seen[d] {
					continue
				}
				seen[d] = true
				if other := owner[d]; other != nil && other != u {
					u.deps[other] = true
				}
				visit(r.references(d))
			}
		}
		visit(r.find(u.value))
	}
	var sorted []*unit
	left := slices.Clone(units)
	for len(left) > 0 {
		ready := slices.IndexFunc(left, func(u *unit) bool {
			return !slices.ContainsFunc(left, func(other *unit) bool { return other != u && u.deps[other] })
		})
		// No unit is ready only if a method that was guessed by its name
		// closes a circle: then it isn't meant.
		ready = max(ready, 0)
		sorted = append(sorted, left[ready])
		left = slices.Delete(left, ready, ready+1)
	}
	return sorted
}

// references returns the functions, methods and variables of the package that
// the code of d names.
func (r *resolver) references(d *Decl) []*Decl {
	list, ok := r.refs[d]
	if !ok {
		switch n := d.node.(type) {
		case *ast.FuncDecl:
			if n.Body != nil {
				list = r.find(n.Body)
			}
		case *ast.ValueSpec:
			if d.value != nil {
				list = r.find(d.value)
			}
		}
		r.refs[d] = list
	}
	return list
}

func (r *resolver) find(n ast.Node) []*Decl {
	var list []*Decl
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			obj := r.info.Uses[n]
			if fn, ok := obj.(*types.Func); ok {
				obj = fn.Origin()
			}
			if d := r.decls[obj]; d != nil && d.Kind != Type && d.Kind != Const {
				list = append(list, d)
			}
		case *ast.SelectorExpr:
			// A selector on a value that an import made: it may be any
			// method of that name.
			if x, ok := n.X.(*ast.Ident); ok {
				if _, ok := r.info.Uses[x].(*types.PkgName); ok {
					return true
				}
			}
			if r.info.Uses[n.Sel] == nil {
				list = append(list, r.methods[n.Sel.Name]...)
			}
		}
		return true
	})
	return list
}
