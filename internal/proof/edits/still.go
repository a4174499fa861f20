package main

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// still are the functions of a package whose edit would rightly not show in a running
// program, because they have done their work: what initializers of package variables
// call, and functions that fill something once. Functions that are only named there,
// not called, may be edited. Package initialization functions and functions with a
// directive of the compiler are left alone as well.
func (g group) still(u *unit) map[*ast.FuncDecl]bool {
	decls := make(map[types.Object]*ast.FuncDecl)
	byName := make(map[string][]*ast.FuncDecl) // methods: the call may be dynamic
	var work []ast.Node
	still := make(map[*ast.FuncDecl]bool)
	for _, tree := range u.trees {
		for _, decl := range tree.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				decls[u.info.Defs[d.Name]] = d
				if d.Recv != nil {
					byName[d.Name.Name] = append(byName[d.Name.Name], d)
				}
				if d.Name.Name == "init" || slices.Contains(g.once, d.Name.Name) {
					still[d] = true
					work = append(work, d)
				}
				if d.Body == nil || directive(d, "//go:") || d.Name.Name == "ProofLines" {
					still[d] = true
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, value := range v.Values {
							work = append(work, value)
						}
					}
				}
			}
		}
	}
	for len(work) > 0 {
		from := work[len(work)-1]
		work = work[:len(work)-1]
		ast.Inspect(from, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			var called []*ast.FuncDecl
			fun := ast.Unparen(call.Fun)
			if index, ok := fun.(*ast.IndexExpr); ok {
				fun = index.X
			}
			switch fun := fun.(type) {
			case *ast.Ident:
				called = append(called, decls[u.info.Uses[fun]])
			case *ast.SelectorExpr:
				called = byName[fun.Sel.Name]
			}
			for _, d := range called {
				if d != nil && !still[d] {
					still[d] = true
					work = append(work, d)
				}
			}
			return true
		})
	}
	return still
}

// directive reports whether a function's comment has one that begins so.
func directive(d *ast.FuncDecl, prefix string) bool {
	return d.Doc != nil && slices.ContainsFunc(d.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, prefix) })
}

// regions are the parts of a function that may be edited: its body, the func literals
// in it, or nothing.
func (u *unit) regions(d *ast.FuncDecl) []ast.Node {
	switch {
	case u.still[d] || d.Body == nil || directive(d, "//edits:lines"):
		return nil
	case directive(d, "//edits:literals"):
		var list []ast.Node
		ast.Inspect(d.Body, func(n ast.Node) bool {
			if lit, ok := n.(*ast.FuncLit); ok {
				list = append(list, lit.Body)
				return false
			}
			return true
		})
		return list
	}
	return []ast.Node{d.Body}
}
