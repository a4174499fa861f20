package source

import (
	"go/ast"
	"maps"
	"slices"
	"strings"
)

// A Spread is what declarations that changed reach by being named: the declarations whose
// meaning may be another one now though their text is the same. It goes by identifiers
// alone, so it may be too wide, and never is too narrow:
//
//   - code depends on a type, constant, variable or function only if it has a value that is
//     of it, contains it or points to it, or calls it;
//   - it has all its values from declarations that it names, from methods that it calls by
//     their names, or from what it is given, of which its signature names the type;
//   - so it names a declaration from which naming leads to the one that changed.
//
// A function without type parameters is named by its signature alone; its body is the one
// place where nothing is named for others.
//
// A type whose methods are others is another one to whom makes an interface value of it, and
// the descriptors of those that have it as a part change with its own.
type Spread struct {
	names     map[string]bool // of declarations, of this package and of others
	methods   map[string]bool // without receivers
	own       map[string]bool // the bare names of what is reached in the package, for others
	described map[string]bool // types of the package with other descriptors
}

// Around is what there is to know of a package that does not stand in its sources.
type Around struct {
	NameOf    func(importPath string) string // the name of a package; "" if it is not known
	Tags      func(*Decl) []string           // the compiler's words on the parameters of a function, as it was: "leaking param: p"
	Held      func(method string) bool       // the old code makes interface values that are held for a method of this name
	Importers []*Package                     // what imports it, as it was and as it is
	Imported  bool                           // others of the edit do, or what these import
	Stale     bool                           // these would import an archive of before the old version
}

// Spread is that of a delta, and of names of other packages, or of functions of this one,
// that mean something else now.
func (d *Delta) Spread(more map[string]bool, around *Around) *Spread {
	s := &Spread{names: map[string]bool{}, methods: map[string]bool{}, own: map[string]bool{}, described: map[string]bool{}}
	users := map[string][]*Decl{} // by what they name for others
	inferring := map[*Decl]bool{} // and those that may also call a method for it
	for _, x := range d.New.List {
		inferring[x] = x.surface(func(name string) { users[name] = append(users[name], x) })
	}
	var work []string
	var reach func(x *Decl)
	receiver := func(method *Decl) *Decl {
		if typ := d.New.Decls[method.receiver()]; typ != nil && typ.Kind == Type {
			return typ
		}
		return nil
	}
	// describe is for a method that its type has not had, has no more, or has as another. What
	// others export has an exported one, too, of which those that call it may come to know.
	describe := func(method *Decl) {
		typ := receiver(method)
		if typ == nil {
			return
		}
		exported := ast.IsExported(methodName(method.Name))
		for t := range closure([]*Decl{typ}, func(t *Decl) []*Decl {
			return slices.DeleteFunc(slices.Clone(users[t.Name]), func(u *Decl) bool { return u.Kind != Type })
		}) {
			switch s.described[t.Name] = true; {
			case t.Generic: // its instances are described where they are used
				reach(t)
			case exported || around.inherits(t.Name):
				s.own[t.Name] = true
			}
		}
	}
	reach = func(x *Decl) {
		if anonymous(x) {
			return
		}
		set, name := s.names, x.Name
		switch {
		case x.Kind == Type:
			s.described[name] = true
		case x.Kind == Method && x.Generic:
			name = x.receiver() // its code is made wherever the type is used
		case x.Kind == Method:
			set, name = s.methods, methodName(x.Name)
			describe(x)
		}
		if s.own[name] = true; !set[name] {
			set[name] = true
			work = append(work, name)
		}
	}
	// gone is for what is not as it was: without the method, the type may be no implementation
	// of an interface any more.
	gone := func(x *Decl) {
		reach(x)
		if typ := receiver(x); typ != nil && d.demanded(methodName(x.Name), around) {
			reach(typ)
		}
	}
	// added is for a method that is new: types that have it by embedding may have two of the
	// name now, and so none.
	added := func(x *Decl) {
		reach(x)
		if typ := receiver(x); typ != nil && d.demanded(methodName(x.Name), around) {
			for t := range closure([]*Decl{typ}, func(t *Decl) []*Decl {
				return slices.DeleteFunc(slices.Clone(users[t.Name]), func(u *Decl) bool {
					return u.Kind != Type || !inherits(u.node, func(name string) bool { return name == t.Name })
				})
			}) {
				if t != typ {
					reach(t)
				}
			}
		}
	}
	for name := range more {
		s.names[name], s.methods[name] = true, true
		work = append(work, name)
	}
	for _, x := range d.New.List {
		if name := methodName(x.Name); more[name] && x.isFunc() {
			s.own[name] = true
		}
	}
	for _, c := range d.Changed {
		switch {
		case c.What == Lines, c.New.isFunc() && !c.New.Generic && c.What&(Signature|Imports) == 0, c.New.Kind == Var && c.What&^(Literals|Lines) == 0:
			continue // others know of it what they did
		}
		gone(c.New)
	}
	for _, x := range d.Added {
		if x.Kind == Method { // what else is new, nothing that is old can name
			added(x)
		}
	}
	for _, x := range d.Removed {
		gone(x)
	}
	for len(work) > 0 {
		name := work[len(work)-1]
		work = work[:len(work)-1]
		for _, x := range users[name] {
			if s.names[name] || inferring[x] {
				reach(x)
			}
		}
	}
	return s
}

