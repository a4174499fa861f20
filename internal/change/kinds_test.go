package change_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A holder is code that has values of a type T, in one way.
type holder struct {
	name string
	code string // T is the type, v its variable part
	want string // "live", "restart", "quiet": live when no call of it is in progress, or "retired": live when no interface holds one
	only string // a kind of type that it is for; "": all
}

// holders are the ways in which a program may hold values of a type. What must restart
// holds them beyond the calls in progress, and live would be wrong.
var holders = []holder{
	{"variable", "var keptT T\n\nfunc runT() { use(&keptT) }", "restart", ""},
	{"map in a variable", "var mapT = map[string]*T{}\n\nfunc runT() { use(mapT) }", "restart", ""},
	{"variable of a func type", "var hookT func(T)\n\nfunc runT() { var v T; if hookT != nil { hookT(v) } }", "restart", ""},
	{"channel in a variable", "var queueT = make(chan T, 1)\n\nfunc runT() { var v T; queueT <- v; <-queueT }", "restart", ""},
	{"type around it in a variable", "type aroundT struct{ list []T }\n\nvar keptT aroundT\n\nfunc runT() { use(keptT.list) }", "restart", ""},
	{"embedded in a variable's type", "type aroundT struct{ in *T }\n\ntype outerT struct{ aroundT }\n\nvar keptT outerT\n\nfunc runT() { use(keptT.in) }", "restart", ""},
	{"interface that returns it", "type getterT interface{ get() *T }\n\nvar keptT getterT\n\nfunc runT() { if keptT != nil { use(keptT.get()) } }", "restart", ""},
	{"atomic pointer", "var keptT atomic.Pointer[T]\n\nfunc runT() { use(keptT.Load()) }", "restart", ""},
	{"closure that is kept", "func runT() {\n\tv := new(T)\n\thooks = append(hooks, func() { use(v) })\n}", "restart", ""},
	{"func value that is kept", "func takeT(v T) { use(v) }\n\nfunc runT() { values = append(values, takeT) }", "restart", ""},
	{"func value that it keeps itself", "func takeT(v T) { use(v); values = append(values, takeT) }\n\nfunc runT() { takeT(*new(T)) }", "restart", ""},
	{"method value", "func (v *T) bound() { use(v) }\n\nfunc runT() { hooks = append(hooks, new(T).bound) }", "restart", "struct"},
	{"interface with a method", "func (v *T) String() string { return \"\" }\n\nfunc runT() { stringers = append(stringers, new(T)) }", "retired", "struct"},
	{"error", "func (v T) Error() string { return \"\" }\n\nfunc failT() error { return T{} }\n\nfunc runT() { use(failT()) }", "retired", "struct"},
	{"asserted", "func runT() {\n\tvar v T\n\tvalues = append(values, v)\n\tif v, ok := values[0].(T); ok { use(&v) }\n}", "retired", ""},
	{"in a type switch", "func runT() {\n\tvar v T\n\tvalues = append(values, &v)\n\tswitch v := values[0].(type) {\n\tcase *T:\n\t\tuse(v)\n\t}\n}", "retired", ""},
	{"pool", "var poolT = sync.Pool{New: func() any { return new(T) }}\n\nfunc runT() {\n\tv := poolT.Get().(*T)\n\tuse(v)\n\tpoolT.Put(v)\n}", "retired", ""},
	{"generic assertion", "func runT() {\n\tvar v T\n\tvalues = append(values, v)\n\tv, _ = find[T]()\n\tuse(&v)\n}", "retired", ""},
	{"closure of a generic function", "func runT() { register[T]() }", "restart", ""},
	{"closure of a generic function, by pointer", "func runT() { register[*T]() }", "restart", ""},
	{"method value of a generic type", "func runT() { hooks = append(hooks, new(list[T]).drop) }", "restart", ""},
	{"method value by embedding", "func (v *T) bound() { use(v) }\n\ntype outerT struct{ T }\n\nfunc runT() { hooks = append(hooks, new(outerT).bound) }", "restart", "struct"},
	{"method expression", "func (v *T) bound() { use(v) }\n\nfunc runT() { values = append(values, (*T).bound) }", "restart", "struct"},
	{"sequence that is kept", "func eachT() func(func(T) bool) { return func(yield func(T) bool) { var v T; yield(v) } }\n\nfunc runT() { values = append(values, eachT()) }", "restart", ""},
	{"interface around it that is kept", "type doerT interface{ do(*T) }\n\ntype implT struct{}\n\nfunc (implT) do(*T) {}\n\nfunc runT() {\n\tvar d doerT = implT{}\n\tvalues = append(values, d)\n\tvalues[0].(doerT).do(nil)\n}", "restart", ""},
	{"registered by init", "func init() { values = append(values, new(T)) }\n\nfunc runT() { var v T; use(&v) }", "retired", ""},
	{"worker", "func workT(c chan T) { for v := range c { use(v) } }\n\nfunc runT() { workT(make(chan T)) }", "quiet", ""},

	{"local", "func runT() { var v T; use(&v) }", "live", ""},
	{"result of a helper", "func makeT() []T { return make([]T, 3) }\n\nfunc runT() { use(makeT()) }", "live", ""},
	{"options", "func withT(v T, p *T) { use(&v); use(p) }\n\nfunc runT() { var v T; withT(v, &v) }", "live", ""},
	{"local map", "func runT() { m := map[string]T{}; m[\"a\"] = *new(T); use(m) }", "live", ""},
	{"method", "func (v *T) own() { use(v) }\n\nfunc runT() { new(T).own() }", "live", "struct"},
	{"method with the name of an interface's, and another type", "func (v *T) String(n int) int { return n }\n\nfunc runT() { v := new(T); v.String(1); use(v) }", "live", "struct"},
	{"literal that stays on the stack", "func runT() {\n\tv := make([]T, 2)\n\tsort.Slice(v, func(i, j int) bool { return len(v) < i })\n\tuse(v)\n}", "live", ""},
	{"generic function", "func runT() { use(slices.Insert([]T{}, 0, *new(T))) }", "live", ""},
	{"generic type", "func runT() {\n\tvar l list[T]\n\tl.add(*new(T))\n\tuse(&l)\n}", "live", ""},
	{"literal that a goroutine takes along", "func runT() {\n\tc := make(chan T, 1)\n\tgo func() { var v T; c <- v }()\n\tv := <-c\n\tuse(&v)\n}", "live", ""},
	{"func that is handed down", "func lessT(a, b T) int { return 0 }\n\nfunc runT() { slices.SortFunc([]T{}, lessT) }", "live", ""},
	{"type around it", "type aroundT struct{ in T }\n\nfunc runT() { use(new(aroundT)) }", "live", ""},
}

