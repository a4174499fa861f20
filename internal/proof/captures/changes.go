package main

import "strings"

// A change is an edit around a literal: of what its variables are, of what it means. The
// text of the literal stays, but where there are two of them.
type change struct {
	name          string
	before, after form
	files         [2]map[string]string // more files, before and after
	literal       bool                 // it has to do with the literal as a whole, not with what is in it
}

func (c change) fits(p place) bool {
	own := strings.Contains(c.before.vars+c.after.vars, "a := ")
	return !(c.literal && p.running) && !(own && p.own == "a")
}

// declared is a change of the package's declarations.
func declared(name, before, after, vars, body string) change {
	return change{name: name, before: form{decls: before, vars: vars, body: body}, after: form{decls: after, vars: vars, body: body}}
}

// enclosing is a change of the variables in front.
func enclosing(name, before, after, body string) change {
	return change{name: name, before: form{vars: before, body: body}, after: form{vars: after, body: body}}
}

// elsewhere is a change of a package that the pair's imports.
func elsewhere(name, before, after, vars, body string) change {
	f := form{imports: "\t\"PAIR/dep\"\n", vars: vars, body: body}
	dep := func(text string) map[string]string {
		return map[string]string{"dep/dep.go": "package dep\n\n" + text + "\n"}
	}
	return change{name: name, before: f, after: f, files: [2]map[string]string{dep(before), dep(after)}}
}

// same are changes of declarations, and of the same in another package.
func same(name, before, after, vars, body string) []change {
	exported := strings.NewReplacer("debug", "dep.Debug", "size", "dep.Size", "callee", "dep.Callee", "layout", "dep.Layout", "number", "dep.Number")
	upper := strings.NewReplacer("debug", "Debug", "size", "Size", "callee", "Callee", "layout", "Layout", "number", "Number")
	return []change{
		declared(name, before, after, vars, body),
		elsewhere(name+" elsewhere", upper.Replace(before), upper.Replace(after), exported.Replace(vars), exported.Replace(body)),
	}
}

const (
	layoutXY   = "type layout struct{ X, Y int }"
	layoutYX   = "type layout struct{ Y, X int }"
	layoutWord = "type layout struct {\n\tFirst string\n\tX, Y int\n}"
	layoutBig  = "type layout struct {\n\tX, Y int\n\tRest [30]int\n}"
)

