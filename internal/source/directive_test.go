package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDirectives(t *testing.T) {
	p := parse(t, map[string]string{"a.go": `package p

//realtime:reset
var a, b = f()

// A comment.
//realtime:reset
// More of it.
var (
	c = 1

	d int
)

var (
	//realtime:reset
	e = 1
	g = 2 //realtime:reset
)

//realtime:reset
//go:embed x.txt
var embedded string

//realtime:reset

var h = 1

//realtime:reset
const i = 1

//realtime:rerun
func init() {
	//realtime:rerun
}

//realtime:rerun
func f() (int, int) { return 1, 2 }

// realtime:rerun
func init() {}

//realtime:reset it
var j = 1

// realtime: the name of a program
var k = ` + "`//realtime:reset`" + `
`})
	var names []string
	for _, d := range p.Repeated() {
		names = append(names, d.Kind.String()+" "+d.Symbol)
	}
	if d := cmp.Diff([]string{"var a", "var b", "var c", "var d", "var e", "init init.0"}, names); d != "" {
		t.Errorf("repeated (-want +got):\n%s", d)
	}
	var strays []string
	for _, s := range p.Strays() {
		why, _, _ := strings.Cut(s.Why, ":")
		strays = append(strays, fmt.Sprintf("%d %s %s", s.Pos.Line, s.Text, why))
	}
	want := []string{
		"18 //realtime:reset does nothing here",
		"25 //realtime:reset does nothing here",
		"29 //realtime:reset does nothing here",
		"34 //realtime:rerun does nothing here",
		"37 //realtime:rerun does nothing here",
		"40 // realtime:rerun is a comment",
		"43 //realtime:reset it is no directive; there are //realtime",
	}
	if d := cmp.Diff(want, strays); d != "" {
		t.Errorf("strays (-want +got):\n%s", d)
	}
}

// A directive that comes or goes is a change of its own, and none that others see.
func TestDirectiveChange(t *testing.T) {
	const text = "package p\n\nvar X = 1\n\nvar _ = f()\n\nfunc f() int { return 1 }\n\nfunc init() { f() }\n"
	old := parse(t, map[string]string{"a.go": text})
	now := parse(t, map[string]string{"a.go": strings.NewReplacer("\nvar", "\n//realtime:reset\nvar", "\nfunc init", "\n//realtime:rerun\nfunc init").Replace(text)})
	for _, test := range []struct{ old, new *Package }{{old, now}, {now, old}} {
		if got, want := Diff(test.old, test.new).String(), "~var X: again\n~blank _: again\n~func f: lines\n~init init: again\n"; got != want {
			t.Errorf("delta %q, want %q", got, want)
		}
		if ExportsChanged(test.old, test.new) {
			t.Error("a directive changes what importers see")
		}
	}
}

func TestSplit(t *testing.T) {
	p := parse(t, map[string]string{"a.go": `package p

//realtime:reset
var (
	first  = last
	second = 2
	last   = f()
)

var (
	fresh = g()
	kept  = f()
	x, y  = h()
)

func f() int { return 1 }

func g() int { return second }

func h() (int, int) { return 1, 2 }
`})
	set := func(names ...string) map[*Decl]bool {
		m := make(map[*Decl]bool)
		for _, n := range names {
			m[p.Decls[n]] = true
		}
		return m
	}
	var vars []*Decl
	for _, d := range p.List {
		if d.IsVar() {
			vars = append(vars, d)
		}
	}
	in, err := p.Initializers("z", vars)
	if err != nil {
		t.Fatal(err)
	}
	names := func(list []Initializer) (s []string) {
		for _, x := range list {
			s = append(s, x.Vars[0].Name)
		}
		return s
	}
	// What is new needs second.
	before, after := in.Split(set("fresh"), set("first", "second", "last"))
	if d := cmp.Diff([][]string{{"second", "fresh"}, {"last", "first"}}, [][]string{names(before), names(after)}); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !in.Has(set("x", "y", "fresh")) || in.Has(set("x")) {
		t.Error("a function that sets x sets y too")
	}
}
