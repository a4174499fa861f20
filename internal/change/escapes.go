package change

import (
	"maps"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/source"
)

// escapes finds the old calls that must not go on beside the new code (rule 2 of
// safety). A function that keeps a parameter which it did not keep before, or whose
// func literals keep a variable they captured, may be given a pointer into the stack of
// an old caller; one that writes into a parameter may be given the bytes of a constant.
// A caller of which that is true was compiled otherwise now, so it is among the changed
// ones.
func (j *judge) escapes() {
	worse, writable := map[string]bool{}, map[string]bool{}
	for _, p := range j.pkgs {
		for _, d := range p.Delta.New.List {
			was := p.Delta.Old.Decls[d.Name]
			if was == nil || d.Kind != source.Func && d.Kind != source.Method {
				continue
			}
			name := p.prefix + generic(d.Symbol)
			had, has := p.OldEscape.Of(was), p.NewEscape.Of(d)
			for _, text := range has {
				// A variable of its own that moved to the heap matters to func literals alone.
				matters := strings.Contains(text, " param") || d.Lits != nil || was.Lits != nil
				if matters && !slices.Contains(had, text) && !strings.HasPrefix(text, zeroCopy) {
					worse[name] = true
				}
			}
			if count(had, zeroCopy) > count(has, zeroCopy) {
				writable[name] = true
			}
			// The compiler says nothing of generic functions.
			if d.Generic && (d.Body != was.Body) {
				worse[name] = true
			}
		}
	}
	if len(worse) == 0 && len(writable) == 0 {
		return
	}
	for name, f := range j.worlds.forks {
		if f.left || generic(name) == name && !j.hasLiterals(f) {
			delete(worse, generic(name)) // old callers go on to call the old one
		}
	}
	j.res.Worse = slices.Sorted(maps.Keys(worse))
	j.worseRemoved(worse)
	j.worseRemoved(writable)
	j.worse = worse
	for _, g := range j.res.Gone {
		if name := FunctionOf(g.Object.Name(g.Sym)); worse[name] || writable[name] {
			j.res.Quiet = append(j.res.Quiet, Span{Definition: g.Definition})
		}
	}
	for _, f := range j.res.Functions {
		if f.LinesOnly || f.Old.Object == nil {
			continue
		}
		if writable[FunctionOf(f.Old.Object.Name(f.Old.Sym))] || slices.ContainsFunc(Callees(f.Old), func(callee string) bool { return worse[callee] }) {
			j.res.Quiet = append(j.res.Quiet, Span{Definition: f.Old})
		}
	}
}

// zeroCopy begins what the compiler says of a conversion to []byte that shares the
// bytes of the string, because nothing writes into them.
const zeroCopy = "zero-copy string->[]byte"

func count(list []string, prefix string) (n int) {
	for _, t := range list {
		if strings.HasPrefix(t, prefix) {
			n++
		}
	}
	return n
}

// ExportChanges returns what packages that import p must name in their sources to compile
// to something else now, by its declarations or by its escape tags; with all, every one
// may (see source.ExportChanges).
func ExportChanges(p *Package) (names map[string]bool, all bool) {
	names, all = source.ExportChanges(p.Delta.Old, p.Delta.New)
	if all {
		return nil, true
	}
	leaks := map[string]bool{}
	for _, d := range p.Delta.New.List {
		was := p.Delta.Old.Decls[d.Name]
		if was == nil || d.Kind != source.Func && d.Kind != source.Method {
			continue
		}
		if !slices.Equal(p.OldEscape.Tags(was), p.NewEscape.Tags(d)) {
			leaks[d.Name] = true
		}
	}
	maps.Copy(names, p.Delta.New.ExportNames(leaks))
	return names, false
}
