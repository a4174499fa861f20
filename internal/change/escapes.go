package change

import (
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/source"
)

// escapes finds functions that keep a parameter which they did not keep before, or
// whose func literals keep a variable they captured, and the old callers that may have
// handed them a pointer into their stack (rule 2 of safety). A caller of which that is
// true was compiled otherwise now, so it is among the changed ones.
func (j *judge) escapes() {
	worse := map[string]bool{}
	for _, p := range j.pkgs {
		for _, c := range p.Delta.Changed {
			if c.New.Kind != source.Func && c.New.Kind != source.Method {
				continue
			}
			name := p.prefix + generic(c.New.Symbol)
			// The compiler says nothing of generic functions.
			if c.New.Generic && c.What&(source.Body|source.Literals) != 0 {
				worse[name] = true
			}
			had := leaks(p.OldEscape, c.Old)
			for _, text := range leaks(p.NewEscape, c.New) {
				if !slices.Contains(had, text) {
					worse[name] = true
				}
			}
		}
	}
	if len(worse) == 0 {
		return
	}
	for _, f := range j.res.Functions {
		if f.LinesOnly || f.Old.Object == nil {
			continue
		}
		for _, r := range written(f.Old) {
			base, _ := splitName(refName(f.Old.Object, r.Sym))
			if worse[generic(base)] {
				j.res.Quiet = append(j.res.Quiet, f)
				break
			}
		}
	}
}

// leaks are the compiler's words on the parameters of a declaration.
func leaks(e Escape, d *source.Decl) (list []string) {
	for pos, texts := range e.Leaks {
		if pos.File == d.File.Path && pos.Line >= d.Pos.Line && pos.Line <= d.EndLine {
			for _, t := range texts {
				list = append(list, strings.TrimSpace(t))
			}
		}
	}
	return list
}

// SameLeaks reports whether two versions of a package say the same of the parameters
// of their functions: escape tags are part of the export data.
func SameLeaks(old, new Escape, delta *source.Delta) bool {
	for _, c := range delta.Changed {
		if c.New.Kind != source.Func && c.New.Kind != source.Method {
			continue
		}
		a, b := tags(leaks(old, c.Old)), tags(leaks(new, c.New))
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			return false
		}
	}
	return true
}

// tags are those of the words that go into export data.
func tags(texts []string) []string {
	return slices.DeleteFunc(texts, func(t string) bool { return !strings.HasPrefix(t, "leaking param") })
}
