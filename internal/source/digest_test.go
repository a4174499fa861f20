package source

import (
	"strings"
	"testing"
)

const digestSource = `package p

import (
	"fmt"
	"math/rand"
)

const c = 1

type T struct {
	a int ` + "`json:\"a\"`" + `
}

var typed int = 1
var inferred = f(1)
var handler = wrap(func(x int) { fmt.Println(x) })

//go:noinline
func f(x int) int {
	return rand.Intn(x)
}

func (t *T) M() { fmt.Println(t) }

func init() { f(1) }

var _ = f(2)

func g[E any](e E) E {
	fmt.Println(e)
	return e
}
`

func TestExportDigest(t *testing.T) {
	tests := []struct {
		name, old, new string
		same           bool
	}{
		{"body", "return rand.Intn(x)", "fmt.Println(); return 2 + x", true},
		{"method body", "{ fmt.Println(t) }", "{}", true},
		{"comment", "func init()", "/* comment */ func init()", true},
		{"init", "func init() { f(1) }", "var _ = 1", true},
		{"literal in an initializer", "{ fmt.Println(x) }", "{}", true},
		{"initializer of a typed variable", "int = 1", "int = f(1)", true},
		{"import for bodies", "\"fmt\"", "\"fmt\"; \"os\"", true},
		{"another import for bodies", "\"math/rand\"", "\"crypto/rand\"", true},
		{"constant", "c = 1", "c = 2", false},
		{"field", "a int", "a int64", false},
		{"tag", "json:\"a\"", "json:\"b\"", false},
		{"inferred type", "f(1)\nvar", "h(1)\nvar", false},
		{"signature of a literal", "func(x int)", "func(x int64)", false},
		{"declared type", "typed int", "typed int8", false},
		{"signature", "f(x int) int", "f(x int) int64", false},
		{"parameter name", "f(x int) int", "f(y int) int", false},
		{"without a body", "f(x int) int {\n\treturn rand.Intn(x)\n}", "f(x int) int", false},
		{"receiver", "(t *T) M", "(t T) M", false},
		{"directive", "//go:noinline", "//go:noescape", false},
		{"generic body", "return e", "return *&e", false},
		{"generic body's lines", "(e)\n", "(e)\n\n", false},
		{"generic function's place", "func init", "\nfunc init", false},
		{"import of a generic body", "\"fmt\"", "\"x.org/fmt\"", false},
		{"package name", "package p", "package q", false},
	}
	before := parse(t, map[string]string{"a.go": digestSource}).ExportDigest()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.Count(digestSource, test.old) == 0 {
				t.Fatalf("no %q", test.old)
			}
			text := strings.Replace(digestSource, test.old, test.new, 1)
			if n := strings.Count(test.old, "\n") - strings.Count(test.new, "\n"); n > 0 {
				text = strings.Replace(text, "func init", strings.Repeat("\n", n)+"func init", 1)
			}
			after := parse(t, map[string]string{"a.go": text}).ExportDigest()
			if (before == after) != test.same {
				t.Errorf("same digest: %v, want %v", before == after, test.same)
			}
		})
	}
}
