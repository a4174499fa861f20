package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// Edits of what is there: constants, operators, conditions, statements, names, order, lines.

func changeConstant(m *maker) bool {
	regions := m.regions()
	for _, decl := range m.tree.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.CONST && m.IntN(4) == 0 {
			regions = append(regions, d)
		}
	}
	lit, ok := pick(m, sites(m, regions, func(l *ast.BasicLit) bool { return l.Kind != token.IMAG }))
	if !ok {
		return false
	}
	text := lit.Value
	switch lit.Kind {
	case token.INT:
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return false
		}
		text = strconv.FormatInt([]int64{n + 1, n - 1, n * 2, 0, n + int64(m.IntN(9))}[m.IntN(5)], 10)
		if text[0] == '-' {
			text = "(" + text + ")"
		}
	case token.FLOAT:
		text = "(" + text + " + 0.5)"
	case token.CHAR:
		text = strconv.QuoteRune(rune('!' + m.IntN('~'-'!')))
	case token.STRING:
		s, err := strconv.Unquote(text)
		if err != nil {
			return false
		}
		s = []string{s + "x", strings.ToUpper(s), "", s + s, fmt.Sprint(s, m.small())}[m.IntN(5)]
		text = strconv.Quote(s)
	}
	m.replace(lit, text)
	return text != lit.Value
}

// operators are groups that may stand for each other.
var operators = [][]token.Token{
	{token.ADD, token.SUB, token.MUL, token.OR, token.AND, token.XOR, token.SHL, token.AND_NOT},
	{token.LSS, token.LEQ, token.GTR, token.GEQ, token.EQL, token.NEQ},
	{token.LAND, token.LOR},
	{token.ADD_ASSIGN, token.SUB_ASSIGN, token.OR_ASSIGN, token.XOR_ASSIGN},
}

func other(m *maker, op token.Token) (token.Token, bool) {
	for _, group := range operators {
		for _, t := range group {
			if t == op {
				to := group[m.IntN(len(group))]
				return to, to != op
			}
		}
	}
	return op, false
}

func changeOperator(m *maker) bool {
	type operator struct {
		pos token.Pos
		op  token.Token
	}
	var list []operator
	for _, e := range sites(m, m.regions(), func(*ast.BinaryExpr) bool { return true }) {
		list = append(list, operator{e.OpPos, e.Op})
	}
	for _, s := range sites(m, m.regions(), func(s *ast.AssignStmt) bool { return s.Tok != token.DEFINE && s.Tok != token.ASSIGN }) {
		list = append(list, operator{s.TokPos, s.Tok})
	}
	one, ok := pick(m, list)
	if !ok {
		return false
	}
	to, ok := other(m, one.op)
	file, at := m.offset(one.pos)
	m.changes = append(m.changes, change{file, at, at + len(one.op.String()), to.String()})
	return ok
}

func negate(m *maker) bool {
	s, ok := pick(m, sites(m, m.regions(), func(*ast.IfStmt) bool { return true }))
	if !ok {
		return false
	}
	m.replace(s.Cond, "!("+m.source(s.Cond)+")")
	return true
}

func swapElse(m *maker) bool {
	s, ok := pick(m, sites(m, m.regions(), func(s *ast.IfStmt) bool { _, block := s.Else.(*ast.BlockStmt); return block }))
	if !ok {
		return false
	}
	m.swap(s.Body, s.Else)
	return true
}

func removeStatement(m *maker) bool {
	var list []ast.Stmt
	for _, s := range m.spots() {
		switch s := s.before.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.IfStmt, *ast.DeferStmt, *ast.GoStmt, *ast.RangeStmt, *ast.BlockStmt:
			list = append(list, s)
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				list = append(list, s)
			}
		}
	}
	s, ok := pick(m, list)
	if !ok {
		return false
	}
	m.replace(s, "")
	return true
}

func renameLocal(m *maker) bool {
	var idents []*ast.Ident
	for _, id := range sites(m, m.regions(), func(*ast.Ident) bool { return true }) {
		v, ok := m.unit.info.Defs[id].(*types.Var)
		if ok && !v.IsField() && v.Parent() != m.unit.types.Scope() && id.Name != "_" {
			idents = append(idents, id)
		}
	}
	id, ok := pick(m, idents)
	if !ok {
		return false
	}
	v, name := m.unit.info.Defs[id], m.name("Local")
	ast.Inspect(m.tree, func(n ast.Node) bool {
		if use, ok := n.(*ast.Ident); ok && (use == id || m.unit.info.Uses[use] == v) {
			m.replace(use, name)
		}
		return true
	})
	return true
}

