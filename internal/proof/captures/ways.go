package main

import "strings"

// variable are those that an enclosing function may have. i is its parameter, and another
// number for each closure.
var variable = map[string]string{
	"a":     "a := 1000 + i",
	"a2":    "a2 := 2000 + i",
	"b":     "b := i%2 == 0",
	"n8":    "n8 := int8(i)",
	"f":     "f := float64(i) + 0.5",
	"s":     "s := kit.Text(i)",
	"s2":    "s2 := kit.Text(i + 1)",
	"e":     "e := kit.Err(i)",
	"sl":    "sl := kit.Ints(i)",
	"arr":   "arr := [3]int{i, i + 10, i + 20}",
	"mid":   "mid := [16]int{3: i, 15: i + 1}",
	"big":   "big := [40]int{3: i, 39: i + 1}",
	"st":    "st := kit.Point{X: 10 + i, Y: 20 + i, Name: kit.Text(i)}",
	"p":     "p := &kit.Point{X: 30 + i, Y: 40 + i}",
	"c":     "c := kit.Counter(i)",
	"fn":    "fn := kit.Add(i)",
	"m":     "m := map[int]int{1: 50 + i}",
	"value": "", // of the type parameter, in generic places
}

// A way is how a literal captures.
type way struct {
	name string
	uses string // names of variables
	by   string // what is captured, with & if by reference, in the order of the closure's fields; for kindOf
	body string
	// after is behind the literal. What it assigns is the same value: what the closures
	// answer does not depend on whether it ran.
	after   string
	generic bool // for generic places only
}

func (w way) fits(p place) bool { return !w.generic || p.generic }