// typeEdits are edits of a type's declaration.
var typeEdits = []struct{ kind, name, old, new string }{
	{"struct", "field added", "struct { a int; b string }", "struct { a int; b string; c bool }"},
	{"struct", "field retyped", "struct { a int; b string }", "struct { a uint; b string }"},
	{"struct", "tag", "struct { a int; b string }", "struct { a int; b string `json:\"b\"` }"},
	{"struct", "embedded", "struct { a int; b string }", "struct { a int; b string; sync.Mutex }"},
	{"slice", "element", "[]int", "[]string"},
	{"map", "value", "map[string]int", "map[string]bool"},
	{"array", "length", "[4]int", "[8]int"},
	{"chan", "element", "chan int", "chan string"},
	{"func", "parameter", "func(int) int", "func(string) int"},
	{"interface", "method", "interface { m() }", "interface { m(); n() }"},
}

const kindsSource = `package main

import (
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

var (
	hooks     []func()
	values    []any
	stringers []fmt.Stringer
	_         = slices.Insert[[]int]
	_         = sort.Slice
	_         sync.Mutex
	_         atomic.Int32
)

func use(v any) { fmt.Sprint(v) }

func find[T any]() (T, bool) {
	for _, v := range values {
		if t, ok := v.(T); ok {
			return t, true
		}
	}
	var zero T
	return zero, false
}

func register[T any]() {
	hooks = append(hooks, func() {
		var v T
		use(&v)
	})
}

type list[T any] struct{ all []T }

func (l *list[T]) drop() { l.all = nil }

func (l *list[T]) add(v T) { l.all = append(l.all, v) }

`

