package main

import "go/ast"

// structs are the struct types that a file declares for its package, with fields.
func (m *maker) structs() (list []*ast.StructType) {
	for _, decl := range m.tree.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				if s, ok := t.Type.(*ast.StructType); ok && s.Fields.NumFields() > 0 {
					list = append(list, s)
				}
			}
		}
	}
	return list
}

// addField puts a field in front of those of a struct type, so that all others move.
func addField(m *maker) bool {
	s, ok := pick(m, m.structs())
	if !ok {
		return false
	}
	types := []string{"int", "string", "*int", "[]string", "any", "map[string]int", "[3]uint16", "func() int", "bool"}
	m.insert(s.Fields.Opening+1, "\n\t%s %s\n", m.name("Field"), types[m.IntN(len(types))])
	return true
}

// swapFields makes two fields of a struct type change their places.
func swapFields(m *maker) bool {
	s, ok := pick(m, m.structs())
	if !ok || len(s.Fields.List) < 2 {
		return false
	}
	i := m.IntN(len(s.Fields.List) - 1)
	m.swap(s.Fields.List[i], s.Fields.List[i+1])
	return true
}
