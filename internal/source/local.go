package source

import "go/ast"

// LocalTypes returns the types that are declared inside functions, as "decl/name", in
// source order: the compiler numbers them so over the package (main.row·1).
func (p *Package) LocalTypes() (list []string) {
	for _, d := range p.List {
		list = append(list, d.localTypes...)
	}
	return list
}

// findLocalTypes finds those of one declaration.
func (d *Decl) findLocalTypes() {
	ast.Inspect(d.node, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && n != d.node && !spec.Assign.IsValid() {
			d.localTypes = append(d.localTypes, d.Name+"/"+spec.Name.Name)
		}
		return true
	})
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
