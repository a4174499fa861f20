package change

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// A closure is a pointer to a struct: the address of the code of a func literal, and what
// the literal captures, in the order of first use, each by value or by reference
// (cmd/compile/internal/typecheck.ClosureType). Old closures may run the new code of a
// literal only if it finds in them what it looks for. DWARF does not tell: it leaves out
// variables of which the code uses a part, and calls some by-value captures "&x". So
// which variables are captured, and how, is taken from what the compiler says with
// -d=closure and -m=2, and their types from the descriptor of the closure's type, which
// closures on the heap have, or else from the DWARF of the functions that declare them.

// What the compiler says of a func literal (ir/func.go:ClosureDebugRuntimeCheck,
// walk/closure.go:walkClosure) and of a variable that one captures
// (escape/escape.go:flowClosure); the same in Go 1.25 to 1.27.
const (
	globalClosure = "closure converted to global"
	heapClosure   = "heap closure, captured vars = "
	stackClosure  = "stack closure, captured vars = "
	closureNote   = " closure, captured vars = "
	captureNote   = " capturing by "
)

var captureText = regexp.MustCompile(`^(.+) capturing by (value|ref): (\S+) \(.* (width=\d+)\)$`)

// capture is one captured variable.
type capture struct {
	name string
	how  string // "by value, width=8", "by ref, width=16"; "" if it is not known
	typ  string // as the DWARF of the literal or of a function around has it; "" if it is not known
}

// closure is what the compiler makes of a func literal.
type closure struct {
	known    bool // captures are all there are
	captures []capture
	heap     string // linker name of the type of closures on the heap; "" if there are none, or it is not known
}

// closureOf is the closure of a func literal of a declaration.
func (j *judge) closureOf(e Escape, d *source.Decl, lit *source.Literal, f *family, m member, x *Objects) closure {
	var c closure
	var list string
	lists := 0
	for _, text := range e.at(lit) {
		_, names, ok := strings.Cut(text, closureNote)
		if text != globalClosure && !ok || lists > 0 && names == list {
			continue
		}
		list = names
		lists++
	}
	heap := closureType(f, m, x)
	switch {
	case lists == 0:
		// One that is the initial value of a variable is laid out as data, which the
		// compiler does not tell of (staticinit/sched.go).
		c.known = heap == noClosure
		return c
	case lists > 1:
		return c // instances of a generic function differ
	}
	c.known = true
	list = strings.TrimSuffix(strings.TrimPrefix(list, "["), "]")
	if list == "" {
		return c
	}
	for _, name := range strings.Fields(list) {
		c.captures = append(c.captures, capture{name, e.how(d, lit, f, name), j.typeOf(f, m, name)})
	}
	onHeap := slices.ContainsFunc(e.at(lit), func(t string) bool { return strings.HasPrefix(t, heapClosure) })
	if onHeap && strings.HasPrefix(heap, closurePrefix) {
		c.heap = heap
	}
	return c
}

// how is how the func literals of a declaration capture the variable that lit knows by a
// name; "" if there are several of the name and they differ, or none.
func (e Escape) how(d *source.Decl, lit *source.Literal, f *family, name string) string {
	found := ""
	for _, n := range e.Lines(lit.Filename, d.Pos.Line, lit.Line) {
		m := captureText.FindStringSubmatch(n.Text)
		if m == nil || m[3] != name || n.Line == lit.Line && n.Col > lit.Col {
			continue // what is declared in the literal, or behind it, is another variable
		}
		if strings.Contains(f.base, "[") {
			// Each instance of a generic function has its own.
			if base, _ := splitName(m[1]); !strings.HasSuffix(f.base, "."+base) {
				continue
			}
		}
		how := "by " + m[2] + ", " + m[4]
		if found != "" && found != how {
			return ""
		}
		found = how
	}
	return found
}

// typeOf is the type of a variable that a func literal captures, as far as DWARF tells, with
// the place that tells it; "" if it does not.
func (j *judge) typeOf(f *family, m member, name string) string {
	if sig, err := j.abbrevs.Of(m.def.Object, m.def.Sym); err == nil {
		for _, c := range sig.Captures {
			if strings.TrimPrefix(c.Name, "&") == name {
				return c.Name + " " + c.Type
			}
		}
	}
	types := map[string]bool{}
	for _, around := range f.members {
		rest, ok := strings.CutPrefix(m.made, around.made)
		if !ok || rest == "" || rest[0] != '.' && rest[0] != '-' {
			continue // it is not around the literal
		}
		sig, err := j.abbrevs.Of(around.def.Object, around.def.Sym)
		if err != nil {
			return ""
		}
		for _, v := range sig.Vars {
			if strings.TrimPrefix(v.Name, "&") == name {
				types["declared "+v.Name+" "+v.Type] = true
			}
		}
	}
	if len(types) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(types))[0]
}

