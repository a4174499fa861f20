package change

import (
	"cmp"
	"go/token"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/source"
)

// Escape is what the compiler says of escape analysis (-m), by file.
type Escape map[string][]Note

// A Note is one line of it: "leaking param: p" at a parameter, "func literal does not
// escape" at a literal, …
type Note struct {
	Line, Col int
	Text      string
}

// OnStack is the text of a note at a func literal whose closures don't outlive the call of
// the function around it.
const OnStack = "func literal does not escape"

// EscapeOf are the notes of a compilation.
func EscapeOf(notes map[token.Position][]string) Escape {
	e := Escape{}
	for p, texts := range notes {
		for _, text := range texts {
			e[p.Filename] = append(e[p.Filename], Note{p.Line, p.Column, text})
		}
	}
	return e.sorted()
}

// sorted are the notes in their order, which all methods need.
func (e Escape) sorted() Escape {
	for _, list := range e {
		slices.SortFunc(list, func(a, b Note) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Text, b.Text))
		})
	}
	return e
}

// Lines are the notes on the lines from to to of a file.
func (e Escape) Lines(file string, from, to int) []Note {
	list := e[file]
	first := func(line int) int {
		i, _ := slices.BinarySearchFunc(list, line, func(n Note, line int) int { return cmp.Compare(n.Line, line) })
		return i
	}
	return list[first(from):first(to+1)]
}

// Of are the texts on the parameters and variables of a declaration.
func (e Escape) Of(d *source.Decl) (list []string) {
	for _, n := range e.Lines(d.File.Path, d.Pos.Line, d.EndLine) {
		if !onLiterals(n.Text) {
			list = append(list, strings.TrimSpace(n.Text))
		}
	}
	slices.Sort(list)
	return list
}

// owned is a text on a parameter or variable of a func literal, or of the declaration itself.
type owned struct {
	lit  *source.Literal
	text string
}

// owned are the texts of Of, by whose they are, and how often.
func (e Escape) owned(p *source.Package, d *source.Decl) map[owned]int {
	set := map[owned]int{}
	lits := p.LiteralsOf(d)
	for _, n := range e.Lines(d.File.Path, d.Pos.Line, d.EndLine) {
		if onLiterals(n.Text) {
			continue
		}
		o := owned{text: strings.TrimSpace(n.Text)}
		for _, l := range lits { // the last one around it is the innermost
			if (l.Line < n.Line || l.Line == n.Line && l.Col <= n.Col) && n.Line <= l.EndLine {
				o.lit = l
			}
		}
		set[o]++
	}
	return set
}

// Tags are those of the texts on a function by which its callers are compiled: on its
// parameters, not on those of func literals in it.
func (e Escape) Tags(d *source.Decl) (list []string) {
	for _, n := range e.Lines(d.File.Path, d.Pos.Line, d.EndLine) {
		body := d.BodyPos
		if !onLiterals(n.Text) && (!d.HasBody || n.Line < body.Line || n.Line == body.Line && n.Col < body.Column) {
			list = append(list, n.Text)
		}
	}
	slices.Sort(list)
	return list
}

// onLiterals reports whether a text tells of func literals and what they capture.
func onLiterals(text string) bool {
	return text == OnStack || text == globalClosure || strings.Contains(text, closureNote) || strings.Contains(text, captureNote)
}

// at are the texts at a func literal.
func (e Escape) at(l *source.Literal) (list []string) {
	for _, n := range e.Lines(l.Filename, l.Line, l.Line) {
		if n.Col == l.Col {
			list = append(list, n.Text)
		}
	}
	return list
}

// onStack reports whether all closures of a func literal are made on the stack. (Of generic
// functions the compiler says OnStack in no case, and the other text for each instance.)
func (e Escape) onStack(l *source.Literal) bool {
	texts := e.at(l)
	is := func(prefix string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.HasPrefix(t, prefix) })
	}
	return is(OnStack) || is(stackClosure) && !is(heapClosure)
}

// Graft is e, of the older version of a delta, with what the compiler said of an excerpt
// of the newer one: what that has is noted as in it, all else has the old notes, where it
// stands now.
func (e Escape) Graft(delta *source.Delta, of Escape, x *source.Excerpt) Escape {
	n := Escape{}
	same := map[*source.File]bool{} // and none of its functions was compiled
	for _, f := range delta.Old.Files {
		same[f] = true
	}
	for _, f := range x.Functions {
		same[f.File] = false
	}
	for _, f := range delta.New.Files {
		if same[f] {
			n[f.Path] = e[f.Path]
		}
	}
	for _, d := range delta.New.List {
		was := delta.Old.Decls[d.Name]
		if d.Kind == source.Init {
			was = delta.Inits[d]
		}
		switch path := d.File.Path; {
		case same[d.File]:
		case x.Has(d):
			n[path] = append(n[path], of.Lines(path, d.Pos.Line, d.EndLine)...)
		case was != nil:
			for _, note := range e.Lines(was.File.Path, was.Pos.Line, was.EndLine) {
				note.Line += d.Pos.Line - was.Pos.Line
				n[path] = append(n[path], note)
			}
		}
	}
	return n.sorted()
}
