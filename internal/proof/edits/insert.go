package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// Edits that put something into a function.

// at puts statements in front of a spot.
func (m *maker) at(s spot, format string, args ...any) bool {
	m.insert(s.before.Pos(), strings.TrimPrefix(fmt.Sprintf(format, args...), "\n")+"\n")
	return true
}

func insertStatement(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	locals := m.locals(s)
	numbers, texts, flags := of(locals, types.IsInteger, true), of(locals, types.IsString, true), of(locals, types.IsBoolean, true)
	k := m.small()
	if len(flags) > 0 && m.IntN(3) == 0 {
		b, _ := pick(m, flags)
		return m.at(s, "%[1]s = !%[1]s", b.name)
	}
	if len(texts) > 0 && m.IntN(2) == 0 {
		x, _ := pick(m, texts)
		switch m.IntN(3) {
		case 0:
			return m.at(s, "%s += %q", x.name, fmt.Sprint("+", k))
		case 1:
			return m.at(s, "if len(%[1]s) > %[2]d {\n\t%[1]s = %[1]s[:%[2]d]\n}", x.name, k+20)
		}
		return m.at(s, "for range %[2]d {\n\t%[1]s = %[1]s + \".\"\n}", x.name, k%4)
	}
	if len(numbers) > 0 && m.IntN(2) == 0 {
		x, _ := pick(m, numbers)
		switch m.IntN(4) {
		case 0:
			return m.at(s, "%s += %d", x.name, k%100)
		case 1:
			return m.at(s, "if %[1]s > %[2]d {\n\t%[1]s -= %[3]d\n}", x.name, k%100, m.IntN(3))
		case 2:
			return m.at(s, "%s ^= %d", x.name, k%16)
		}
		return m.at(s, "switch %[1]s {\ncase %[2]d:\n\t%[1]s++\ncase %[3]d, %[4]d:\n\t%[1]s *= 2\ndefault:\n\t%[1]s |= 0\n}", x.name, k%100, k%100+1, k%100+2)
	}
	switch m.IntN(3) {
	case 0:
		name := m.name("Value")
		return m.at(s, "%[1]s := []any{%[2]s}\n_ = append(%[1]s, %[3]d)", name, m.shown(locals), k)
	case 1:
		return m.at(s, "if len(%q) > %d {\n\t%s(%s)\n}", strings.Repeat("x", m.IntN(4)), m.IntN(4), m.print(), m.shown(locals))
	}
	return m.at(s, "{\n\tvar %[1]s [%[2]d]byte\n\t%[1]s[%[3]d]++\n\t%[4]s(%[1]s[%[3]d])\n}", m.name("Frame"), 100+m.IntN(20000), m.small()%100, m.print())
}

func addLogging(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	shown := m.shown(m.locals(s))
	switch m.IntN(3) {
	case 0: // tells its line
		return m.at(s, "%s.New(%s.Writer(), \"\", %[1]s.Lshortfile).Println(%q, %s)", m.need("log"), m.need(modulePath+"/"+trace), m.name("log"), shown)
	case 1:
		return m.at(s, "%s.Fprintf(%s.Writer(), \"%s %%v\\n\", []any{%s})", m.need("fmt"), m.need(modulePath+"/"+trace), m.name("log"), shown)
	}
	return m.at(s, "%s(%q, %s)", m.print(), m.name("log"), shown)
}

func addImport(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	i, _ := pick(m, imports)
	return m.at(s, "%s("+strings.ReplaceAll(i.expression, "%s", "%[2]s")+")", m.print(), m.need(i.path))
}

func insertClosure(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	locals, f, k := m.locals(s), m.name("Closure"), m.small()
	if numbers := of(locals, types.IsInteger, true); len(numbers) > 0 && m.IntN(3) == 0 {
		x, _ := pick(m, numbers)
		t, ok := m.named(x.typ)
		switch {
		case ok && m.IntN(2) == 0:
			return m.at(s, "%[1]s = func(a %[2]s) %[2]s { return a + %[3]d }(%[1]s)", x.name, t, k%100)
		case ok:
			return m.at(s, "{\n\t%[1]s := func() { %[2]s += %[3]d }\n\t%[1]s()\n}", f, x.name, k%3)
		}
	}
	all := of(locals, types.IsInteger|types.IsString|types.IsBoolean, false)
	x, captures := pick(m, all)
	if !captures {
		return m.at(s, "%[1]s := func(a int) int { return a + %[2]d }\n%[3]s(%[1]s(%[2]d))", f, k, m.print())
	}
	switch m.IntN(3) {
	case 0:
		return m.at(s, "%[1]s := func(a int) string { return %[2]s.Sprint(a+%[3]d, %[4]s) }\n%[5]s(%[1]s(1))", f, m.need("fmt"), k, x.name, m.print())
	case 1: // closures in a closure, kept in a map
		return m.at(s, "%[1]s := map[string]func() any{\n\t\"a\": func() any { return %[2]s },\n\t\"b\": func() any { return func() any { return %[3]d }() },\n}\n%[4]s(%[1]s[\"a\"](), %[1]s[\"b\"]())", f, x.name, k, m.print())
	}
	y, _ := pick(m, all)
	return m.at(s, "for _, %[1]s := range []func() string{\n\tfunc() string { return %[2]s.Sprint(%[3]s) },\n\tfunc() string { return %[2]s.Sprint(%[4]s, %[5]d) },\n} {\n\t%[6]s(%[1]s())\n}", f, m.need("fmt"), x.name, y.name, k, m.print())
}

