package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// A maker makes one edit of one file, as changes of its text and, where callers are
// concerned, of other files of its package.
type maker struct {
	*rand.Rand
	unit    *unit
	file    string
	tree    *ast.File
	changes []change
	needed  map[string]string // imports that are added: by path, the name
}

// A change replaces a part of a file.
type change struct {
	file     string
	from, to int
	text     string
}

// newMaker is a maker for a file.
func newMaker(random *rand.Rand, u *unit, file string) *maker {
	return &maker{Rand: random, unit: u, file: file, tree: u.trees[file], needed: map[string]string{}}
}

// apply returns the files with the changes made, or false if they overlap.
func (m *maker) apply(f files) (files, bool) {
	slices.SortStableFunc(m.changes, func(a, b change) int {
		return strings.Compare(a.file, b.file)*1_000_000_000 - (a.from - b.from)
	})
	after := make(files, len(f))
	for name, text := range f {
		after[name] = text
	}
	for i, c := range m.changes {
		// From the back to the front, so that offsets stay true.
		if i > 0 && m.changes[i-1].file == c.file && c.to > m.changes[i-1].from {
			return nil, false
		}
		text := after[c.file]
		after[c.file] = text[:c.from] + c.text + text[c.to:]
	}
	return after, true
}

func (m *maker) offset(pos token.Pos) (string, int) {
	p := m.unit.fset.PositionFor(pos, false)
	return p.Filename, p.Offset
}

func (m *maker) source(n ast.Node) string {
	file, from := m.offset(n.Pos())
	_, to := m.offset(n.End())
	return m.unit.texts[file][from:to]
}

// insert puts text in front of pos.
func (m *maker) insert(pos token.Pos, text string, args ...any) {
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	file, at := m.offset(pos)
	m.changes = append(m.changes, change{file, at, at, text})
}

// replace puts text in place of a node.
func (m *maker) replace(n ast.Node, text string) {
	file, from := m.offset(n.Pos())
	_, to := m.offset(n.End())
	m.changes = append(m.changes, change{file, from, to, text})
}

// swap lets two nodes of the file change places.
func (m *maker) swap(a, b ast.Node) {
	m.replace(a, m.source(b))
	m.replace(b, m.source(a))
}

// atEnd puts a declaration at the end of the file.
func (m *maker) atEnd(text string, args ...any) {
	m.changes = append(m.changes, change{m.file, len(m.unit.texts[m.file]), len(m.unit.texts[m.file]), "\n" + fmt.Sprintf(text, args...) + "\n"})
}

// name is one that likely nothing has now, but had before it was deleted or undone: what
// comes back as something else is harder than what is new.
func (m *maker) name(what string) string { return fmt.Sprintf("added%s%d", what, m.IntN(12)) }

// need returns the name by which the file knows a package, and imports it if need be.
func (m *maker) need(imported string) string {
	if name := m.needed[imported]; name != "" {
		return name
	}
	for _, spec := range m.tree.Imports {
		if strings.Trim(spec.Path.Value, `"`) != imported {
			continue
		}
		if spec.Name == nil {
			return path.Base(imported)
		}
		if spec.Name.Name != "_" && spec.Name.Name != "." {
			return spec.Name.Name
		}
	}
	base := path.Base(imported)
	name := "added" + strings.ToUpper(base[:1]) + base[1:]
	m.needed[imported] = name
	m.insert(m.tree.Name.End(), "\n\nimport %s %q", name, imported)
	return name
}

// print is the name of the function that logs.
func (m *maker) print() string { return m.need(modulePath+"/"+trace) + ".Print" }

// small is a number that is often small.
func (m *maker) small() int {
	if m.IntN(6) == 0 {
		return m.IntN(1000)
	}
	return m.IntN(7)
}

// regions are what of the file may be edited.
func (m *maker) regions() []ast.Node {
	var list []ast.Node
	for _, decl := range m.tree.Decls {
		if d, ok := decl.(*ast.FuncDecl); ok {
			list = append(list, m.unit.regions(d)...)
		}
	}
	return list
}

// sites are the nodes of a kind that may be edited.
func sites[N ast.Node](m *maker, regions []ast.Node, ok func(N) bool) []N {
	var list []N
	for _, region := range regions {
		ast.Inspect(region, func(n ast.Node) bool {
			if node, is := n.(N); is && ok(node) {
				list = append(list, node)
			}
			return true
		})
	}
	return list
}

// pick returns one of a list, if there is any.
func pick[T any](m *maker, list []T) (one T, ok bool) {
	if len(list) == 0 {
		return one, false
	}
	return list[m.IntN(len(list))], true
}

// A spot is a place for statements: in front of a statement of a list.
type spot struct {
	before  ast.Stmt
	within  ast.Node // the innermost *ast.FuncDecl or *ast.FuncLit
	generic bool     // the function around has type parameters
}

