package source

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The compiler tells of each parameter of a function where what it points to may go
// (cmd/compile/internal/escape/escape.go, reportLeaks, Go 1.25 to 1.27). Callers are
// compiled by that, so a body which makes it say the same stands for the real one. With
// unsafe it needs no knowledge of the types:
//
//	q0 := *(*unsafe.Pointer)(unsafe.Pointer(&p))  what p points to
//	q1 := *(*unsafe.Pointer)(q0)                  one level behind
//	sink = q0                                     leaking param: p
//	sink = q1                                     leaking param content: p
//	r = *(*R)(unsafe.Pointer(&q1))                leaking param: p to result r level=1
//	*(*byte)(q1) = 0                              mutates param: p derefs=1
//	sink = (*(*func() unsafe.Pointer)(unsafe.Pointer(&q1)))()  calls param: p derefs=1
//
// How far behind a parameter "content" lies is not told; but of what is as far or farther
// nothing else is told then (leaks.Optimize), so it is behind all that is.
const (
	stubUnsafe = "realtime_unsafe"
	stubSink   = "realtime_sink"

	importUnsafe = "; import " + stubUnsafe + ` "unsafe"` // behind a package clause
)

// A stub is a function of an excerpt whose body stands for the real one.
type stub struct {
	file     string
	from, to int      // its lines there
	tags     []string // what the compiler must say of it
	moved    []string // what it says, too, if the parameters have pointers: they are on the heap
}

// Holds reports whether the compiler says of all stubs what it says of the functions that
// they stand for. notes are its words on the lines from to to of a file.
func (e *Excerpt) Holds(notes func(file string, from, to int) []string) error {
	for _, s := range e.stubs {
		got := slices.DeleteFunc(notes(s.file, s.from, s.to), func(text string) bool {
			return !isTag(text) || slices.Contains(s.moved, text) && !slices.Contains(s.tags, text)
		})
		slices.Sort(got)
		if !slices.Equal(got, s.tags) {
			return fmt.Errorf("a stub is not what it stands for: %q, not %q", got, s.tags)
		}
	}
	return nil
}

var (
	leaking = regexp.MustCompile(`^(?:leaking param|moved to heap): (\S+)$`)
	content = regexp.MustCompile(`^leaking param content: (\S+)$`)
	result  = regexp.MustCompile(`^leaking param: (\S+) to result (\S+) level=(\d+)$`)
	mutates = regexp.MustCompile(`^mutates param: (\S+) derefs=(\d+)$`)
	calls   = regexp.MustCompile(`^calls param: (\S+) derefs=(\d+)$`)
)

// isTag reports whether a note of the compiler is one on a parameter.
func isTag(text string) bool { return strings.Contains(text, " param") }

// stub makes the body of a function from what the compiler has said of the real one.
func (d *Delta) stub(x *Decl, tags func(*Decl) []string) (s stub, body string, err error) {
	fn, name := x.node.(*ast.FuncDecl), x.Name
	old := d.Old.Decls[name]
	if old == nil {
		return s, "", fmt.Errorf("%s is not known to the compiler", name)
	}
	list := tags(old)
	w := stubWriter{params: paramSet(fn), results: results(x.File, fn), made: map[string]bool{}, depth: depths(list)}
	for _, text := range list {
		tag, ok := w.tag(text)
		switch {
		case !ok:
			return s, "", fmt.Errorf("%s has no stub: %s", name, text)
		case tag != "" && !isTag(text):
			s.moved = append(s.moved, tag)
		case tag != "":
			s.tags = append(s.tags, tag)
		}
	}
	slices.Sort(s.tags)
	s.tags = slices.Compact(s.tags)
	body, ok := w.body()
	if !ok {
		err = fmt.Errorf("%s has no stub: its parameters hide its results' types", name)
	}
	return s, body, err
}

func paramSet(fn *ast.FuncDecl) map[string]bool {
	set := map[string]bool{}
	for _, list := range []*ast.FieldList{fn.Recv, fn.Type.Params} {
		if list != nil {
			for _, f := range list.List {
				for _, name := range f.Names {
					set[name.Name] = true
				}
			}
		}
	}
	return set
}

// A resultVar is one result of a function, by the name that the compiler gives it.
type resultVar struct {
	name, typ string
	words     map[string]bool // identifiers in typ
	from      []string        // what flows into it
}

