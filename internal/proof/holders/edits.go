package main

// A state is a type T before or after an edit: its declaration, the value with the number
// i, and what of a value v is shown.
type state struct{ decl, mk, show string }

// An edit changes T. Values with the same number are to be shown as the same text by both,
// or as the text of before and zeros: a value that is held may be taken over by the new
// source, if that is what the tool does one day.
type edit struct {
	name          string
	before, after state

	isInterface  bool // T has no methods of its own, and is no type of a value
	incomparable bool // after the edit
	pointers     bool // what fmt prints of a value is another text in each process
}

func (e edit) fits(h holder) bool {
	return !(h.methods && e.isInterface) && !(h.comparable && e.incomparable) && !(h.printed && e.pointers)
}

var plain = state{"type T struct {\n\tA int\n\tB string\n}", "T{A: 1000 + i, B: kit.Text(i)}", "kit.Show(v.A, v.B)"}

// to is plain with another declaration.
func to(decl, show string) state { return state{decl, plain.mk, show} }

var edits = []edit{
	{name: "field-added", before: plain, after: to("type T struct {\n\tA int\n\tB string\n\tC bool\n}", "kit.Show(v.A, v.B, v.C)")},
	{name: "field-added-in-front", before: plain, after: to("type T struct {\n\tC string\n\tA int\n\tB string\n}", "kit.Show(v.A, v.B, len(v.C))")},
	{name: "field-removed", before: plain, after: state{"type T struct{ A int }", "T{A: 1000 + i}", "kit.Show(v.A)"}},
	{name: "first-field-removed", before: plain, after: state{"type T struct{ B string }", "T{B: kit.Text(i)}", "kit.Show(v.B)"}},
	{name: "field-renamed", before: plain, after: state{"type T struct {\n\tA int\n\tName string\n}", "T{A: 1000 + i, Name: kit.Text(i)}", "kit.Show(v.A, v.Name)"}},
	{name: "field-int-to-string", before: plain, after: state{"type T struct {\n\tA string\n\tB string\n}", "T{A: kit.Show(1000 + i), B: kit.Text(i)}", "kit.Show(v.A, v.B)"}},
	{name: "field-int-to-float", before: plain, after: state{"type T struct {\n\tA float64\n\tB string\n}", "T{A: float64(1000 + i), B: kit.Text(i)}", "kit.Show(v.A, v.B)"}},
	{name: "fields-reordered", before: plain, after: to("type T struct {\n\tB string\n\tA int\n}", "kit.Show(v.A, v.B)")},
	{name: "tag", before: plain, after: to("type T struct {\n\tA int `json:\"first\"`\n\tB string\n}", "kit.Show(v.A, v.B)")},
	{name: "embedded-added", before: plain, after: to("type T struct {\n\tkit.Point\n\tA int\n\tB string\n}", "kit.Show(v.A, v.B, v.X)")},
	{
		name:   "array-length-by-constant",
		before: state{"const size = 4\n\ntype T struct {\n\tL [size]int\n\tA int\n}", "T{L: [size]int{i}, A: 1000 + i}", "kit.Show(v.A, v.L[0], v.L[size-1])"},
		after:  state{"const size = 9\n\ntype T struct {\n\tL [size]int\n\tA int\n}", "T{L: [size]int{i}, A: 1000 + i}", "kit.Show(v.A, v.L[0], v.L[size-1])"},
	},
	{
		name:   "alias",
		before: state{"type number = int32\n\ntype T struct {\n\tA number\n\tB string\n}", "T{A: number(1000 + i), B: kit.Text(i)}", "kit.Show(v.A, v.B)"},
		after:  state{"type number = int64\n\ntype T struct {\n\tA number\n\tB string\n}", "T{A: number(1000 + i), B: kit.Text(i)}", "kit.Show(v.A, v.B)"},
	},
	{
		name:   "inner-type",
		before: state{"type inner struct{ N int }\n\ntype T struct {\n\tA inner\n\tB string\n}", "T{A: inner{1000 + i}, B: kit.Text(i)}", "kit.Show(v.A.N, v.B)"},
		after:  state{"type inner struct {\n\tM, N int\n}\n\ntype T struct {\n\tA inner\n\tB string\n}", "T{A: inner{N: 1000 + i}, B: kit.Text(i)}", "kit.Show(v.A.N, v.A.M, v.B)"},
	},
	{name: "underlying-int-to-string", before: state{"type T int", "T(1000 + i)", "kit.Show(int(v))"}, after: state{"type T string", "T(kit.Show(1000 + i))", "kit.Show(string(v))"}},
	{name: "underlying-int-to-float", before: state{"type T int", "T(1000 + i)", "kit.Show(int(v))"}, after: state{"type T float64", "T(float64(1000 + i))", "kit.Show(float64(v))"}},
	{name: "underlying-struct-to-array", before: plain, after: state{"type T [2]string", "T{kit.Show(1000 + i), kit.Text(i)}", "kit.Show(v[0], v[1])"}},
	{name: "slice-element", incomparable: true, before: state{"type T []int", "T{1000 + i, i}", "kit.Show(v[0], v[1])"}, after: state{"type T []string", "T{kit.Show(1000 + i), kit.Show(i)}", "kit.Show(v[0], v[1])"}},
	{name: "map-value", incomparable: true, before: state{"type T map[string]int", "T{\"a\": 1000 + i}", "kit.Show(v[\"a\"])"}, after: state{"type T map[string]string", "T{\"a\": kit.Show(1000 + i)}", "kit.Show(v[\"a\"])"}},
	{
		name: "interface-method", isInterface: true,
		before: state{"type T interface{ Get() int }\n" + implementation, "impl(1000 + i)", "kit.Show(v.Get())"},
		after:  state{"type T interface {\n\tAlso() int\n\tGet() int\n}\n" + implementation, "impl(1000 + i)", "kit.Show(v.Get(), v.Also())"},
	},
	{name: "larger-than-128-bytes", before: plain, after: to("type T struct {\n\tA int\n\tRest [20]int\n\tB string\n}", "kit.Show(v.A, v.B, v.Rest[19])")},
	{
		name: "pointer-free-to-pointers", pointers: true,
		before: state{"type T struct{ A, N int }", "T{A: 1000 + i, N: 7 + i}", "kit.Show(v.A, v.N)"},
		after:  state{"type T struct {\n\tA int\n\tN *int\n}", "T{A: 1000 + i, N: shared(7 + i)}", "kit.Show(v.A, *v.N)\n}\n\nvar all [20]int\n\nfunc shared(n int) *int {\n\tall[n] = n\n\treturn &all[n]"},
	},
	{name: "comparable-to-not", incomparable: true, before: plain, after: state{"type T struct {\n\tA int\n\tB []string\n}", "T{A: 1000 + i, B: []string{kit.Text(i)}}", "kit.Show(v.A, v.B[0])"}},
}

const implementation = `
type impl int

func (v impl) Get() int { return int(v) }

func (v impl) Also() int { return 1 }
`