// misfit says why old closures of a func literal do not fit its new code; "" if they do.
func (j *judge) misfit(old, now closure) string {
	const unknown = "what the func literal captures can't be compared with what it captured"
	if !old.known || !now.known {
		return unknown
	}
	if len(now.captures) == 0 {
		return "" // it looks at nothing
	}
	for i, c := range now.captures {
		if i >= len(old.captures) || old.captures[i].name != c.name {
			return j.recaptured(old, now)
		}
		switch was := old.captures[i]; {
		case was.how == "" || c.how == "":
			return unknown
		case was.how != c.how:
			return fmt.Sprintf("the func literal captures %s %s, and captured it %s", c.name, spelled(c.how, was.how), spelled(was.how, c.how))
		case was.typ != "" && c.typ != "" && was.typ != c.typ:
			return fmt.Sprintf("the func literal captures %s of another type", c.name)
		case j.worlds.mentions(c.typ):
			return fmt.Sprintf("the func literal captures %s, whose type changed", c.name)
		}
	}
	if old.heap != "" && now.heap != "" {
		// What is captured no more stands behind what is.
		if rest, ok := strings.CutPrefix(old.heap, strings.TrimSuffix(now.heap, " }")); ok && (rest == " }" || rest[0] == ';') && !j.worlds.mentions(now.heap) {
			return ""
		}
		return "the func literal captures variables of other types"
	}
	for i, c := range now.captures {
		if c.typ == "" || old.captures[i].typ == "" {
			return unknown
		}
	}
	return ""
}

// spelled is a way of capture in words that tell it from another.
func spelled(how, other string) string {
	way, width, _ := strings.Cut(how, ", width=")
	otherWay, _, _ := strings.Cut(other, ", ")
	switch {
	case way == otherWay:
		return "with " + width + " bytes"
	case way == "by ref":
		return "by reference"
	}
	return way
}

// recaptured says in which variable the captures of a literal differ.
func (j *judge) recaptured(old, now closure) string {
	has := func(c closure, name string) bool {
		return slices.ContainsFunc(c.captures, func(x capture) bool { return x.name == name })
	}
	for _, c := range now.captures {
		if !has(old, c.name) {
			return fmt.Sprintf("the func literal captures %s, which it did not", c.name)
		}
	}
	for _, c := range old.captures {
		if !has(now, c.name) {
			return fmt.Sprintf("the func literal captures %s no more, and others stand in its place", c.name)
		}
	}
	return "the func literal captures its variables in another order"
}

// onlyCalled reports whether a func literal is called where it stands: no code of the
// family takes its address, so that it has no closure.
func onlyCalled(f *family, lit member) bool {
	called := false
	for _, m := range f.members {
		for _, r := range written(m.def) {
			if name := refName(m.def.Object, r.Sym); strings.TrimSuffix(name, "·f") == lit.key.name {
				if name != lit.key.name || r.Type != goobj.RCall {
					return false
				}
				called = true
			}
		}
	}
	return called
}

// literalRule is what is known of a func literal before and after.
type literalRule struct {
	misfit string // why old closures don't fit the new code; "" if they do
	other  bool   // it captures other variables than before
	stays  bool   // no closure outlives the call of the function around, so it may be left to that
}

// rule compares the closures of a func literal.
func (j *judge) rule(p, owner *pkg, f, before *family, m, was member, pair litPair) literalRule {
	if pair.newLit == nil {
		// Its source is not in the edit, and the objects alone tell.
		a, b := closureType(before, was, p.Old), closureType(f, m, p.New)
		if a == b && a != "" && !j.worlds.mentions(a) {
			return literalRule{}
		}
		return literalRule{misfit: "what the func literal captures is not known", stays: onlyCalled(before, was)}
	}
	old := j.closureOf(owner.OldEscape, pair.oldDecl, pair.oldLit, before, was, p.Old)
	now := j.closureOf(owner.NewEscape, pair.newDecl, pair.newLit, f, m, p.New)
	r := literalRule{misfit: j.misfit(old, now), stays: pair.onStack || onlyCalled(before, was)}
	if r.misfit == "" && r.stays && !pair.sameAround {
		r.misfit = Around // which changed itself: its calls in progress end with the code they began with
	}
	if old.known && now.known {
		names := func(c closure) (list []string) {
			for _, x := range c.captures {
				list = append(list, x.name+" "+x.how)
			}
			return list
		}
		r.other = r.misfit != "" && !slices.Equal(names(old), names(now))
	} else {
		r.other = !pair.sameCaptures
	}
	return r
}
