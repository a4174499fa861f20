package source

import (
	"crypto/sha256"
	"encoding/binary"
	"go/ast"
	"slices"
	"strings"
)

// ExportDigest is a digest of everything that the compilation of other packages
// can take from this one when inlining is off. Two versions with one digest need
// no new compilation of their importers, if also
//
//   - the digests of the package's own imports are the same (an alias, an
//     inferred type or a constant may come from there), and
//   - the escape tags of its functions are: these depend on bodies, and only the
//     compiler (-m) knows them.
//
// It is sound because an importer sees types, constants, variables and functions
// by their declarations, and of these the digest has every token. Unexported ones
// count: exported ones are made of them. Left out are
//
//   - bodies of functions that aren't generic, and of func literals in
//     initializers. Without inlining they are compiled here only. The type of an
//     initializer depends on a literal's signature, never on its body;
//   - initializers of variables with a declared type;
//   - positions, but those of generic functions: an importer compiles their
//     bodies and makes line tables of them. Positions of other declarations are
//     in export data for error messages alone;
//   - blank declarations, which nothing can name;
//   - init functions, whose presence only decides the order in which the
//     packages of a program that starts are initialized.
func (p *Package) ExportDigest() [sha256.Size]byte {
	h := sha256.New()
	put := func(parts ...string) {
		for _, s := range parts {
			h.Write(binary.AppendUvarint(nil, uint64(len(s))))
			h.Write([]byte(s))
		}
	}
	list := func(parts []string) {
		h.Write(binary.AppendUvarint(nil, uint64(len(parts))))
		put(parts...)
	}
	put(p.Path, p.Name)
	decls := slices.Clone(p.List)
	slices.SortStableFunc(decls, func(a, b *Decl) int { return strings.Compare(a.Name, b.Name) })
	for _, d := range decls {
		if anonymous(d) {
			continue
		}
		put(d.Kind.String(), d.Name, d.Signature, d.Params, d.TypeText, d.Spec)
		h.Write([]byte{flag(d.HasBody), flag(d.Generic), flag(d.Alias)})
		if d.Kind == Const || d.Kind == Var && d.TypeText == "" {
			h.Write(binary.AppendUvarint(nil, uint64(d.Index)))
			put(d.Init)
		}
		if d.Generic && d.Kind != Type {
			put(d.Body, d.File.AST.GoVersion) // go:build lines choose the language
			h.Write(binary.LittleEndian.AppendUint64(nil, d.lines()))
		}
		list(without(d.Directives, embeds(d)))
		list(d.File.uses(d.exported()...))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// exported returns the syntax that is part of the digest.
func (d *Decl) exported() []ast.Node {
	switch n := d.node.(type) {
	case *ast.FuncDecl:
		if d.Generic {
			return []ast.Node{n}
		}
		return []ast.Node{n.Type}
	case *ast.ValueSpec:
		var nodes []ast.Node
		if n.Type != nil {
			nodes = append(nodes, n.Type)
		}
		if d.value != nil && (n.Type == nil || d.Kind == Const) {
			nodes = append(nodes, outside(d.value)...)
		}
		return nodes
	}
	return []ast.Node{d.node}
}

// outside returns the selectors of x that are in no body of a func literal.
func outside(x ast.Expr) []ast.Node {
	var nodes []ast.Node
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			nodes = append(nodes, n.Type)
			return false
		case *ast.SelectorExpr:
			if _, ok := n.X.(*ast.Ident); ok {
				nodes = append(nodes, n)
			}
		}
		return true
	})
	return nodes
}
