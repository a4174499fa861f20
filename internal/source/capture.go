package source

import (
	"go/ast"
	"go/token"
)

// Captures returns the names in a func literal of d that may stand for variables of
// the functions around it, each once, in the order of their first use, which is the
// order that the compiler gives captured variables. A name that is also declared
// inside, or is the key of a composite literal, may be too many: equal lists mean equal
// captures, if the names are declared alike.
func (d *Decl) Captures(l *Literal) []string {
	outside := make(map[string]bool)
	inside := make(map[string]bool)
	declared := func(id *ast.Ident) {
		if id == nil || id.Name == "_" {
			return
		}
		if l.node.Pos() <= id.Pos() && id.Pos() < l.node.End() {
			inside[id.Name] = true
		} else {
			outside[id.Name] = true
		}
	}
	fields := func(list *ast.FieldList) {
		if list == nil {
			return
		}
		for _, f := range list.List {
			for _, id := range f.Names {
				declared(id)
			}
		}
	}
	ast.Inspect(d.node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			// What other literals declare is not in sight of this one.
			return n.Pos() <= l.node.Pos() && l.node.End() <= n.End() || l.node.Pos() <= n.Pos() && n.End() <= l.node.End()
		case *ast.FuncDecl:
			fields(n.Recv)
		case *ast.FuncType:
			fields(n.Params)
			fields(n.Results)
		case *ast.ValueSpec:
			if n != d.node {
				for _, id := range n.Names {
					declared(id)
				}
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, x := range n.Lhs {
					if id, ok := x.(*ast.Ident); ok {
						declared(id)
					}
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				for _, x := range []ast.Expr{n.Key, n.Value} {
					if id, ok := x.(*ast.Ident); ok {
						declared(id)
					}
				}
			}
		}
		return true
	})
	var names []string
	seen := make(map[string]bool)
	use := func(name string) {
		if outside[name] && !seen[name] {
			seen[name] = true
			if inside[name] {
				name += " or its like inside" // which of them it is, is left open
			}
			names = append(names, name)
		}
	}
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			ast.Inspect(n.X, visit)
			return false
		case *ast.Ident:
			use(n.Name)
		}
		return true
	}
	ast.Inspect(l.node, visit)
	return names
}

// Arity is the number of parameters of a function or method, a receiver among them, and of
// its results.
func (d *Decl) Arity() (params, results int) {
	f, ok := d.node.(*ast.FuncDecl)
	if !ok {
		return 0, 0
	}
	params, results = arity(f.Type)
	return params + f.Recv.NumFields(), results
}

// Arity is the number of parameters and results of a func literal.
func (l *Literal) Arity() (params, results int) { return arity(l.node.Type) }

func arity(t *ast.FuncType) (params, results int) {
	return t.Params.NumFields(), t.Results.NumFields()
}

// Identifiers are those in the declaration.
func (d *Decl) Identifiers() []string { return d.idents() }

// Names returns the names in an initializer that may be declared in the package.
func (d *Decl) Names() (names []string) {
	if d.value == nil {
		return nil
	}
	ast.Inspect(d.value, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

// Imported returns what an initializer names of other packages, as "path.Name".
func (d *Decl) Imported() (names []string) {
	if d.value == nil {
		return nil
	}
	ast.Inspect(d.value, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok {
			for _, imp := range d.File.Imports {
				if imp.name() == id.Name {
					names = append(names, imp.Path+"."+sel.Sel.Name)
				}
			}
		}
		return true
	})
	return names
}

// IsVar reports whether d is a package variable, a blank one too.
func (d *Decl) IsVar() bool {
	_, ok := d.node.(*ast.ValueSpec)
	return ok && !d.constant
}