// spots are the places for statements.
func (m *maker) spots() []spot {
	var list []spot
	for _, decl := range m.tree.Decls {
		d, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		generic := d.Type.TypeParams != nil || m.genericReceiver(d)
		for _, region := range m.unit.regions(d) {
			var within []ast.Node
			first := ast.Node(d)
			if region != d.Body {
				first = m.literalOf(d, region)
			}
			within = append(within, first)
			var visit func(n ast.Node) bool
			add := func(stmts []ast.Stmt) {
				for _, s := range stmts {
					if _, empty := s.(*ast.EmptyStmt); !empty {
						list = append(list, spot{s, within[len(within)-1], generic})
					}
				}
			}
			visit = func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncLit:
					within = append(within, n)
					ast.Inspect(n.Body, visit)
					within = within[:len(within)-1]
					return false
				case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
					// Their bodies hold clauses, not statements.
					ast.Inspect(n, func(inner ast.Node) bool {
						if inner == n {
							return true
						}
						if block, ok := inner.(*ast.BlockStmt); ok && len(block.List) > 0 && isClause(block.List[0]) {
							for _, clause := range block.List {
								ast.Inspect(clause, visit)
							}
							return false
						}
						return visit(inner)
					})
					return false
				case *ast.BlockStmt:
					add(n.List)
				case *ast.CaseClause:
					add(n.Body)
				case *ast.CommClause:
					add(n.Body)
				}
				return true
			}
			ast.Inspect(region, visit)
		}
	}
	return list
}

func isClause(s ast.Stmt) bool {
	switch s.(type) {
	case *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

func (m *maker) literalOf(d *ast.FuncDecl, body ast.Node) (lit ast.Node) {
	ast.Inspect(d.Body, func(n ast.Node) bool {
		if l, ok := n.(*ast.FuncLit); ok && l.Body == body {
			lit = l
		}
		return true
	})
	return lit
}

func (m *maker) genericReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return false
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch t.(type) {
	case *ast.IndexExpr, *ast.IndexListExpr:
		return true
	}
	return false
}

// spot is one place for statements. One in three is in a literal or a generic
// function, if there is any.
func (m *maker) spot() (spot, bool) {
	all := m.spots()
	if m.IntN(3) == 0 {
		rare := slices.DeleteFunc(slices.Clone(all), func(s spot) bool {
			_, literal := s.within.(*ast.FuncLit)
			return !literal && !s.generic
		})
		if len(rare) > 0 {
			all = rare
		}
	}
	return pick(m, all)
}

// A local is a variable that can be named at a spot.
type local struct {
	name string
	typ  types.Type
	own  bool // of the innermost function: assigning to it keeps no state
}

// locals are the variables that can be named at a spot, sorted.
func (m *maker) locals(s spot) []local {
	pos := s.before.Pos()
	scope := m.unit.types.Scope().Innermost(pos)
	seen := make(map[string]bool)
	var list []local
	for ; scope != nil && scope != m.unit.types.Scope() && scope.Parent() != m.unit.types.Scope(); scope = scope.Parent() {
		for _, name := range scope.Names() {
			v, ok := scope.Lookup(name).(*types.Var)
			if name == "_" || seen[name] || !ok {
				continue
			}
			if _, found := scope.LookupParent(name, pos); found != v {
				continue
			}
			seen[name] = true
			own := s.within.Pos() <= v.Pos() && v.Pos() < s.within.End()
			list = append(list, local{name, v.Type(), own})
		}
	}
	slices.SortFunc(list, func(a, b local) int { return strings.Compare(a.name, b.name) })
	return list
}

// of keeps the locals of one basic kind.
func of(list []local, info types.BasicInfo, own bool) []local {
	var some []local
	for _, l := range list {
		b, ok := l.typ.Underlying().(*types.Basic)
		if ok && b.Info()&info != 0 && (l.own || !own) && !isParam(l.typ) {
			some = append(some, l)
		}
	}
	return some
}

func isParam(t types.Type) bool { _, ok := t.(*types.TypeParam); return ok }

// shown are expressions that tell of locals what is the same in every process.
func (m *maker) shown(list []local) string {
	var parts []string
	for _, i := range m.Perm(len(list)) {
		l := list[i]
		switch t := l.typ.Underlying().(type) {
		case *types.Basic:
			if t.Info()&types.IsConstType == 0 || t.Kind() == types.Uintptr {
				continue
			}
			parts = append(parts, l.name)
		case *types.Slice, *types.Map:
			parts = append(parts, "len("+l.name+")")
		case *types.Pointer, *types.Signature, *types.Chan:
			parts = append(parts, l.name+" == nil")
		case *types.Interface:
			if !isParam(l.typ) {
				parts = append(parts, l.name+" == nil")
			}
		}
		if len(parts) == 3 {
			break
		}
	}
	if len(parts) == 0 {
		return fmt.Sprint(m.small())
	}
	return strings.Join(parts, `, " ", `)
}

// named is how the file writes a type, or false if it can't.
func (m *maker) named(t types.Type) (string, bool) {
	ok := true
	text := types.TypeString(t, func(p *types.Package) string {
		if p == m.unit.types {
			return ""
		}
		for _, spec := range m.tree.Imports {
			if strings.Trim(spec.Path.Value, `"`) == p.Path() {
				if spec.Name != nil {
					return spec.Name.Name
				}
				return p.Name()
			}
		}
		ok = false
		return p.Name()
	})
	return text, ok && !strings.Contains(text, "untyped") && !strings.Contains(text, "invalid")
}
