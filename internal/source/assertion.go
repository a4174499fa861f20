package source

import (
	"go/ast"
	"go/token"
)

// An Assertion is a type that code looks for in an interface value: by a type assertion
// or in a type switch.
type Assertion struct {
	Pos   token.Position
	Names []string // all identifiers in the type, without those of packages
}

// Assertions are all in the package.
func (p *Package) Assertions() (list []Assertion) {
	for _, f := range p.Files {
		add := func(x ast.Expr) {
			a := Assertion{Pos: f.position(x.Pos())}
			ast.Inspect(x, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					a.Names = append(a.Names, n.Sel.Name)
					return false
				case *ast.Ident:
					a.Names = append(a.Names, n.Name)
				}
				return true
			})
			list = append(list, a)
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeAssertExpr:
				if n.Type != nil {
					add(n.Type)
				}
			case *ast.TypeSwitchStmt:
				for _, clause := range n.Body.List {
					for _, x := range clause.(*ast.CaseClause).List {
						add(x)
					}
				}
			}
			return true
		})
	}
	return list
}
