package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// Edits that add declarations and use them.

func addFunction(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	name, k := m.name("Func"), m.small()
	numbers := of(m.locals(s), types.IsInteger, false)
	x, ok := pick(m, numbers)
	switch {
	case ok && m.IntN(2) == 0:
		m.atEnd("func %s(n int) (sum int) {\n\tfor i := range n & 15 {\n\t\tsum += i * %d\n\t}\n\treturn sum\n}", name, k)
		return m.at(s, "%s(%s(int(%s)))", m.print(), name, x.name)
	case m.IntN(2) == 0: // returns a closure
		m.atEnd("func %s(a int) func(int) int {\n\tadd := func(b int) int { return a + b*%d }\n\treturn func(b int) int { return add(add(b)) }\n}", name, k)
		return m.at(s, "%s(%s(%d)(%d))", m.print(), name, k, m.small())
	}
	m.atEnd("func %s(texts ...string) (text string, err error) {\n\tdefer func() {\n\t\tif e := recover(); e != nil {\n\t\t\terr = %s.Errorf(\"%%v\", e)\n\t\t}\n\t}()\n\treturn texts[%d], nil\n}", name, m.need("fmt"), m.IntN(4))
	return m.at(s, "%s(%s(\"a\", \"b\"))", m.print(), name)
}

func addGeneric(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	locals, name := m.locals(s), m.name("Generic")
	l, ok := pick(m, locals)
	if !ok {
		return false
	}
	if m.IntN(2) == 0 {
		m.atEnd("func %[1]s[T any](v T, more ...T) string {\n\tf := func() string { return %[2]s.Sprintf(\"%%T\", v) }\n\treturn %[2]s.Sprint(f(), len(append(more, v)))\n}", name, m.need("fmt"))
		return m.at(s, "%s(%s(%s))", m.print(), name, l.name)
	}
	m.atEnd("type %[1]s[K comparable, V any] struct {\n\tkey K\n\tvalue V\n}\n\nfunc (p *%[1]s[K, V]) set(k K, v V) bool {\n\tp.value = v\n\treturn p.key == k\n}", name)
	text := fmt.Sprint(m.small())
	if x, ok := pick(m, of(locals, types.IsInteger|types.IsString, false)); ok {
		text = x.name
	}
	return m.at(s, "%s((&%s[string, any]{}).set(%q, %s))", m.print(), name, strings.Repeat("k", m.IntN(2)), text)
}

func addVariable(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	name, k := m.name("Var"), m.small()
	var others []string // variables that earlier edits have added, of type int
	for _, v := range m.unit.types.Scope().Names() {
		if o, ok := m.unit.types.Scope().Lookup(v).(*types.Var); ok && strings.HasPrefix(v, "addedVar") && types.Identical(o.Type(), types.Typ[types.Int]) {
			others = append(others, v)
		}
	}
	value, shown := fmt.Sprint(k), name
	switch m.IntN(7) {
	case 0:
		value, shown = fmt.Sprintf("map[string]int{\"a\": %d, \"b\": len(%q)}", k, name), name+"[\"a\"]"
	case 1:
		value, shown = fmt.Sprintf("func(n int) int { return n * %d }", k), name+"(3)"
	case 2:
		value = fmt.Sprintf("%s.Repeat(\"x\", %d)", m.need("strings"), k%9)
	case 3:
		value, shown = fmt.Sprintf("&struct {\n\tn int\n\tnext *int\n\tlist []string\n}{n: %d, list: []string{\"p\", %q}}", k, name), name+".n, "+name+".list"
	case 4:
		value = fmt.Sprintf("%s.Sprint(%d, []int{1, 2}, %q)", m.need("fmt"), k, name)
	default:
		if other, ok := pick(m, others); ok {
			value = fmt.Sprintf("%s*2 + %d", other, k)
		}
	}
	m.atEnd("var %s = %s", name, value)
	return m.at(s, "%s(%s)", m.print(), shown)
}

func addConstant(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	name := m.name("Const")
	m.atEnd("const %s = %s", name, []string{fmt.Sprint(m.small()), fmt.Sprintf("%q", name), "1.5", "1 << 3"}[m.IntN(4)])
	return m.at(s, "%s(%s)", m.print(), name)
}