// deleteClosure removes a statement with a func literal in it, or takes one out that is
// called at once.
func deleteClosure(m *maker) bool {
	if calls := sites(m, m.regions(), atOnce); len(calls) > 0 && m.IntN(2) == 0 {
		call, _ := pick(m, calls)
		body := call.Fun.(*ast.FuncLit).Body
		m.replace(call, "("+m.source(body.List[0].(*ast.ReturnStmt).Results[0])+")")
		return true
	}
	var list []ast.Stmt
	for _, s := range m.spots() {
		literal := false
		ast.Inspect(s.before, func(n ast.Node) bool {
			_, is := n.(*ast.FuncLit)
			literal = literal || is
			return !literal
		})
		if _, returns := s.before.(*ast.ReturnStmt); literal && !returns {
			list = append(list, s.before)
		}
	}
	s, ok := pick(m, list)
	if !ok {
		return false
	}
	m.replace(s, "")
	return true
}

// atOnce reports whether a call is func() T { return x }().
func atOnce(c *ast.CallExpr) bool {
	lit, ok := c.Fun.(*ast.FuncLit)
	if !ok || len(c.Args) != 0 || len(lit.Body.List) != 1 {
		return false
	}
	ret, ok := lit.Body.List[0].(*ast.ReturnStmt)
	return ok && len(ret.Results) == 1
}

// deleteAdded removes a declaration that an edit has added, with the statement that uses it.
func deleteAdded(m *maker) bool {
	type declared struct {
		node ast.Node
		name *ast.Ident
	}
	var list []declared
	for _, decl := range m.tree.Decls {
		var names []*ast.Ident
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name)
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT || len(d.Specs) != 1 {
				continue
			}
			switch s := d.Specs[0].(type) {
			case *ast.ValueSpec:
				names = s.Names
			case *ast.TypeSpec:
				names = append(names, s.Name)
			}
		}
		if len(names) == 1 && strings.HasPrefix(names[0].Name, "added") {
			list = append(list, declared{decl, names[0]})
		}
	}
	d, ok := pick(m, list)
	if !ok {
		return false
	}
	object := m.unit.info.Defs[d.name]
	m.replace(d.node, "")
	uses := func(n ast.Node) (found bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && m.unit.info.Uses[id] == object
			return !found
		})
		return found
	}
	for _, decl := range m.tree.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil && uses(f.Recv) {
			m.replace(f, "")
		}
	}
	// The smallest statements that use it, inner before outer.
	var gone []ast.Stmt
	for _, s := range m.spots() {
		if uses(s.before) {
			gone = append(gone, s.before)
		}
	}
	for _, s := range gone {
		smallest := true
		for _, inner := range gone {
			if inner != s && s.Pos() <= inner.Pos() && inner.End() <= s.End() {
				smallest = false
			}
		}
		if smallest {
			m.replace(s, "")
		}
	}
	return true
}

func reorder(m *maker) bool {
	var list []*ast.FuncDecl
	for _, decl := range m.tree.Decls {
		if d, ok := decl.(*ast.FuncDecl); ok {
			list = append(list, d)
		}
	}
	if len(list) < 2 {
		return false
	}
	i := m.IntN(len(list) - 1)
	j := i + 1
	if m.IntN(2) == 0 {
		j = i + 1 + m.IntN(len(list)-1-i)
	}
	m.swap(whole{list[i]}, whole{list[j]})
	return true
}

// whole is a function with its comment.
type whole struct{ *ast.FuncDecl }

func (w whole) Pos() token.Pos {
	if w.Doc != nil {
		return w.Doc.Pos()
	}
	return w.FuncDecl.Pos()
}

func shiftLines(m *maker) bool {
	text := strings.Repeat("\n", 1+m.IntN(3))
	if m.IntN(2) == 0 {
		text = strings.Repeat("// A line more.\n", 1+m.IntN(3)) + "\n"
	}
	if s, ok := m.spot(); ok && m.IntN(2) == 0 {
		m.insert(s.before.Pos(), "\n"+text)
		return true
	}
	if m.IntN(3) == 0 {
		m.insert(m.tree.Package, text)
		return true
	}
	d, _ := pick(m, m.tree.Decls)
	f, ok := d.(*ast.FuncDecl)
	if ok {
		m.insert(whole{f}.Pos(), text)
	}
	return ok
}