// insertAbove puts a func literal in front of the others of a function, which all get
// other names by it.
func insertAbove(m *maker) bool {
	var first []ast.Stmt
	for _, decl := range m.tree.Decls {
		d, ok := decl.(*ast.FuncDecl)
		if !ok || d.Body == nil || len(d.Body.List) == 0 || m.unit.still[d] || directive(d, "//edits:lines") {
			continue
		}
		ast.Inspect(d.Body, func(n ast.Node) bool {
			if lit, ok := n.(*ast.FuncLit); ok {
				first = append(first, d.Body.List[0])
				if len(lit.Body.List) > 0 {
					first = append(first, lit.Body.List[0])
				}
			}
			return true
		})
	}
	s, ok := pick(m, first)
	if !ok {
		return false
	}
	text := fmt.Sprintf("_ = func() int { return %d }()\n", m.small())
	if m.IntN(2) == 0 {
		name := m.name("Above")
		text = fmt.Sprintf("%[1]s := func(f func() int) int { return f() + 1 }\n%[2]s(%[1]s(func() int { return %[3]d }))\n", name, m.print(), m.small())
	}
	m.insert(s.Pos(), text)
	return true
}

func wrapInLiteral(m *maker) bool {
	list := sites(m, m.regions(), func(e ast.Expr) bool {
		switch e.(type) {
		case *ast.BinaryExpr, *ast.CallExpr, *ast.SelectorExpr, *ast.IndexExpr:
		default:
			return false
		}
		t := m.unit.info.Types[e]
		return t.IsValue() && t.Value == nil && !t.Addressable()
	})
	e, ok := pick(m, list)
	if !ok {
		return false
	}
	t := m.unit.info.Types[e].Type
	if _, is := t.(*types.Tuple); is || t == nil {
		return false
	}
	name, ok := m.named(t)
	if !ok {
		return false
	}
	m.replace(e, "func() "+name+" { return "+m.source(e)+" }()")
	return true
}

func addDefer(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	shown := m.shown(m.locals(s))
	switch m.IntN(3) {
	case 0:
		return m.at(s, "defer %s(\"deferred\", %s)", m.print(), shown)
	case 1:
		return m.at(s, "defer func() {\n\tif e := recover(); e != nil {\n\t\t%s(\"panics\")\n\t\tpanic(e)\n\t}\n}()", m.print())
	}
	return m.at(s, "func() {\n\tdefer func() { %[1]s(recover(), %[2]s) }()\n\tpanic(%[3]d)\n}()", m.print(), shown, m.small())
}

func addGoroutine(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	c, v := m.name("Channel"), m.name("Item")
	shown := m.shown(m.locals(s))
	if m.IntN(2) == 0 {
		return m.at(s, "%[1]s := make(chan int)\ngo func() {\n\tdefer close(%[1]s)\n\tfor i := range %[2]d {\n\t\t%[1]s <- i * %[3]d\n\t}\n}()\nfor %[4]s := range %[1]s {\n\t%[5]s(%[4]s)\n}", c, 1+m.IntN(3), m.small(), v, m.print())
	}
	return m.at(s, "%[1]s := make(chan string, 1)\ngo func() { %[1]s <- %[2]s.Sprint(%[3]s) }()\nselect {\ncase %[4]s := <-%[1]s:\n\t%[5]s(%[4]s)\n}", c, m.need("fmt"), shown, v, m.print())
}

func addAssertion(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	locals := m.locals(s)
	l, ok := pick(m, locals)
	if !ok {
		return false
	}
	v := m.name("Asserted")
	switch m.IntN(3) {
	case 0:
		return m.at(s, "if _, %[1]s := any(%[2]s).(%[3]s.Stringer); %[1]s {\n\t%[4]s(\"stringer\")\n}", v, l.name, m.need("fmt"), m.print())
	case 1:
		return m.at(s, "switch %[1]s := any(%[2]s).(type) {\ncase int:\n\t%[3]s(\"int\", %[1]s)\ncase string:\n\t%[3]s(len(%[1]s))\ncase error:\n\t%[3]s(\"error\", %[1]s != nil)\ncase interface{ Len() int }:\n\t%[3]s(\"has a length\")\ncase nil:\n\t%[3]s(\"nil\")\n}", v, l.name, m.print())
	}
	return m.at(s, "%s(%s.Sprintf(\"%%T\", %s))", m.print(), m.need("fmt"), l.name)
}

func addEscape(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	keep, x := m.need(modulePath+"/"+trace)+".Keep", m.name("Made")
	if l, ok := pick(m, m.locals(s)); ok && m.IntN(3) != 0 {
		if m.IntN(2) == 0 {
			return m.at(s, "%s(%s)", keep, l.name)
		}
		return m.at(s, "%s(&%s)", keep, l.name)
	}
	switch m.IntN(3) {
	case 0:
		return m.at(s, "%[1]s := map[string][]int{\"a\": {1, %[2]d}, \"b\": nil}\n%[1]s[\"c\"] = append(%[1]s[\"a\"], 3)\n%[3]s(%[1]s)\n%[4]s(len(%[1]s))", x, m.small(), keep, m.print())
	case 1:
		return m.at(s, "%[1]s := &struct {\n\tnext *int\n\tname string\n\tlist []string\n}{new(int), %[2]q, make([]string, %[3]d)}\n*%[1]s.next = %[3]d\n%[4]s(%[1]s)\n%[5]s(*%[1]s.next, %[1]s.name)", x, x, m.small(), keep, m.print())
	}
	return m.at(s, "%[1]s := make([]*string, 0, 2)\nfor range %[2]d {\n\t%[1]s = append(%[1]s, new(string))\n}\n%[3]s(%[1]s)", x, 1+m.IntN(9), keep)
}