func addType(m *maker) bool {
	s, ok := m.spot()
	if !ok {
		return false
	}
	name, sprint := m.name("Type"), m.need("fmt")+".Sprint"
	switch m.IntN(3) {
	case 0: // found by fmt
		m.atEnd("type %[1]s struct{ a, b int }\n\nfunc (t %[1]s) String() string { return %[2]s(\"<\", t.a, t.b, \">\") }\n\nfunc (t *%[1]s) add(n int) { t.a += n }", name, sprint)
		return m.at(s, "{\n\tt := %[1]s{%[2]d, 2}\n\tt.add(3)\n\t%[3]s(t, &t)\n}", name, m.small(), m.print())
	case 1: // an interface and who has it
		m.atEnd("type %[1]s interface{ word(int) string }\n\ntype %[1]sWord string\n\nfunc (w %[1]sWord) word(n int) string { return %[2]s(string(w), n) }\n\ntype %[1]sBoth struct {\n\t%[1]s\n\tname string\n}", name, sprint)
		return m.at(s, "{\n\tvar w %[1]s = %[1]sBoth{%[1]sWord(\"w\"), \"n\"}\n\tf := w.word\n\t%[2]s(f(%[3]d))\n}", name, m.print(), m.small())
	}
	m.atEnd("type %[1]s []string\n\nfunc (l %[1]s) Len() int { return len(l) }\nfunc (l %[1]s) Less(i, j int) bool { return l[i] > l[j] }\nfunc (l %[1]s) Swap(i, j int) { l[i], l[j] = l[j], l[i] }", name)
	return m.at(s, "{\n\tl := %[1]s{\"a\", \"c\", \"b\"}\n\t%[2]s.Sort(l)\n\t%[3]s(l)\n}", name, m.need("sort"), m.print())
}

func addMethod(m *maker) bool {
	var list []*ast.FuncDecl
	for _, decl := range m.tree.Decls {
		d, ok := decl.(*ast.FuncDecl)
		if ok && d.Recv != nil && len(d.Recv.List[0].Names) == 1 && d.Recv.List[0].Names[0].Name != "_" && len(m.unit.regions(d)) == 1 && len(d.Body.List) > 0 {
			list = append(list, d)
		}
	}
	d, ok := pick(m, list)
	if !ok {
		return false
	}
	receiver, name := m.source(d.Recv), m.name("Method")
	m.atEnd("func %s %s(n int) int { return n + %d }", receiver, name, m.small())
	call := fmt.Sprintf("%s.%s(%d)", d.Recv.List[0].Names[0].Name, name, m.small())
	m.insert(d.Body.List[0].Pos(), fmt.Sprintf("%s(%s)\n", m.print(), call))
	return true
}

// addParameter gives an unexported function one more parameter, and all its callers an
// argument.
func addParameter(m *maker) bool {
	var list []*ast.FuncDecl
	for _, decl := range m.tree.Decls {
		if d, ok := decl.(*ast.FuncDecl); ok && !d.Name.IsExported() && len(m.unit.regions(d)) == 1 && m.unit.regions(d)[0] == d.Body && len(d.Body.List) > 0 {
			list = append(list, d)
		}
	}
	d, ok := pick(m, list)
	if !ok {
		return false
	}
	object := m.unit.info.Defs[d.Name]
	uses := 0
	for id, used := range m.unit.info.Uses {
		if f, ok := used.(*types.Func); ok && f.Origin() == object && id != nil {
			uses++
		}
	}
	name := m.name("Param")
	parameter := name + " int"
	if d.Type.Params.NumFields() > 0 {
		parameter += ", "
		if len(d.Type.Params.List[0].Names) == 0 {
			return false // parameters without names
		}
	}
	m.insert(d.Type.Params.Opening+1, parameter)
	m.insert(d.Body.List[0].Pos(), fmt.Sprintf("%s(%s)\n", m.print(), name))
	for _, file := range slices.Sorted(maps.Keys(m.unit.trees)) {
		ast.Inspect(m.unit.trees[file], func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun := call.Fun
			if index, ok := fun.(*ast.IndexExpr); ok {
				fun = index.X
			}
			id, ok := fun.(*ast.Ident)
			if selector, is := fun.(*ast.SelectorExpr); is {
				id, ok = selector.Sel, true
			}
			if f, is := m.unit.info.Uses[id].(*types.Func); !ok || !is || f.Origin() != object {
				return true
			}
			uses--
			argument := fmt.Sprint(m.small())
			if len(call.Args) > 0 {
				argument += ", "
			}
			m.insert(call.Lparen+1, argument)
			return true
		})
	}
	return uses == 0 // it is used only where it is called
}
