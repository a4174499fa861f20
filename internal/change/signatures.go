package change

import (
	"slices"
	"strings"
	"unicode"

	"github.com/realtimefunc/realtimefunc/internal/signature"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// declared is the signature of a function or func literal as the source has it.
type declared struct {
	text            string
	params, results int
}

func declaredBy(d *source.Decl) *declared {
	if d == nil || d.Kind != source.Func && d.Kind != source.Method {
		return nil
	}
	params, results := d.Arity()
	return &declared{d.Signature, params, results}
}

func declaredAs(l *source.Literal) *declared {
	if l == nil {
		return nil
	}
	params, results := l.Arity()
	return &declared{l.Signature, params, results}
}

// whole reports whether DWARF tells of as many parameters and results as the source has.
func (d *declared) whole(s *signature.Signature) bool {
	params, results := s.Arity()
	return params == d.params && results == d.results
}

// differ says why callers of the one signature can't call what has the other; "" if they
// can. Types are compared as DWARF has them. Where DWARF lacks results, or the source is
// not in the edit to tell whether it does, the text of the signature stands for them, if
// no word of it can mean another type than before.
func (j *judge) differ(old, now *signature.Signature, was, is *declared) string {
	const changed = "signature changed"
	same := slices.Equal(old.Params, now.Params)
	switch {
	case is == nil, was != nil && was.whole(old) && is.whole(now):
		// Without a declaration in the edit the text is as it was.
	case was == nil: // it was removed, and comes back
		if !is.whole(now) {
			return "its signature can't be compared, since the compiler does not tell of all its results"
		}
	case was.text != is.text:
		return changed
	case !j.mayRetype(is.text):
		return ""
	case same:
		return "its signature can't be compared, since the compiler does not tell of all its results, and types changed"
	}
	if !same {
		return changed
	}
	return ""
}

// mayRetype reports whether a word of a signature may stand for another type than before.
func (j *judge) mayRetype(text string) bool {
	names, imports := j.retyped()
	return imports && strings.Contains(text, ".") ||
		slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }), func(word string) bool { return names[word] })
}

// retyped are the names that the edit has added or removed, those of the types and
// constants that it has changed, and of those that are made of them, in whatever package.
// With imports, the names of packages may stand for others than before.
func (j *judge) retyped() (names map[string]bool, imports bool) {
	names = map[string]bool{}
	typed := func(d *source.Decl) bool { return d.Kind == source.Type || d.Kind == source.Const }
	for _, p := range j.pkgs {
		imports = imports || len(p.Delta.Imported) > 0
		for _, d := range slices.Concat(p.Delta.Added, p.Delta.Removed) {
			names[d.Name] = true
		}
		for _, c := range p.Delta.Changed {
			imports = imports || c.What&source.Imports != 0
			if typed(c.New) || typed(c.Old) {
				names[c.New.Name] = true
			}
		}
	}
	for grown := true; grown; {
		grown = false
		for _, p := range j.pkgs {
			for _, d := range p.Delta.New.List {
				if typed(d) && !names[d.Name] && slices.ContainsFunc(d.Identifiers(), func(id string) bool { return names[id] }) {
					names[d.Name], grown = true, true
				}
			}
		}
	}
	return names, imports
}