// held reports whether an interface value may have been made for a method of this name.
func (a *Around) held(method string) bool { return a == nil || a.Held(method) }

// inherits reports whether another package may declare what has the methods of a type.
func (a *Around) inherits(typ string) bool {
	return a == nil || slices.ContainsFunc(a.Importers, func(p *Package) bool {
		return p.idents()[typ] && slices.ContainsFunc(p.Files, func(f *File) bool { return inherits(f.AST, func(name string) bool { return name == typ }) })
	})
}

// inherits reports whether anything that is declared below a node has the methods of a type
// with such a name: a struct that embeds it, an alias, or a type that is declared to be like it.
func inherits(n ast.Node, is func(name string) bool) (found bool) {
	note := func(name string) { found = found || is(name) }
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StructType:
			for _, f := range n.Fields.List {
				if f.Names == nil {
					identifiers(f.Type, false, note)
				}
			}
		case *ast.TypeSpec:
			switch n.Type.(type) {
			case *ast.StructType, *ast.InterfaceType:
			default:
				identifiers(n.Type, false, note)
			}
		}
		return !found
	})
	return found
}

// isFunc reports whether x is a function or method.
func (x *Decl) isFunc() bool { return x.Kind == Func || x.Kind == Method }

// receiver is the name of a method's type; "" for what is no method.
func (x *Decl) receiver() string {
	if x.Kind != Method {
		return ""
	}
	return strings.Trim(x.Name[:strings.LastIndexByte(x.Name, '.')], "(*)")
}

// methodName is the name of a method without its receiver.
func methodName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// surface calls f for the identifiers by which others know a declaration. infers reports
// whether methods may be among them: in an initializer that gives its variable the type or
// is the value of a constant, and in a generic function, which is compiled where it is used.
func (x *Decl) surface(f func(name string)) (infers bool) {
	switch n := x.node.(type) {
	case *ast.FuncDecl:
		if x.Generic {
			identifiers(n, true, f)
			return true
		}
		identifiers(n.Type, false, f)
	case *ast.TypeSpec:
		if n.TypeParams != nil {
			identifiers(n.TypeParams, false, f)
		}
		identifiers(n.Type, false, f)
	case *ast.ValueSpec:
		if n.Type != nil {
			identifiers(n.Type, false, f)
		}
		if x.value != nil && (n.Type == nil || x.constant) {
			identifiers(x.value, false, f)
			return true
		}
	}
	return false
}

// identifiers calls f for the identifiers below a node, but for those that are names of
// fields, methods of interfaces, and parameters: they name nothing; and for those in func
// literals only if asked.
func identifiers(n ast.Node, literals bool, f func(name string)) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if len(n.Names) > 0 {
				identifiers(n.Type, literals, f)
				return false
			}
		case *ast.FuncLit:
			if !literals {
				identifiers(n.Type, false, f)
				return false
			}
		case *ast.Ident:
			f(n.Name)
		}
		return true
	})
}

