package change

import (
	"maps"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/source"
)

// sources finds what cannot be made live from the declarations alone.
func (j *judge) sources(p *pkg) {
	d := p.Delta
	if d.Renamed {
		j.restart(p, nil, "the package has another name")
	}
	if d.Preamble {
		j.restart(p, nil, "C code changed")
	}
	for _, line := range d.Directive {
		if strings.HasPrefix(line[1:], "//go:build") || strings.HasPrefix(line[1:], "// +build") {
			continue // which files belong to the package is in the files
		}
		j.restart(p, nil, "the directive "+line[1:]+" changed")
	}
	for _, c := range d.Changed {
		if reason := changeReason(c); reason != "" {
			j.restart(p, c.New, reason)
		}
	}
	before, after := d.Old.LocalTypes(), d.New.LocalTypes()
	if n := min(len(before), len(after)); !slices.Equal(before[:n], after[:n]) {
		j.restart(p, nil, "types that are declared in functions have other numbers now")
	}
	for _, x := range d.Added {
		switch {
		case hasDirective(x, "//export"), hasDirective(x, "//go:linkname"), hasDirective(x, "//go:cgo"):
			j.restart(p, x, "declarations with "+strings.Fields(x.Directives[0])[0]+" can't be added")
		case (x.Kind == source.Func || x.Kind == source.Method) && !x.HasBody:
			j.restart(p, x, "a function without a Go body was added")
		}
	}
	for x := range p.Fresh {
		if x.Kind == source.Var {
			j.renewed[p.prefix+x.Symbol] = true
		}
		if x.Init != "" {
			j.res.NewVariables[p.prefix+x.Symbol] = true
		}
	}
	for _, x := range d.Removed {
		if x.Kind == source.Method {
			// With its type it may go. A type that stays still has it at run time.
			if p.Delta.New.Decls[receiver(x)] != nil && j.asked(p, x) {
				j.restart(p, x, "the method was removed, and the program may still ask for it")
			}
		}
	}
}

// asked reports whether a method was added to a type that exists in the program, under
// a name that some interface has: a type assertion would still not find it.
func (j *judge) asked(p *pkg, method *source.Decl) bool {
	if p.Delta.Old.Decls[receiver(method)] == nil {
		return false // the type is new
	}
	name := method.Symbol[strings.LastIndexByte(method.Symbol, '.')+1:]
	if j.prog.HasInterfaceMethod(name) {
		return true
	}
	for typ, d := range p.New.compiled() {
		if strings.HasPrefix(typ, "type:") && isInterface(d) && slices.Contains(interfaceMethods(d), name) {
			return true
		}
	}
	return false
}

// receiver is the name of a method's receiver type.
func receiver(method *source.Decl) string {
	return generic(strings.Trim(method.Symbol[:strings.LastIndexByte(method.Symbol, '.')], "(*)"))
}

func changeReason(c source.Change) string {
	is := func(w source.What) bool { return c.What&w != 0 }
	switch c.New.Kind {
	case source.Func, source.Method:
		switch {
		case is(source.Signature) && c.Old.HasBody != c.New.HasBody:
			return "it has a Go body in one version only"
		case is(source.Directives) && !slices.Equal(others(c.Old), others(c.New)):
			return "its directives changed"
		}
	case source.Type:
		if c.Old.Alias != c.New.Alias {
			return map[bool]string{true: "is an alias now", false: "is no alias any more"}[c.New.Alias]
		}
		if is(source.Directives) {
			return "its directives changed"
		}
	case source.Var, source.Blank:
		switch {
		case is(source.Embed) && embedsOthers(c):
			// which files, is in the objects
		case is(source.Embed):
			return "embedded files changed"
		case is(source.Directives):
			return "its directives changed"
		}
	}
	return ""
}

// pragmas are the directives that a function is compiled by, and nothing else: its callers,
// and code elsewhere, know nothing of them (cmd/compile/internal/noder/lex.go, pragmaFlag,
// Go 1.25 to 1.27).
var pragmas = []string{"//go:noinline", "//go:nosplit", "//go:norace", "//go:nocheckptr"}

// others are the directives of a function that are no pragmas, in the order of the alphabet.
func others(d *source.Decl) []string {
	list := slices.DeleteFunc(slices.Clone(d.Directives), func(line string) bool {
		return slices.Contains(pragmas, strings.TrimSpace(line))
	})
	slices.Sort(list)
	return list
}

func hasDirective(d *source.Decl, prefix string) bool {
	for _, line := range d.Directives {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// typeChange says in a few words how the text of a type specification differs.
func typeChange(old, new string) string {
	before, after := fields(old), fields(new)
	var added, removed []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			added = append(added, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		now, ok := after[name]
		switch {
		case !ok:
			removed = append(removed, name)
		case now != before[name]:
			return "field " + name + " changed"
		}
	}
	switch {
	case len(added) == 1 && len(removed) == 0:
		return "field " + added[0] + " added"
	case len(removed) == 1 && len(added) == 0:
		return "field " + removed[0] + " removed"
	case len(added) == 1 && len(removed) == 1:
		return "field " + removed[0] + " is now " + added[0]
	}
	return "changed from " + short(old) + " to " + short(new)
}

// fields are the fields of a struct type's normal text, by name.
func fields(spec string) map[string]string {
	list := map[string]string{}
	open, end := strings.IndexByte(spec, '{'), strings.LastIndexByte(spec, '}')
	if !strings.HasPrefix(strings.TrimSpace(spec), "struct") || open < 0 || end < open {
		return list
	}
	for _, f := range strings.Split(spec[open+1:end], ";") {
		name, typ, _ := strings.Cut(strings.TrimSpace(f), " ")
		if name != "" {
			list[name] = typ
		}
	}
	return list
}

func short(s string) string {
	if s = strings.TrimSpace(s); len(s) > 40 {
		return s[:37] + "…"
	}
	return s
}