var changes = func() []change {
	point := "v := layout{X: 10 + i, Y: 20 + i}\n_ = v"
	pointer := "v := &layout{X: 10 + i, Y: 20 + i}\n_ = v"
	array := "v := [size]int{1: 10 + i, size - 1: 20 + i}\n_ = v"
	called := "v := callee(i)\n_ = v"
	a, s := "a := 1000 + i\n_ = a", "s := kit.Text(i)\n_ = s"
	shown := "r := kit.Num(v)"
	var list []change
	for _, group := range [][]change{
		same("constant length", "const size = 4", "const size = 9", array, "r := v[1] + v[size-1]"),
		same("constant length to by reference", "const size = 4", "const size = 40", array, "r := v[1] + v[size-1]"),
		same("constant length to by value", "const size = 40", "const size = 4", array, "r := v[1] + v[size-1]"),
		same("constant switches capture on", "const debug = false", "const debug = true", a+"\n"+s, "r := a\nif debug {\n\tr += len(s) * 100\n}"),
		same("constant switches capture off", "const debug = true", "const debug = false", a+"\n"+s, "r := a\nif debug {\n\tr += len(s) * 100\n}"),
		same("constant switches only capture on", "const debug = false", "const debug = true", "e := kit.Err(i)\n_ = e", "r := 1\nif debug {\n\tif e != nil {\n\t\tr = 2\n\t}\n}"),
		same("constant switches write on", "const debug = false", "const debug = true", a, "r := a\nif debug {\n\ta += 2\n\tr = a\n\ta -= 2\n}"),
		same("constant switches write off", "const debug = true", "const debug = false", a, "r := a\nif debug {\n\ta += 2\n\tr = a\n\ta -= 2\n}"),
		same("callee returns string", "func callee(i int) int { return 70 + i }", "func callee(i int) string { return \"text\" }", called, shown),
		same("callee returns float", "func callee(i int) int { return 70 + i }", "func callee(i int) float64 { return 70.5 }", called, shown),
		same("callee returns pointer", "func callee(i int) [2]int { return [2]int{i, i} }", "func callee(i int) *[2]int { return &[2]int{i, i} }", called, "r := v[0] + v[1]"),
		same("callee returns any", "func callee(i int) string { return \"text\" }", "func callee(i int) any { return \"text\" }", called, shown),
		same("callee returns error", "func callee(i int) any { return i }", "func callee(i int) error { return nil }", called, shown),
		same("fields in another order", layoutXY, layoutYX, point, "r := v.X*2 + v.Y"),
		same("fields in another order, by pointer", layoutXY, layoutYX, pointer, "r := v.X*2 + v.Y"),
		same("field in front", layoutXY, layoutWord, point, "r := v.X*2 + v.Y"),
		same("field in front, of one used", layoutXY, layoutWord, point, "r := v.Y"),
		same("field in front, written", layoutXY, layoutWord, point, "v.X += 3\nr := v.X + v.Y\nv.X -= 3"),
		same("field removed", layoutWord, layoutXY, point, "r := v.X*2 + v.Y"),
		same("struct grows to by reference", layoutXY, layoutBig, point, "r := v.X*2 + v.Y"),
		same("struct shrinks to by value", layoutBig, layoutXY, point, "r := v.X*2 + v.Y"),
		same("struct grows in a slice", layoutXY, layoutBig, "v := []layout{{X: i}, {X: i + 1}}\n_ = v", "r := v[1].X + len(v)"),
		same("alias of another type", "type number = int", "type number = string", "var v number\n_ = v", "r := kit.Num(v) + kit.Size[number]()"),
		same("alias of a type of the same size", "type number = int", "type number = float64", "v := number(64 + i)\n_ = v", "r := int(v * 2 / 2)"),
		same("alias of a narrower type", "type number = int64", "type number = int16", "v := number(64 + i)\n_ = v", "r := int(v)"),
		same("alias of a wider type", "type number = int8", "type number = int", "v, w := number(64+i), number(i)\n_, _ = v, w", "r := int(v)*2 + int(w)"),
		same("underlying type", "type number int", "type number float64", "v := number(64 + i)\n_ = v", "r := int(v * 2)"),
		same("interface with one more method", "type layout interface{ Sum() int }", "type layout interface {\n\tMove(int) int\n\tSum() int\n}", "var v layout = &kit.Point{X: 5 + i}\n_ = v", "r := v.Sum()"),
		same("func type with another result", "type number = func(int) int", "type number = func(int) float64", "var v number\n_ = v", "r := 1\nif v != nil {\n\tr = int(v(2))\n}"),
		{
			declared("receiver by pointer", "type num int\n\nfunc (n num) get() int { return int(n) }", "type num int\n\nfunc (n *num) get() int { return int(*n) }", "v := num(60 + i)\n_ = v", "r := v.get()"),
			declared("receiver by value", "type num int\n\nfunc (n *num) get() int { return int(*n) }", "type num int\n\nfunc (n num) get() int { return int(n) }", "v := num(60 + i)\n_ = v", "r := v.get()"),
			declared("array becomes slice", "type nums [4]int", "type nums []int", "v := nums{i, i + 1, i + 2}\n_ = v", "r := v[x%3]"),
			declared("slice becomes array", "type nums []int", "type nums [4]int", "v := nums{i, i + 1, i + 2}\n_ = v", "r := v[x%3]"),
			declared("type argument", "type hold[T any] struct{ v, w T }\n\ntype held = hold[int32]", "type hold[T any] struct{ v, w T }\n\ntype held = hold[int64]", "v := held{5, 6}\n_ = v", "r := int(v.v)*2 + int(v.w)"),
			declared("field of a generic type", "type hold[T any] struct{ v T }", "type hold[T any] struct {\n\tn int\n\tv T\n}", "v := hold[int]{v: 60 + i}\n_ = v", "r := v.v"),
			declared("package variable to constant", "var limit = 60", "const limit = 60", a, "r := a + limit"),
			declared("embedded field", "type base struct{ X int }\n\ntype layout struct{ base }", "type base struct{ X int }\n\ntype layout struct {\n\tname string\n\tbase\n}", "v := layout{base: base{60 + i}}\n_ = v", "r := v.X"),

			enclosing("another type", "v := 60 + i\n_ = v", "v := kit.Text(i)\n_ = v", shown),
			enclosing("another type of the same size", "v := 60 + i\n_ = v", "v := 60.5 + float64(i)\n_ = v", shown),
			enclosing("becomes an interface", "v := 60 + i\n_ = v", "v := any(60 + i)\n_ = v", shown),
			enclosing("becomes a pointer", "v := kit.Point{X: 60 + i}\n_ = v", "v := &kit.Point{X: 60 + i}\n_ = v", "r := v.X + v.Y"),
			enclosing("two change types", "u, v := 60+i, kit.Text(i)\n_, _ = u, v", "v, u := 60+i, kit.Text(i)\n_, _ = u, v", "r := kit.Num(u)*2 + kit.Num(v)"),
			enclosing("becomes a constant", "v := 60\n_ = v", "const v = 60", "r := v"),
			enclosing("constant becomes a variable", "const v = 60", "v := 60 + kit.Same(0)\n_ = v", "r := v"),
			enclosing("assigned in front", a, "a := 1\na = 1000 + i\n_ = a", "r := a"),
			enclosing("no longer assigned in front", "a := 1\na = 1000 + i\n_ = a", a, "r := a"),
			enclosing("another address is taken", a, a+"\nkit.Same(&a)", "r := a"),
			enclosing("declared var, then assigned", a, "var a int\na = 1000 + i", "r := a"),
			enclosing("variable in front", a, s+"\n"+a, "r := a"),
		},
	} {
		list = append(list, group...)
	}
	return append(list, literals...)
}()

