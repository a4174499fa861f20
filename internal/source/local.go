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
