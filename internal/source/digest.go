package source

import (
	"crypto/sha256"
	"encoding/binary"
	"go/ast"
	"strings"
)

// ExportsChanged reports whether other packages may compile to something else
// against new than against old, when inlining is off. If it is false, importers need
// no new compilation, if also
//
//   - nothing changed for the package's own imports (an alias, an inferred type or a
//     constant may come from there), and
//   - the escape tags of its functions are the same: these depend on bodies, and
//     only the compiler (-m) knows them.
//
// It is sound because an importer sees types, constants, variables and functions
// by their declarations: of the exported ones, all methods, and what these name, and
// of those every token counts. Left out are
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
//     packages of a program that starts are initialized;
//   - added declarations that no older one of these names: importers can't know
//     them yet. (An added method may satisfy an interface, so it counts.)
func ExportsChanged(old, new *Package) bool {
	names, all := ExportChanges(old, new)
	return all || len(names) > 0
}

// ExportChanges returns the names in new that importers must have in their sources to
// be concerned: those of the declarations that ExportsChanged means, and of all that
// name these in what importers see; of a method, the name and that of its type. With
// all, every importer is concerned.
func ExportChanges(old, new *Package) (names map[string]bool, all bool) {
	if old.Path != new.Path || old.Name != new.Name {
		return nil, true
	}
	was, now := old.exports(), new.exports()
	changed := make(map[string]bool)
	for name, o := range was {
		if n, ok := now[name]; !ok || n.digest != o.digest {
			changed[name] = true
		}
	}
	for name, n := range now {
		if _, ok := was[name]; ok {
			continue
		}
		if n.method {
			changed[name] = true
		}
		for _, by := range n.namedBy {
			if _, ok := was[by]; ok {
				changed[by] = true
			}
		}
	}
	return bare(changed, was, now), false
}

// ExportNames returns the names that importers must have in their sources to see one of
// the given declarations of p, by themselves or through others.
func (p *Package) ExportNames(decls map[string]bool) map[string]bool { return bare(decls, p.exports()) }

// bare returns the names of declarations, and of all that name them in the versions of a
// package, without receivers.
func bare(decls map[string]bool, versions ...map[string]*export) map[string]bool {
	names := make(map[string]bool)
	seen := make(map[string]bool)
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			visit(strings.Trim(name[:i], "(*)"))
			names[name[i+1:]] = true
		} else {
			names[name] = true
		}
		for _, v := range versions {
			if e := v[name]; e != nil {
				for _, by := range e.namedBy {
					visit(by)
				}
			}
		}
	}
	for name := range decls {
		visit(name)
	}
	return names
}

// Mentions reports whether one of the names stands in the sources as an identifier.
func (p *Package) Mentions(names map[string]bool) bool {
	set := p.Identifiers()
	for name := range names {
		if set[name] {
			return true
		}
	}
	return false
}

// export is one declaration that importers can depend on.
type export struct {
	digest  [sha256.Size]byte
	method  bool
	namedBy []string // declarations with its name in their exported part
}

// exports are the exported declarations, all methods, and what these name.
func (p *Package) exports() map[string]*export {
	found := make(map[string]*export)
	var work []*Decl
	add := func(d *Decl, by string) {
		e := found[d.Name]
		if e == nil {
			e = &export{digest: d.digest(), method: d.Kind == Method}
			found[d.Name] = e
			work = append(work, d)
		}
		if by != "" {
			e.namedBy = append(e.namedBy, by)
		}
	}
	for _, d := range p.List {
		if !anonymous(d) && (d.Kind == Method || ast.IsExported(d.Name)) {
			add(d, "")
		}
	}
	for len(work) > 0 {
		d := work[len(work)-1]
		work = work[:len(work)-1]
		for _, n := range append(d.exported(), d.inferred()...) {
			ast.Inspect(n, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if named := p.Decls[id.Name]; named != nil && named != d {
						add(named, d.Name)
					}
				}
				return true
			})
		}
	}
	return found
}

// inferred returns the initializer from which importers learn a type or a value, and
// the receiver of a method.
func (d *Decl) inferred() []ast.Node {
	switch n := d.node.(type) {
	case *ast.ValueSpec:
		if d.value != nil && (n.Type == nil || d.Kind == Const) {
			return []ast.Node{d.value}
		}
	case *ast.FuncDecl:
		if n.Recv != nil {
			return []ast.Node{n.Recv}
		}
	}
	return nil
}

// digest covers what importers can see of a declaration.
func (d *Decl) digest() [sha256.Size]byte {
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
