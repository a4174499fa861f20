package source

import "go/ast"

// LocalTypes returns the types that are declared inside functions, as "decl/name", in
// source order: the compiler numbers them so over the package (main.row·1).
func (p *Package) LocalTypes() (list []string) {
	for _, d := range p.List {
		ast.Inspect(d.node, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && n != d.node && !spec.Assign.IsValid() {
				list = append(list, d.Name+"/"+spec.Name.Name)
			}
			return true
		})
	}
	return list
}

// declaresType reports whether a func literal in x declares a type.
func declaresType(x ast.Expr) bool {
	found := false
	ast.Inspect(x, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		found = found || ok && !spec.Assign.IsValid()
		return !found
	})
	return found
}
