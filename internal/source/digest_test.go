package source

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

const digestSource = `package p

import (
	"fmt"
	"math/rand"
)

const C = 1

const hidden = 1

type T struct {
	a int ` + "`json:\"a\"`" + `
}

var Typed int = 1
var Inferred = F(1)
var Handler = wrap(func(x int) { fmt.Println(x) })

//go:noinline
func F(x int) int {
	return rand.Intn(x)
}

func (t *T) M() { fmt.Println(t) }

func init() { F(1) }

var _ = F(2)

func G[E any](e E) E {
	fmt.Println(e)
	return e
}
`

func TestExportsChanged(t *testing.T) {
	tests := []struct {
		name, old, new string
		same           bool
	}{
		{"body", "return rand.Intn(x)", "fmt.Println(); return 2 + x", true},
		{"method body", "{ fmt.Println(t) }", "{}", true},
		{"comment", "func init()", "/* comment */ func init()", true},
		{"init", "func init() { F(1) }", "var _ = 1", true},
		{"literal in an initializer", "{ fmt.Println(x) }", "{}", true},
		{"initializer of a typed variable", "int = 1", "int = F(1)", true},
		{"import for bodies", "\"fmt\"", "\"fmt\"; \"os\"", true},
		{"another import for bodies", "\"math/rand\"", "\"crypto/rand\"", true},
		{"constant", "C = 1", "C = 2", false},
		{"field", "a int", "a int64", false},
		{"tag", "json:\"a\"", "json:\"b\"", false},
		{"inferred type", "F(1)\nvar", "h(1)\nvar", false},
		{"signature of a literal", "func(x int)", "func(x int64)", false},
		{"declared type", "Typed int", "Typed int8", false},
		{"signature", "F(x int) int", "F(x int) int64", false},
		{"parameter name", "F(x int) int", "F(y int) int", false},
		{"without a body", "F(x int) int {\n\treturn rand.Intn(x)\n}", "F(x int) int", false},
		{"receiver", "(t *T) M", "(t T) M", false},
		{"directive", "//go:noinline", "//go:noescape", false},
		{"generic body", "return e", "return *&e", false},
		{"generic body's lines", "(e)\n", "(e)\n\n", false},
		{"generic function's place", "func init", "\nfunc init", false},
		{"import of a generic body", "\"fmt\"", "\"x.org/fmt\"", false},
		{"package name", "package p", "package q", false},
		{"hidden constant", "hidden = 1", "hidden = 2", true},
		{"added constant", "hidden = 1", "hidden = 1; const Added = 2", true},
		{"added function", "func init", "func Added() {}; func init", true},
		{"added method", "func init", "func (T) String() string { return \"\" }; func init", false},
		{"constant that an exported one is made of", "C = 1", "C = hidden", false},
		{"predeclared name taken", "hidden = 1", "hidden = 1; type int string", false},
		{"removed", "const C = 1", "", false},
	}
	before := parse(t, map[string]string{"a.go": digestSource})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.Count(digestSource, test.old) == 0 {
				t.Fatalf("no %q", test.old)
			}
			text := strings.Replace(digestSource, test.old, test.new, 1)
			if n := strings.Count(test.old, "\n") - strings.Count(test.new, "\n"); n > 0 {
				text = strings.Replace(text, "func init", strings.Repeat("\n", n)+"func init", 1)
			}
			after := parse(t, map[string]string{"a.go": text})
			if ExportsChanged(before, after) == test.same {
				t.Errorf("changed: %v", test.same)
			}
		})
	}
}

// TestExportChanges: who must be compiled again is told by names that stand in the
// sources of all whom a change concerns.
func TestExportChanges(t *testing.T) {
	const text = `package p

const hidden = 2

const Twice = hidden * 2

const Other = 1

type key int

type Item struct{ k key }

func (i *Item) Label() string { return "" }

type Box[T any] struct{ v T }

func (b Box[T]) Get() T { return inner(b.v) }

func inner[T any](v T) T { return v }

func New() *Item { return &Item{} }

var Made = New()

func Plain(n int) int { return n }
`
	for _, test := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"a body", "{ return n }", "{ return n + 1 }", ""},
		{"a constant", "Other = 1", "Other = 2", "Other"},
		{"one behind a constant", "hidden = 2", "hidden = 3", "Twice hidden"},
		{"a method", "Label() string", "Label() any", "Item Label Made New"},
		{"a hidden type", "key int", "key uint", "Item Label Made New key"},
		{"a generic body behind a method", "(v T) T { return v }", "(v T) T { w := v; return w }", "Box Get inner"},
		{"an added method", "func Plain", "func (i Item) More() {}\n\nfunc Plain", "Item Label Made More New"},
		{"a removed function", "func Plain(n int) int { return n }", "", "Plain"},
	} {
		new := strings.Replace(text, test.old, test.new, 1)
		parse := func(s string) *Package {
			p, err := Parse("p", map[string][]byte{"p.go": []byte(s)})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		names, all := ExportChanges(parse(text), parse(new))
		if got := strings.Join(slices.Sorted(maps.Keys(names)), " "); got != test.want || all {
			t.Errorf("%s: %q (all: %v), want %q", test.name, got, all, test.want)
		}
		if user := parse("package p\n\nfunc f() { x.Twice() }\n"); user.Mentions(names) != strings.Contains(test.want, "Twice") {
			t.Errorf("%s: mentioned", test.name)
		}
	}
}