func results(f *File, fn *ast.FuncDecl) (list []*resultVar) {
	if fn.Type.Results == nil {
		return nil
	}
	for _, field := range fn.Type.Results.List {
		words := map[string]bool{}
		names(field.Type, words)
		typ := f.text(field.Type.Pos(), field.Type.End())
		for i := range max(1, len(field.Names)) {
			name := fmt.Sprintf("~r%d", len(list))
			if len(field.Names) > 0 && field.Names[i].Name != "_" {
				name = field.Names[i].Name
			}
			list = append(list, &resultVar{name: name, typ: typ, words: words})
		}
	}
	return list
}

// A stubWriter writes the statements of a body.
type stubWriter struct {
	strings.Builder
	params  map[string]bool
	results []*resultVar
	made    map[string]bool
	depth   map[string]int // of the content of parameters
}

// depths are how far behind parameters their content is, at least.
func depths(tags []string) map[string]int {
	depth := map[string]int{}
	for _, text := range tags {
		for _, form := range []*regexp.Regexp{result, mutates, calls} {
			if m := form.FindStringSubmatch(text); m != nil {
				level, _ := strconv.Atoi(m[len(m)-1])
				depth[m[1]] = max(depth[m[1]], level)
			}
		}
	}
	return depth
}

// pointer is a variable that holds what is so many levels behind a parameter.
func (w *stubWriter) pointer(param string, level int) string {
	name, from := "", stubUnsafe+".Pointer(&"+param+")"
	for n := 0; n <= level; n++ {
		name = fmt.Sprintf("realtime_%s_%d", param, n)
		if !w.made[name] {
			w.made[name] = true
			fmt.Fprintf(w, "%s := *(*%s.Pointer)(%s); _ = %[1]s; ", name, stubUnsafe, from)
		}
		from = name
	}
	return name
}

// tag writes what makes the compiler say a text, and returns what that will be: "" for
// what is not about a parameter. It is false if it is not known how to.
func (w *stubWriter) tag(text string) (tag string, ok bool) {
	level := func(s string) int { n, _ := strconv.Atoi(s); return n }
	for _, kind := range []struct {
		form  *regexp.Regexp
		write func(m []string) bool
	}{
		{leaking, func(m []string) bool {
			text = "leaking param: " + m[1]
			fmt.Fprintf(w, "%s = %s; ", stubSink, w.pointer(m[1], 0))
			return true
		}},
		{content, func(m []string) bool {
			fmt.Fprintf(w, "%s = %s; ", stubSink, w.pointer(m[1], w.depth[m[1]]+1))
			return true
		}},
		{mutates, func(m []string) bool { fmt.Fprintf(w, "*(*byte)(%s) = 0; ", w.pointer(m[1], level(m[2]))); return true }},
		{calls, func(m []string) bool {
			fmt.Fprintf(w, "%s = (*(*func() %s.Pointer)(%[2]s.Pointer(&%s)))(); ", stubSink, stubUnsafe, w.pointer(m[1], level(m[2])))
			return true
		}},
		{result, func(m []string) bool {
			i := slices.IndexFunc(w.results, func(r *resultVar) bool { return r.name == m[2] })
			if i >= 0 {
				w.results[i].from = append(w.results[i].from, w.pointer(m[1], level(m[3])))
			}
			return i >= 0
		}},
	} {
		if m := kind.form.FindStringSubmatch(text); m != nil && w.params[m[1]] {
			return text, kind.write(m)
		}
	}
	return "", !isTag(text)
}

// body is the whole: with the results if anything flows into them, else without an end.
func (w *stubWriter) body() (string, bool) {
	if !slices.ContainsFunc(w.results, func(r *resultVar) bool { return r.from != nil }) {
		return "{ " + w.String() + "for {} }", true
	}
	var list []string
	for i, r := range w.results {
		for word := range r.words {
			if w.params[word] {
				return "", false // the name of the type is that of a parameter
			}
		}
		name := fmt.Sprintf("realtime_result_%d", i)
		fmt.Fprintf(w, "var %s %s; ", name, r.typ)
		for _, from := range r.from {
			fmt.Fprintf(w, "%s = *(*%s)(%s.Pointer(&%s)); ", name, r.typ, stubUnsafe, from)
		}
		list = append(list, name)
	}
	return "{ " + w.String() + "return " + strings.Join(list, ", ") + " }", true
}