// What is to be another in each copy of a holder: names of its own, and the type.
var (
	ownName   = regexp.MustCompile(`\b([a-z]+)T\b`)
	typeParam = regexp.MustCompile(`\bT\b`)
)

// TestTypeEdits judges each edit of a type against each way to hold values of it: those of
// one kind of type, each held in all ways, at once. Live where it must restart is a memory
// error or a wrong answer; restart where it could be live is a chance that is missed.
func TestTypeEdits(t *testing.T) {
	var src, runs strings.Builder
	src.WriteString(kindsSource)
	declared := map[string]bool{}
	typeOf := func(h int, kind string) string { return fmt.Sprintf("t%d%s", h, kind) }
	for _, e := range typeEdits {
		for i, h := range holders {
			typ := typeOf(i, e.kind)
			if h.only != "" && h.only != e.kind || declared[typ] {
				continue
			}
			declared[typ] = true
			code := ownName.ReplaceAllString(h.code, "${1}Of"+typ)
			fmt.Fprintf(&src, "type %s %s\n\n%s\n\n", typ, e.old, typeParam.ReplaceAllString(code, typ))
			fmt.Fprintf(&runs, "\trunOf%s()\n", typ)
		}
	}
	fmt.Fprintf(&src, "func main() {\n%s}\n", &runs)
	host := build(t, map[string][]byte{"go.mod": []byte("module example.com/app\n\ngo 1.25\n"), "main.go": []byte(src.String())})
	total, live, restarts, missed, quiet, retired := 0, 0, 0, 0, 0, 0
	for _, e := range typeEdits {
		// judge edits the types of some holders.
		judge := func(which func(typ string) bool) []string {
			text := src.String()
			for i := range holders {
				if typ := typeOf(i, e.kind); declared[typ] && which(typ) {
					text = strings.Replace(text, "type "+typ+" "+e.old+"\n", "type "+typ+" "+e.new+"\n", 1)
				}
			}
			return host.judge(t, &edit{files: map[string][]byte{"main.go": []byte(text)}})
		}
		got := judge(func(string) bool { return true })
		restart := func(typ string) (reason string, ok bool) {
			for _, line := range got {
				if reason, ok = strings.CutPrefix(line, "restart type "+typ+": "); ok {
					return reason, true
				}
			}
			return "", false
		}
		rest := judge(func(typ string) bool { _, is := restart(typ); return !is })
		for i, h := range holders {
			typ := typeOf(i, e.kind)
			if !declared[typ] {
				continue
			}
			total++
			name := h.name + ", " + e.kind + ", " + e.name
			reason, isRestart := restart(typ)
			switch {
			case h.want == "restart" && !isRestart:
				t.Errorf("%s: wrongly live", name)
			case h.want == "quiet" && !isRestart && !slices.Contains(rest, "quiet workOf"+typ):
				t.Errorf("%s: a call in progress is not looked at", name)
			case h.want == "retired" && !isRestart && !slices.Contains(rest, "retires "+typ):
				t.Errorf("%s: a value in an interface is not looked for", name)
			case h.want == "restart":
				restarts++
			case isRestart:
				missed++
				t.Logf("%s: a missed chance: %s", name, reason)
			case h.want == "retired":
				retired++
			case h.want == "quiet":
				quiet++
			default:
				live++
				if !slices.Contains(rest, "added type "+typ) {
					t.Errorf("%s: not live: %q", name, rest)
				}
			}
		}
	}
	t.Logf("%d edits: %d live, %d live if no call is in progress, %d live if no interface holds a value, %d restart, %d restart that could be live", total, live, quiet, retired, restarts, missed)
}