// touches reports whether a function, or an initializer, may be compiled to something else
// for what it names, or has a type whose descriptor changes.
func (s *Spread) touches(x *Decl) bool {
	found := false
	if fn, ok := x.node.(*ast.FuncDecl); ok {
		note := func(name string) { found = found || s.names[name] }
		if fn.Recv != nil {
			identifiers(fn.Recv, false, note)
		}
		identifiers(fn.Type, false, note)
	}
	return found || s.inherits(x) || slices.ContainsFunc(x.idents(), func(name string) bool { return s.names[name] || s.methods[name] })
}

// Has reports whether a declaration is reached: whether all that names it is touched.
func (s *Spread) Has(x *Decl) bool {
	if x.Kind == Method {
		return s.methods[methodName(x.Name)]
	}
	return s.names[x.Name]
}

// inherits reports whether in code, or in the declaration of a variable, there is a type with
// the methods of one whose descriptor changes.
func (s *Spread) inherits(x *Decl) bool {
	if x.Kind == Type {
		return false
	}
	is := func(name string) bool { return s.described[name] }
	named := slices.ContainsFunc(x.idents(), is)
	x.surface(func(name string) { named = named || is(name) })
	return named && inherits(x.node, is)
}

// Described are the types of the package whose descriptors may be others.
func (s *Spread) Described() map[string]bool { return s.described }

// Exported are the names by which other packages may name what is reached.
func (s *Spread) Exported() map[string]bool {
	set := map[string]bool{}
	for name := range s.own {
		if ast.IsExported(name) {
			set[name] = true
		}
	}
	return set
}

// NamedBy reports whether one of some packages may name what is reached.
func (s *Spread) NamedBy(importers []*Package) bool {
	exported := s.Exported()
	return slices.ContainsFunc(importers, func(p *Package) bool { return p.Mentions(exported) })
}

// Identifiers are all that stand in the sources.
func (p *Package) Identifiers() map[string]bool { return p.idents() }

func (p *Package) findIdents() map[string]bool {
	set := map[string]bool{}
	for _, f := range p.Files {
		names(f.AST, set)
	}
	return set
}

// findIdents are the distinct identifiers in the body of a function, or in the initializer
// of a variable or constant.
func (x *Decl) findIdents() []string {
	set := map[string]bool{}
	if fn, ok := x.node.(*ast.FuncDecl); ok && fn.Body != nil {
		names(fn.Body, set)
	} else if x.value != nil {
		names(x.value, set)
	}
	return slices.Collect(maps.Keys(set))
}

// orders are the functions that may decide in which order the variables of the package are
// initialized: those by which an initializer may come to a variable that has one, too (Go
// specification, Package initialization). It goes by identifiers, as a Spread does.
func (p *Package) orders() map[*Decl]bool {
	functions := map[string][]*Decl{} // by name, without receivers
	variables := map[string]bool{}
	var initializers []*Decl
	for _, x := range p.List {
		switch {
		case x.isFunc():
			functions[methodName(x.Name)] = append(functions[methodName(x.Name)], x)
		case x.IsVar() && x.value != nil:
			variables[x.Name] = true
			initializers = append(initializers, x)
		}
	}
	users := map[*Decl][]*Decl{}
	reached := closure(initializers, func(x *Decl) (called []*Decl) {
		for _, name := range x.idents() {
			for _, f := range functions[name] {
				users[f] = append(users[f], x)
				called = append(called, f)
			}
		}
		return called
	})
	var deciding []*Decl
	for x := range reached {
		if x.isFunc() && slices.ContainsFunc(x.idents(), func(name string) bool { return variables[name] }) {
			deciding = append(deciding, x)
		}
	}
	return closure(deciding, func(x *Decl) []*Decl { return users[x] })
}

// closure is what can be reached from some by going on to next.
func closure[T comparable](from []T, next func(T) []T) map[T]bool {
	set := map[T]bool{}
	for work := slices.Clone(from); len(work) > 0; {
		x := work[len(work)-1]
		work = work[:len(work)-1]
		if !set[x] {
			set[x] = true
			work = append(work, next(x)...)
		}
	}
	return set
}