var captures = []way{
	{name: "none", body: "r := 7"},
	{name: "int", uses: "a", by: "a", body: "r := a"},
	{name: "int2", uses: "a2", by: "a2", body: "r := a2"},
	{name: "int-written", uses: "a", by: "&a", body: "a += 3\nr := a\na -= 3"},
	{name: "int-assigned-later", uses: "a", by: "&a", body: "r := a", after: "a = kit.Same(a)"},
	{name: "int-address", uses: "a", by: "&a", body: "q := &a\nr := *kit.Same(q)"},
	{name: "int-printed", uses: "a", by: "a", body: "r := kit.Num(a)"},
	{name: "int-sent", uses: "a", by: "a", body: "c := make(chan int, 1)\nc <- a\nr := <-c"},
	{name: "int-key", uses: "a", by: "a", body: "r := len(map[int]bool{a: true, x: true})"},
	{name: "bool", uses: "b", by: "b", body: "r := 1\nif b {\n\tr = 2\n}"},
	{name: "bool-int", uses: "b a", by: "b a", body: "r := 1\nif b {\n\tr = a\n}"},
	{name: "int8", uses: "n8", by: "n8", body: "r := int(n8)"},
	{name: "float", uses: "f", by: "f", body: "r := int(f * 2)"},
	{name: "string", uses: "s", by: "s", body: "r := len(s) + int(s[0])"},
	{name: "string-len", uses: "s", by: "s", body: "r := len(s)"},
	{name: "string-printed", uses: "s", by: "s", body: "r := kit.Num(s)"},
	{name: "string-written", uses: "s", by: "&s", body: "s += \"x\"\nr := len(s)\ns = s[:len(s)-1]"},
	{name: "string-int", uses: "s a", by: "s a", body: "r := len(s)\nr += a"},
	{name: "int-string", uses: "s a", by: "a s", body: "r := a\nr += len(s)"},
	{name: "int-string-string", uses: "s s2 a", by: "a s s2", body: "r := a\nr += len(s) + len(s2)"},
	{name: "int-written-string", uses: "s a", by: "&a s", body: "a++\nr := a + len(s)\na--"},
	{name: "int-int", uses: "a a2", by: "a a2", body: "r := a*2 + a2"},
	{name: "int-int-swapped", uses: "a a2", by: "a2 a", body: "r := a2*2 + a"},
	{name: "int-int-written", uses: "a a2", by: "&a &a2", body: "a++\na2++\nr := a*2 + a2\na--\na2--"},
	{name: "error-nil", uses: "e", by: "e", body: "r := 1\nif e != nil {\n\tr = 2\n}"},
	{name: "error", uses: "e", by: "e", body: "r := 1\nif e != nil {\n\tr = len(e.Error())\n}"},
	{name: "error-assigned", uses: "e", by: "&e", body: "r := 1\nold := e\ne = nil\nif old != nil {\n\tr = len(old.Error())\n}\ne = old"},
	{name: "slice", uses: "sl", by: "sl", body: "r := sl[1] + len(sl)"},
	{name: "slice-cap", uses: "sl", by: "sl", body: "r := cap(sl)"},
	{name: "slice-appended", uses: "sl", by: "&sl", body: "sl = append(sl, 1)\nr := len(sl)\nsl = sl[:len(sl)-1]"},
	{name: "array", uses: "arr", by: "arr", body: "r := arr[x%3]"},
	{name: "array-printed", uses: "arr", by: "arr", body: "r := kit.Num(arr)"},
	{name: "array-written", uses: "arr", by: "&arr", body: "arr[1]++\nr := kit.Num(arr)\narr[1]--"},
	{name: "array-sliced", uses: "arr", by: "&arr", body: "r := kit.Sum(arr[:])"},
	{name: "array-128-bytes", uses: "mid", by: "mid", body: "r := mid[x%16]"},
	{name: "array-big", uses: "big", by: "&big", body: "r := big[x%40]"},
	{name: "struct", uses: "st", by: "st", body: "r := st.Sum()"},
	{name: "struct-first-field", uses: "st", by: "st", body: "r := st.X"},
	{name: "struct-last-field", uses: "st", by: "st", body: "r := len(st.Name)"},
	{name: "struct-pointer-method", uses: "st", by: "&st", body: "r := st.Move(2)\nst.Move(-2)"},
	{name: "struct-printed", uses: "st", by: "st", body: "r := kit.Num(st)"},
	{name: "struct-field-written", uses: "st", by: "&st", body: "st.Y++\nr := kit.Num(st)\nst.Y--"},
	{name: "pointer", uses: "p", by: "p", body: "r := p.X"},
	{name: "pointer-assigned", uses: "p", by: "&p", body: "p = &kit.Point{X: p.X, Y: p.Y}\nr := p.Y"},
	{name: "counter-method", uses: "c", by: "&c", body: "r := c.Plus(2)\nc.Plus(-2)"},
	{name: "func", uses: "fn", by: "fn", body: "r := fn(2)"},
	{name: "map", uses: "m", by: "m", body: "r := m[1]"},
	{name: "dead-constant", uses: "a", by: "a", body: "const debug = false\nr := 7\nif debug {\n\tr += a\n}"},
	{name: "array-len", uses: "arr", body: "r := len(arr)"},
	{name: "shadowed", uses: "a", body: "a := 5\nr := a"},
	{name: "shadowed-by-own-value", uses: "a", by: "a", body: "a := a\na++\nr := a"},
	{name: "shadowed-retyped", uses: "a s", by: "s", body: "a := s\nr := len(a)"},
	{name: "nested", uses: "a", by: "a", body: "r := func() int { return a }()"},
	{name: "nested-written", uses: "a", by: "&a", body: "func() { a += 4 }()\nr := a\na -= 4"},
	{name: "nested-kept", uses: "a s", by: "a s", body: "inner := func() int { return a + len(s) }\nr := kit.Same(inner)()"},
	{name: "dictionary", body: "r := kit.Size[T]()", by: "dict", generic: true},
	{name: "dictionary-int", uses: "a", by: "dict a", body: "r := kit.Size[T]() + a", generic: true},
	{name: "generic-value", uses: "value", by: "value dict", body: "r := kit.Num(value)", generic: true},
	{name: "generic-value-assigned", uses: "value", by: "&value dict", body: "value = kit.Same(value)\nr := kit.Num(value)", generic: true},
	{name: "generic-value-written", uses: "value a", by: "&value dict a", body: "value = kit.Same(value)\nr := kit.Num(value) + a", generic: true},
}

// variables declares them, so that none is unused.
func variables(p place, uses string) string {
	var b strings.Builder
	declared := map[string]bool{p.own: true}
	for _, name := range strings.Fields(uses) {
		if text := variable[name]; text != "" && !declared[name] {
			declared[name] = true
			b.WriteString(text + "\n_ = " + name + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// captured is how the kinds of ways begin.
const captured = "captures: "

// kindOf is what the edit does to the closure.
func kindOf(before, after way) string {
	old, now := strings.Fields(before.by), strings.Fields(after.by)
	bare := func(list []string) string { return strings.ReplaceAll(strings.Join(list, " "), "&", "") }
	has := func(list, others []string) bool {
		for _, name := range others {
			if !strings.Contains(" "+strings.Join(list, " ")+" ", " "+name+" ") {
				return false
			}
		}
		return true
	}
	switch {
	case before.name == after.name:
		return captured + "the same, the same use"
	case before.by == after.by:
		return captured + "the same, another use"
	case bare(old) == bare(now) && strings.Contains(after.by, "&"):
		return captured + "value to reference"
	case bare(old) == bare(now):
		return captured + "reference to value"
	case len(old) == 0:
		return captured + "none to some"
	case len(now) == 0:
		return captured + "some to none"
	case has(old, now) && has(now, old):
		return captured + "another order"
	case has(now, old):
		return captured + "more"
	case has(old, now):
		return captured + "fewer"
	case len(old) == len(now):
		return captured + "others, as many"
	}
	return captured + "others"
}