// literals are changes in which a package's declaration, or another literal, comes or goes.
var literals = []change{
	{
		name:   "local shadows a package variable",
		before: form{decls: "var v = 60", body: "r := kit.Num(v)"},
		after:  form{decls: "var v = 60", vars: "v := kit.Text(i)\n_ = v", body: "r := kit.Num(v)"},
	},
	{
		name:   "local no longer shadows a package variable",
		before: form{decls: "var v = 60", vars: "v := kit.Text(i)\n_ = v", body: "r := kit.Num(v)"},
		after:  form{decls: "var v = 60", body: "r := kit.Num(v)"},
	},
	{
		name:   "local shadows a package constant",
		before: form{decls: "const v = 60", body: "r := kit.Num(v)"},
		after:  form{decls: "const v = 60", vars: "v := 60 + i\n_ = v", body: "r := kit.Num(v)"},
	},
	{
		name:   "local shadows a function",
		before: form{decls: "func get() int { return 60 }", body: "r := get()"},
		after:  form{decls: "func get() int { return 60 }", vars: "get := kit.Add(i)\n_ = get", body: "r := kit.Num(get != nil)"},
	},
	{
		name:   "shadowed between",
		before: form{vars: "v := 60 + i\n_ = v", body: "r := kit.Num(v)"},
		after:  form{vars: "w := 60 + i\n_ = w\nv := kit.Text(i)\n_ = v", body: "r := kit.Num(v)"},
	},
	{
		name:    "literal above, of another capture",
		before:  form{vars: "a := 1000 + i\ns := kit.Text(i)\n_, _ = a, s", body: "r := a"},
		after:   form{vars: "a := 1000 + i\ns := kit.Text(i)\n_, _ = a, s", body: "r := a", above: "other := func(x int) int {\n\tr := len(s)\n\treturn r + x + 5000000\n}\nkit.Same(other)"},
		literal: true,
	},
	{
		name:    "literal above removed",
		before:  form{vars: "a := 1000 + i\ns := kit.Text(i)\n_, _ = a, s", body: "r := a", above: "other := func(x int) int {\n\tr := len(s)\n\treturn r + x + 5000000\n}\nkit.Same(other)"},
		after:   form{vars: "a := 1000 + i\ns := kit.Text(i)\n_, _ = a, s", body: "r := a"},
		literal: true,
	},
	{
		name:    "literal above writes",
		before:  form{vars: "a := 1000 + i\n_ = a", body: "r := a", above: "other := func() { kit.Same(a) }\nother()"},
		after:   form{vars: "a := 1000 + i\n_ = a", body: "r := a", above: "other := func() { a = kit.Same(a) }\nother()"},
		literal: true,
	},
	{
		name:    "literal above no longer writes",
		before:  form{vars: "a := 1000 + i\n_ = a", body: "r := a", above: "other := func() { a = kit.Same(a) }\nother()"},
		after:   form{vars: "a := 1000 + i\n_ = a", body: "r := a", above: "other := func() { kit.Same(a) }\nother()"},
		literal: true,
	},
}
