package link

import (
	"errors"
	"strings"
	"testing"
)

// TestFormer: what an initializer that runs before the redirects may come to.
func TestFormer(t *testing.T) {
	const base = `package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
)

type shape interface{ Area() int }

type square struct{}

func (square) Area() int { return 1 }

var (
	held   shape = square{}
	call         = area
	counts       = map[string]int{"a": 1}
)

//go:noinline
func area() int { return 1 }

//go:noinline
func plain() int { return 1 }

func main() {
	reflect.ValueOf(held).MethodByName(os.Args[0]) // as the agent has it
	fmt.Println(held.Area(), call(), plain(), counts, strings.Fields("c"))
}
`
	f, err := build(t.TempDir(), map[string]string{"main.go": base})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ init, why string }{
		{"counts[\"b\"]", ""},
		{"plain() + area()", ""},
		{"strings.Fields(\"a b\")", ""},
		{"func() any { return call }()", ""},
		{"map[string]func() int{\"a\": area}", ""},
		{"apply(plain)", ""},
		{"call()", "main.call, and may run the former code of main."},
		{"held.Area()", "main.held, and may run the former code of main."},
		{"func() (n int) { defer call(); return 1 }()", "main.call, and may run the former code of main."},
	} {
		t.Run(tt.init, func(t *testing.T) {
			text := strings.ReplaceAll(base, "return 1 }", "return 2 }") + `
var fresh any

func realtime_init_1() { fresh = ` + tt.init + ` }

//go:noinline
func apply(f func() int) int { return f() }

var _ = realtime_init_1
`
			a, added, err := f.compile(text)
			if err != nil {
				t.Fatal(err)
			}
			f.added = added
			in := f.input(a)
			in.Initializers = []string{"main.realtime_init_1"}
			in.NewVariables["main.fresh"] = true
			_, err = Link(in)
			var former *FormerError
			switch {
			case tt.why == "" && err == nil:
			case !errors.As(err, &former) || tt.why == "" || !strings.Contains(former.Why, tt.why):
				t.Errorf("got %v, want %q", err, tt.why)
			}
		})
	}
}
