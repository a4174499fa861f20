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
		other := map[*source.Decl]bool{}
		for _, c := range p.Delta.Changed {
			other[c.New] = c.What != source.Lines
		}
		for _, d := range p.Delta.New.List {
			was := p.Delta.Old.Decls[d.Name]
			if was == nil || d.Kind != source.Func && d.Kind != source.Method || !other[d] && p.sameNotes(was, d) {
				continue
			}
			name := p.prefix + generic(d.Symbol)
			if j.keepsMore(p, was, d) {
				worse[name] = true
			}
			had, has := p.OldEscape.Of(was), p.NewEscape.Of(d)
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
	ComingTo(worse, j.untold()) // before any is left: what is not hands on to the new one
	for name, f := range j.worlds.forks {
		if f.left || generic(name) == name && !j.hasLiterals(f) {
			delete(worse, generic(name)) // old callers go on to call the old one
		}
	}
	gone := map[string][]string{}
	for _, g := range j.res.Gone {
		name := FunctionOf(g.Object.Name(g.Sym))
		gone[name] = append(gone[name], Callees(g.Definition)...)
	}
	j.res.Worse = slices.Sorted(maps.Keys(worse))
	ComingTo(worse, gone)
	ComingTo(writable, gone)
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

// sameNotes reports whether the compiler says the same of both versions of a function, in the
// same places: those of the same variables if the text is the same.
func (p *pkg) sameNotes(was, now *source.Decl) bool {
	had := p.OldEscape.Lines(was.File.Path, was.Pos.Line, was.EndLine)
	has := p.NewEscape.Lines(now.File.Path, now.Pos.Line, now.EndLine)
	return slices.EqualFunc(had, has, func(a, b Note) bool {
		return a.Line-was.Pos.Line == b.Line-now.Pos.Line && a.Col == b.Col && a.Text == b.Text
	})
}

// keepsMore reports whether a function, or a func literal in it, may keep or write into a
// parameter or a captured variable that its former version did not.
func (j *judge) keepsMore(p *pkg, was, now *source.Decl) bool {
	had, has := p.OldEscape.owned(p.Delta.Old, was), p.NewEscape.owned(p.Delta.New, now)
	former := map[*source.Literal]*source.Literal{nil: nil}
	for _, pair := range source.MatchLiterals(was.Lits, now.Lits) {
		former[pair.New] = pair.Old
	}
	for note, n := range has {
		ofParam := strings.Contains(note.text, " param")
		// A variable of its own that moved to the heap matters to func literals alone.
		if !ofParam && now.Lits == nil && was.Lits == nil || strings.HasPrefix(note.text, zeroCopy) {
			continue
		}
		old, paired := former[note.lit]
		if !paired {
			if j.guessed[now] {
				return true // it may be a former one
			}
			continue // it is new
		}
		before := had[owned{old, note.text}]
		if before < n {
			return true
		}
		if _, name, _ := strings.Cut(note.text, ": "); !ofParam && before < declares(was, old, name) {
			return true // it may be another one of the name
		}
	}
	return false
}

// declares is how many variables of a name a function has, or a func literal in it.
func declares(d *source.Decl, l *source.Literal, name string) int {
	if l != nil {
		return l.Declares(name)
	}
	return d.Declares(name)
}

// untold are the functions that the compiler says nothing of, and what they come to: instances
// of generic functions, and what it makes of methods. They keep what those keep.
func (j *judge) untold() map[string][]string {
	callees := map[string][]string{}
	for _, p := range j.pkgs {
		for _, f := range p.Old.allFamilies() {
			for _, m := range f.members {
				if strings.Contains(m.key.name, "[") || m.made == "" && wrapper(m) {
					name := FunctionOf(m.key.name)
					callees[name] = append(callees[name], Callees(m.def)...)
				}
			}
		}
	}
	return callees
}

// ComingTo adds to a set of functions those of others that come to one by what they call.
func ComingTo(set map[string]bool, callees map[string][]string) {
	for grown := len(set) > 0; grown; {
		grown = false
		for name, list := range callees {
			if !set[name] && slices.ContainsFunc(list, func(callee string) bool { return set[callee] }) {
				set[name], grown = true, true
			}
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
