package source

import (
	"errors"
	"go/ast"
	"slices"
)

// The compiler refuses a package for more reasons than a function has in itself. An excerpt
// may only leave out what can't be one of them: here is what decides it.

// free are the identifiers of a file that none of its scopes declares: those by which it uses
// its imports are among them, and a variable that hides an import is not.
func (f *File) free() map[string]bool {
	set, err := unresolved(f.Content)
	if err != nil {
		return nil
	}
	return set
}

// demanded reports whether anything may need a type to have a method of this name, be it that
// no code is made for it: a blank variable, a constraint, code that never runs. An unexported
// method can only be asked for by interfaces of its own package; any package, of those that
// the program has no sources of too, may have an interface with an exported one.
func (d *Delta) demanded(method string, around *Around) bool {
	return ast.IsExported(method) || d.Old.interfaceMethods()[method] || d.New.interfaceMethods()[method] || around.held(method)
}

// interfaceMethods are the names of the methods that stand in interfaces of the package.
func (p *Package) interfaceMethods() map[string]bool {
	set := map[string]bool{}
	for _, f := range p.Files {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if t, ok := n.(*ast.InterfaceType); ok {
				for _, m := range t.Methods.List {
					for _, id := range m.Names {
						set[id.Name] = true
					}
				}
			}
			return true
		})
	}
	return set
}

// surfaces reports whether one of the identifiers by which others would know a declaration is
// reached.
func (s *Spread) surfaces(x *Decl) (found bool) {
	x.surface(func(name string) { found = found || s.names[name] })
	return found
}

// Signs reports whether the signature of a function names what is reached.
func (s *Spread) Signs(x *Decl) (found bool) {
	if fn, ok := x.node.(*ast.FuncDecl); ok {
		identifiers(fn.Type, false, func(name string) { found = found || s.names[name] })
		if fn.Recv != nil {
			identifiers(fn.Recv, false, func(name string) { found = found || s.names[name] })
		}
	}
	return found
}

// mayCycle reports as an error that an excerpt is not enough to see whether a variable is
// initialized by itself, through functions. Such a cycle has a way that was not there: in a
// function that was edited, of those that lead from an initializer to a variable with one.
// With bodies nothing but these changed, so what a function names for the first time is the
// only new way.
func (d *Delta) mayCycle(edited map[*Decl]bool, bodies bool) error {
	leads := map[string]bool{}
	for _, x := range d.New.List {
		if x.isFunc() || x.IsVar() && x.value != nil {
			leads[methodName(x.Name)] = true
		}
	}
	var grown []*Decl
	for x, is := range edited {
		var had []string
		if was := d.Old.Decls[x.Name]; was != nil && was.Kind == x.Kind {
			had = was.idents()
		}
		if is && x.isFunc() && (!bodies || slices.ContainsFunc(x.idents(), func(name string) bool { return leads[name] && !slices.Contains(had, name) })) {
			grown = append(grown, x)
		}
	}
	if len(grown) == 0 {
		return nil
	}
	orders := d.New.orders()
	if slices.ContainsFunc(grown, func(x *Decl) bool { return orders[x] }) {
		return errors.New("a function that initializers come to names more than before")
	}
	return nil
}
