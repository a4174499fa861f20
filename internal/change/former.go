package change

import (
	"maps"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/signature"
)

// Code that the source no longer has may go on: a func value that somebody holds, a call in
// progress. Nothing redirects it, and no later version of it is judged. That is harmless,
// until an edit relies on code being compiled again: all code if a type changed, and all
// callers of a function that now keeps what it is given, or writes into it. Such an edit must
// not go live while former code may run (see Result.Retyped, Worse and FormerHeld).

// Callees are the functions that code calls or takes the value of, without what the compiler
// has added to their names.
func Callees(d program.Definition) (list []string) {
	for _, name := range referred(d) {
		list = append(list, FunctionOf(strings.TrimSuffix(name, "·f")))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// References are the callees of code, all that it refers to by its full name, and the types of
// its variables: by these an edit of functions or types concerns it.
func References(d program.Definition, abbrevs signature.Abbrevs) []string {
	list := append(Callees(d), referred(d)...)
	if sig, err := abbrevs.Of(d.Object, d.Sym); err == nil {
		for _, v := range sig.Vars {
			list = append(list, v.Type)
		}
		for _, c := range sig.Captures {
			list = append(list, c.Type)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// referred are the symbols that code refers to. Code is not only the function: what the
// compiler makes of a go or defer statement, or of the body of a range over a function, calls
// for the function, which has on its stack what these calls are given.
func referred(d program.Definition) (list []string) {
	seen := map[goobj.Sym]bool{d.Sym: true}
	for syms := []goobj.Sym{d.Sym}; len(syms) > 0; syms = syms[1:] {
		for _, r := range written(program.Definition{Object: d.Object, Sym: syms[0]}) {
			name := refName(d.Object, r.Sym)
			list = append(list, name)
			_, made := splitName(strings.TrimSuffix(name, "·f"))
			if s, ok := d.Object.Local(r.Sym); ok && made != "" && !isLiteral(made) && !seen[s] {
				seen[s] = true
				syms = append(syms, s)
			}
		}
	}
	return list
}

// FunctionOf is the name of the function of the source that a function belongs to, as Callees
// has it.
func FunctionOf(name string) string {
	base, _ := splitName(name)
	return generic(base)
}

// forkRemoved makes the functions that the edit removes other ones to old code, so that
// whoever has the value of one, or has a call in progress that comes to one, is found.
func (j *judge) forkRemoved() {
	for _, p := range j.pkgs {
		for _, f := range j.removed(p) {
			for _, m := range f.members {
				if m.made != "" || j.worlds.forks[m.key.name] != nil {
					continue
				}
				fork := &fork{p: p, key: m.key, old: m.def, why: "it was removed"}
				if owner := j.owner(f.base); owner != nil {
					fork.p = owner
					fork.decl = declaredIn(owner.Delta.Old, strings.TrimPrefix(generic(f.base), owner.prefix))
				}
				fork.sig, _ = j.abbrevs.Of(m.def.Object, m.def.Sym)
				j.worlds.forks[m.key.name] = fork
			}
		}
	}
}

// removed are the functions that a package has no more.
func (j *judge) removed(p *pkg) (list []*family) {
	if !p.New.all && len(p.Delta.Removed) == 0 {
		return nil
	}
	for _, f := range p.Old.allFamilies() {
		if p.New.family(f.base) == nil && !p.generated(f.base) {
			list = append(list, f)
		}
	}
	return list
}

// former finds the code that the edit removes and that somebody may hold the value of. An
// edit that must not go live beside such code is a restart.
func (j *judge) former() {
	taken := map[string]bool{}
	for _, p := range j.pkgs {
		p.eachOld(func(t trace) {
			if fn, ok := valueOf(t.to); ok && !t.nowhere {
				taken[fn] = true
			}
		})
	}
	held := map[string]Gone{}
	for _, g := range j.res.Gone {
		name := g.Object.Name(g.Sym)
		base, made := splitName(name)
		switch {
		case made == methodValue, taken[name]:
			held[name] = g
		case isLiteral(made) && j.mayMakeClosures(base):
			held[name] = g
		case made == "" && strings.Contains(generic(name), ".") && g.decl.Kind == "func" && strings.Contains(g.decl.Name, ".") &&
			j.hasInterfaceMethod(name[strings.LastIndexByte(name, '.')+1:]):
			held[name] = g // also of a type that is gone: a call in progress may make an interface value of it
		}
	}
	j.res.FormerHeld = slices.Sorted(maps.Keys(held))
	for _, name := range j.res.FormerHeld {
		if !j.res.Retyped && !j.worse[FunctionOf(name)] {
			continue
		}
		d := held[name].decl
		for _, p := range j.pkgs {
			if p.ImportPath == d.ImportPath || d.ImportPath == "" {
				j.restart(p, nil, "the source no longer has "+shortName(generic(name))+", but it may still be called, and was compiled for what the edit changes")
				return
			}
		}
	}
}

// mayMakeClosures reports whether old code of a family makes closures that may outlive it.
func (j *judge) mayMakeClosures(base string) bool {
	for _, p := range j.pkgs {
		f := p.Old.family(base)
		if f == nil {
			continue
		}
		for _, m := range f.members {
			if slices.ContainsFunc(written(m.def), func(r goobj.Reloc) bool {
				name := refName(m.def.Object, r.Sym)
				return strings.HasPrefix(name, closurePrefix) || strings.HasSuffix(name, "·f") && strings.HasPrefix(name, base)
			}) {
				return true
			}
		}
		for name := range p.Old.allData() {
			if strings.HasPrefix(name, base) && strings.HasSuffix(name, "·f") {
				return true
			}
		}
	}
	return false
}
