package source

import (
	"go/ast"
	"slices"
)

// Readers returns the variables whose initializers, and the init functions which, may
// have read one of the variables that the package with the given import path declares
// under the names: by themselves, or through functions of their package.
func (p *Package) Readers(importPath string, names []string) []*Decl {
	reads := make(map[*Decl]bool)
	calls := make(map[string]bool) // names of functions that read
	for grown := true; grown; {
		grown = false
		for _, d := range p.List {
			if reads[d] || d.Kind == Type || d.Kind == Const || !d.mentions(p, importPath, names, calls) {
				continue
			}
			reads[d], grown = true, true
			switch d.Kind {
			case Func:
				calls[d.Name] = true
			case Method:
				calls[d.node.(*ast.FuncDecl).Name.Name] = true
			}
		}
	}
	var list []*Decl
	for _, d := range p.List {
		if reads[d] && (d.Kind == Var || d.Kind == Blank || d.Kind == Init) {
			list = append(list, d)
		}
	}
	return list
}

// mentions reports whether a body or an initializer has one of the names, or one of
// the functions.
func (d *Decl) mentions(p *Package, importPath string, names []string, calls map[string]bool) bool {
	var code ast.Node
	switch n := d.node.(type) {
	case *ast.FuncDecl:
		if n.Body == nil {
			return false
		}
		code = n.Body
	default:
		if d.value == nil {
			return false
		}
		code = d.value
	}
	own := p.Path == importPath || slices.Contains(d.File.Imports, Import{".", importPath})
	imported := slices.ContainsFunc(d.File.Imports, func(imp Import) bool { return imp.Path == importPath })
	found := false
	ast.Inspect(code, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			found = found || calls[n.Name] || own && slices.Contains(names, n.Name)
		case *ast.SelectorExpr:
			found = found || calls[n.Sel.Name] || imported && slices.Contains(names, n.Sel.Name)
		}
		return !found
	})
	return found
}
