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
	List  []Initializer     // in the order of the calls
	Files map[string][]byte // by path: the rewritten files

	behind map[string][]byte // the functions behind each of them
	asked  map[*Decl]bool    // some of these need no function
}

// An Initializer is one of the functions.
type Initializer struct {
	Func string
	Vars []*Decl // those that it sets

	needs []int // the initializers that it depends on, also through others
}

// Has reports whether the functions set the wanted variables, and a function that sets
// one of them sets no other.
func (in *Initializers) Has(wanted map[*Decl]bool) bool {
	have := make(map[*Decl]bool)
	for _, x := range in.List {
		n := 0
		for _, d := range x.Vars {
			have[d] = true
			if wanted[d] {
				n++
			}
		}
		if n != 0 && n != len(x.Vars) {
			return false
		}
	}
	for d := range wanted {
		if !have[d] && !in.asked[d] {
			return false
		}
	}
	return true
}

// Split returns the functions for variables that are new to the program, which have to
// run before any code that knows these, and those for variables whose initialization is
// repeated: these run later, when all that they call is the new code, but where a new
// variable depends on them.
func (in *Initializers) Split(fresh, again map[*Decl]bool) (before, after []Initializer) {
	early := make(map[int]bool)
	sets := func(x Initializer, set map[*Decl]bool) bool {
		return slices.ContainsFunc(x.Vars, func(d *Decl) bool { return set[d] })
	}
	for i, x := range in.List {
		if !sets(x, fresh) {
			continue
		}
		early[i] = true
		for _, j := range x.needs {
			if sets(in.List[j], again) {
				early[j] = true
			}
		}
	}
	for i, x := range in.List {
		switch {
		case early[i]:
			before = append(before, x)
		case sets(x, again):
			after = append(after, x)
		}
	}
	return before, after
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
// ones whose initializer can have no effect. Those whose initialization is to be
// repeated (Decl.Again) always have one.
func (p *Package) Initializers(prefix string, vars []*Decl) (*Initializers, error) {
	r := p.resolve()
	units, err := r.units(vars)
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		// The compiler numbers such types over the package, see LocalTypes, and the copy
		// would be one more.
		if u.value != nil && declaresType(u.value) {
			return nil, fmt.Errorf("the initializer of %s declares a type", u.vars[0].Name)
		}
	}
	in := &Initializers{Files: make(map[string][]byte), behind: make(map[string][]byte), asked: make(map[*Decl]bool)}
	for _, d := range vars {
		in.asked[d] = true
	}
	sorted := r.sort(units)
	for i, u := range sorted {
		name := fmt.Sprint(prefix, "_", i+1)
		if p.Decls[name] != nil {
			return nil, fmt.Errorf("making initializers of %q: %s is declared already", p.Path, name)
		}
		path := u.vars[0].File.Path
		in.behind[path] = u.appendFunc(in.behind[path], name)
		x := Initializer{Func: name, Vars: u.vars}
		for j, other := range sorted {
			if u.deps[other] {
				x.needs = append(x.needs, j)
			}
		}
		in.List = append(in.List, x)
	}
	for _, f := range p.Files {
		if in.behind[f.Path] != nil {
			in.Files[f.Path] = in.rewrite(f.Path, f.Content)
		}
	}
	return in, nil
}

// rewrite puts the functions behind the content of a file.
func (in *Initializers) rewrite(path string, content []byte) []byte {
	b := fmt.Appendf(nil, "//line %s:1:1\n", path)
	b = append(b, bytes.TrimPrefix(content, []byte("\ufeff"))...)
	if !bytes.HasSuffix(b, []byte("\n")) {
		b = append(b, '\n')
	}
	return append(b, in.behind[path]...)
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
	spec := d.node.(*ast.ValueSpec)
	value := ast.Node(u.value)
	if u.value == nil {
		value = spec.Type
	}
	at := d.File.position(value.Pos())
	place := func(col int) string {
		if at.Column == 0 { // a //line directive without columns is in effect
			return fmt.Sprintf("//line %s:%d\n", at.Filename, at.Line)
		}
		return fmt.Sprintf("//line %s:%d:%d\n", at.Filename, at.Line, col)
	}
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
	text := d.File.Content[value.Pos()-base : value.End()-base]
	b = append(b, place(1)...)
	if u.value == nil { // its zero value
		b = append(b, "func "+name+"() { "+d.Name+" = *new(\n"...)
		b = append(b, place(at.Column)...)
		b = append(b, text...)
		return append(b, ") }\n"...)
	}
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
		if !wanted[d] || d.value == nil && !(d.Again && d.Kind == Var) {
			continue
		}
		if d.value == nil {
			units = append(units, &unit{vars: []*Decl{d}})
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
		if slices.ContainsFunc(u.vars, func(d *Decl) bool { return d.Again }) {
			return false
		}
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
		if u.value != nil {
			visit(r.find(u.value))
		}
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
