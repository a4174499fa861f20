package main

import "strings"

// A holder is code that has values of T, in one way. It has Setup and Old, and New if
// there is more to do than to show a new value. NAME is a text of this pair alone.
type holder struct {
	name    string
	code    string
	imports string
	live    bool // values are gone when a call is over

	comparable bool // T must be
	methods    bool // T must be able to have methods
	printed    bool // by fmt
}

// variable is a holder that assigns to a variable and shows what it has.
func variable(name, typ, value, shown string) holder {
	code := strings.NewReplacer("TYPE", typ, "VALUE", value, "SHOWN", shown).Replace(`
var held TYPE

func Setup() {
	kit.Beside()
	v := mk(1)
	held = VALUE
	_ = v
	kit.Beside()
}

func Old() string { return SHOWN }
`)
	return holder{name: name, code: code}
}

// with are a holder's needs.
func (h holder) with(imports string, set func(*holder)) holder {
	h.imports = imports
	if set != nil {
		set(&h)
	}
	return h
}

func comparable(h *holder) { h.comparable = true }
func methods(h *holder)    { h.methods = true }

const (
	withShow  = "\nfunc (v T) Show() string { return show(v) }\n"
	withError = "\nfunc (v T) Error() string { return show(v) }\n"
)

// asserted shows what an interface value has.
const asserted = `
func showAny(v any) string {
	if v, ok := v.(T); ok {
		return show(v)
	}
	return "another type"
}
`

// also is a holder with more code.
func (h holder) also(code string) holder {
	h.code = code + h.code
	return h
}

// running is a holder with goroutines that run(i, line).
func running(name, code string) holder {
	return holder{name: name, code: code + `
var lines []*kit.Line

func Setup() { lines = kit.Lines(3, run) }

func New() string { return kit.Once(2, run) }

func Old() string { return kit.Answers(lines) }
`}
}

// ending is one with goroutines that answer once.
func ending(name, code string) holder {
	h := running(name, code)
	h.code = strings.NewReplacer("Lines(3", "Lines(5", "return kit.Answers(lines)", "first := lines[:1]\n\tlines = lines[1:]\n\treturn kit.Answers(first)").Replace(h.code)
	return h
}

var holders = []holder{
	variable("var", "T", "v", "show(held)"),
	variable("var-pointer", "*T", "&v", "show(*held)"),
	variable("var-slice", "[]T", "[]T{v, mk(2), mk(3)}", "show(held[0]) + show(held[2])"),
	variable("var-slice-appended", "[]T", "append(held, v)", "show(held[0])"),
	variable("var-map", "map[string]T", `map[string]T{"a": v, "b": mk(2)}`, `show(held["a"]) + show(held["b"])`),
	variable("var-map-of-pointers", "map[string]*T", `map[string]*T{"a": &v}`, `show(*held["a"])`),
	variable("var-map-key", "map[T]int", "map[T]int{v: 5}", "kit.Show(held[mk(1)], len(held))").with("", comparable),
	variable("var-map-any-key", "map[any]int", "map[any]int{v: 5}", "kit.Show(held[mk(1)], len(held))").with("", comparable),
	variable("var-map-any-key-added", "map[any]int", "map[any]int{}", "count(held, mk(1))").with("", comparable).also("\nfunc count(m map[any]int, key any) string {\n\tm[key] = 1\n\treturn kit.Show(len(m))\n}\n"),
	variable("var-map-array-key", "map[any]int", "map[any]int{[2]T{v, v}: 5}", "kit.Show(held[[2]T{mk(1), mk(1)}])").with("", comparable),
	variable("var-array", "[2]T", "[2]T{v, mk(2)}", "show(held[0]) + show(held[1])"),
	variable("var-struct", "struct {\n\tn int\n\tin T\n\tm int\n}", "struct {\n\tn int\n\tin T\n\tm int\n}{77, v, 78}", "kit.Show(held.n, show(held.in), held.m)"),
	variable("var-any", "any", "v", "showAny(held)").also(asserted),
	variable("var-any-pointer", "any", "&v", "show(*held.(*T))"),
	variable("var-any-slice", "any", "[]T{v}", "show(held.([]T)[0])"),
	variable("var-any-func", "any", "show", "held.(func(T) string)(mk(1))"),
	variable("var-slice-of-any", "[]any", "append(held, v, &v, 3)", "showAny(held[0])").also(asserted),
	variable("var-any-in-struct", "struct{ v any }", "struct{ v any }{v}", "showAny(held.v)").also(asserted),
	variable("var-any-alias", "any", "v", "show(held.(entry))").also("\ntype entry = T\n"),
	variable("var-any-alias-of-slice", "any", "[]T{v}", "pick(held)").also("\ntype entries = []T\n\nfunc pick(v any) string {\n\tswitch v := v.(type) {\n\tcase entries:\n\t\treturn show(v[0])\n\t}\n\treturn \"another type\"\n}\n"),
	variable("var-any-type-around", "any", "around{v}", "show(held.(around).in)").also("\ntype around struct{ in T }\n"),
	variable("var-channel", "chan T", "buffered(v)", "through(held)").also("\nfunc buffered(v T) chan T {\n\tc := make(chan T, 2)\n\tc <- v\n\treturn c\n}\n\nfunc through(c chan T) string {\n\tv := <-c\n\tc <- v\n\treturn show(v)\n}\n"),
	variable("var-channel-of-any", "chan any", "buffered(v)", "through(held)").also(asserted + "\nfunc buffered(v any) chan any {\n\tc := make(chan any, 2)\n\tc <- v\n\treturn c\n}\n\nfunc through(c chan any) string {\n\tv := <-c\n\tc <- v\n\treturn showAny(v)\n}\n"),
	variable("var-equal", "any", "v", "kit.Show(held == any(mk(1)))").with("", comparable),
	variable("var-deep-equal", "any", `map[string]any{"a": []T{v}}`, `kit.Show(reflect.DeepEqual(held, map[string]any{"a": []T{mk(1)}}))`).with("reflect", nil),
	variable("var-unsafe-pointer", "unsafe.Pointer", "unsafe.Pointer(&v)", "show(*(*T)(held))").with("unsafe", nil),
	variable("var-uintptr", "uintptr", "address(&v)", "show(*(*T)(unsafe.Pointer(held)))").with("unsafe", nil).also("\nvar alive any\n\nfunc address(v *T) uintptr {\n\talive = v\n\treturn uintptr(unsafe.Pointer(v))\n}\n"),
	variable("var-bytes", "[]byte", "unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v))", "show(*(*T)(unsafe.Pointer(&held[0])))").with("unsafe", nil),
	variable("list", "*list.List", "list.New()", "showAny(front(held))").with("container/list", nil).also(asserted + "\nfunc front(l *list.List) any {\n\tif l.Len() == 0 {\n\t\tl.PushBack(mk(1))\n\t}\n\treturn l.Front().Value\n}\n"),
}
