package source

import (
	"go/ast"
	"go/token"
)

// Declares is how many variables and parameters of a name a function has of its own, without
// those of the func literals in it.
func (d *Decl) Declares(name string) int { return declares(d.node, name) }

// Declares is the same of a func literal.
func (l *Literal) Declares(name string) int { return declares(l.node, name) }

func declares(root ast.Node, name string) (n int) {
	is := func(x ast.Expr) {
		if id, ok := x.(*ast.Ident); ok && id.Name == name {
			n++
		}
	}
	ast.Inspect(root, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit:
			return node == root
		case *ast.Field:
			for _, id := range node.Names {
				is(id)
			}
		case *ast.ValueSpec:
			for _, id := range node.Names {
				is(id)
			}
		case *ast.AssignStmt:
			if node.Tok == token.DEFINE {
				for _, x := range node.Lhs {
					is(x)
				}
			}
		case *ast.RangeStmt:
			if node.Tok == token.DEFINE {
				is(node.Key)
				is(node.Value)
			}
		case *ast.TypeSwitchStmt: // each clause has a variable of its own
			if assign, ok := node.Assign.(*ast.AssignStmt); ok {
				for range node.Body.List {
					is(assign.Lhs[0])
				}
			}
		}
		return true
	})
	return n
}
