package change

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// Gone is code that the source no longer has, and that may still be called: a func literal, a
// function with all that the compiler made of it.
type Gone struct {
	program.Definition
	Kind string // "func", "literal"; "" for what is not of the source
	decl Decl   // of the function, or of the one around a literal
	at   string // "main.go:12", of a literal
}

// goneFamily notes a function that the edit removes.
func (j *judge) goneFamily(p *pkg, f *family) {
	owner := j.owner(f.base)
	var decl *source.Decl
	if owner != nil {
		decl = declaredIn(owner.Delta.Old, strings.TrimPrefix(generic(f.base), owner.prefix))
	}
	for _, m := range f.members {
		g := Gone{Definition: m.def}
		switch {
		case decl == nil:
		case isLiteral(m.made):
			g = owner.goneLiteral(m, decl)
		case m.made == "" || m.made == methodValue:
			g.Kind = "func"
			g.decl = Decl{ImportPath: owner.ImportPath, Package: owner.name(), Kind: "func", Name: decl.Name, Verdict: Kept}
		}
		j.res.Gone = append(j.res.Gone, g)
	}
}

// declaredIn is the function that a symbol without its package stands for.
func declaredIn(p *source.Package, symbol string) *source.Decl {
	for _, d := range declarations(p, symbol) {
		if d.Kind == source.Func || d.Kind == source.Method || d.Kind == source.Init {
			return d
		}
	}
	return nil
}

// goneLiterals notes the func literals of a function that are none of the new ones.
func (j *judge) goneLiterals(p, owner *pkg, f, before *family, lits *literals) {
	var stay map[string]bool
	for _, m := range before.members {
		if !isLiteral(m.made) {
			continue
		}
		if stay == nil {
			stay = map[string]bool{}
			for _, pair := range lits.pairs {
				stay[pair.old] = true
			}
		}
		if stay[m.key.name] {
			continue
		}
		g := Gone{Definition: m.def}
		if owner != nil {
			if decl := declaredIn(owner.Delta.Old, strings.TrimPrefix(generic(before.base), owner.prefix)); decl != nil {
				g = owner.goneLiteral(m, decl)
			}
		}
		j.res.Gone = append(j.res.Gone, g)
	}
}

func (p *pkg) goneLiteral(m member, around *source.Decl) Gone {
	g := Gone{Definition: m.def, Kind: "literal", at: around.File.Path}
	g.decl = Decl{ImportPath: p.ImportPath, Package: p.name(), Kind: "func", Name: around.Name, Verdict: Kept}
	if info, err := m.def.Object.FuncInfo(m.def.Sym); err == nil && info != nil {
		g.at = fmt.Sprintf("%s:%d", filepath.Base(around.File.Path), info.StartLine)
	}
	return g
}

// Again is the reason for which a changed function is live for new calls and there are none;
// "" if there may be one. The index is that of its declaration in the result.
func (q *Question) Again(res *Result, decl int) string {
	d := res.Decls[decl]
	ran, found := false, false
	for _, f := range res.Functions {
		if f.Decl != decl || f.LinesOnly {
			continue
		}
		found = true
		if q.Callable(f.Object.Name(f.Sym)) {
			return ""
		}
		ran = ran || f.Old.Object != nil && q.c.everRan(f.Old)
	}
	switch {
	case !found || d.Verdict != Live && d.Verdict != NewCall:
		return ""
	case ran:
		return "ran at the start and is not called again"
	}
	return "is called by nothing yet"
}

// Kept are the functions and func literals that the source no longer has, and that may be
// called by those who have taken their values.
func (q *Question) Kept(res *Result) (list []Decl) {
	for _, g := range res.Gone {
		by := q.holders(g.Object.Name(g.Sym))
		if g.Kind == "" || len(by) == 0 {
			continue
		}
		d := g.decl
		what := "the source no longer has it, but it"
		if g.Kind == "literal" {
			what = fmt.Sprintf("a func literal that the source no longer has (it was at %s)", g.at)
		}
		d.Reason = what + " may still be called: its value was taken " + inFunction(by[0]) + "; restart the program to drop it"
		if !slices.ContainsFunc(list, func(have Decl) bool {
			return have.ImportPath == d.ImportPath && have.Name == d.Name && (g.Kind != "literal" || have.Reason == d.Reason)
		}) {
			list = append(list, d)
		}
	}
	return list
}

// inFunction says where a value was taken: "in main.routes".
func inFunction(symbol string) string {
	if v, ok := strings.CutPrefix(symbol, "var "); ok {
		return "in the initial value of " + shortName(v)
	}
	base, _ := splitName(symbol)
	return "in " + shortName(base)
}

// A Place is where func literals begin.
type Place struct {
	File string
	Line int
}

// LiteralsOnStack are the places at which func literals begin, and whether all that do make
// their closures on the stack.
func (e Escape) LiteralsOnStack(p *source.Package) map[Place]bool {
	set := map[Place]bool{}
	for _, d := range p.List {
		for _, l := range p.LiteralsOf(d) {
			at := Place{l.Filename, l.Line}
			all, known := set[at]
			set[at] = (all || !known) && e.onStack(l)
		}
	}
	return set
}

// A Reader is a function that reads a variable, with its place in the source.
type Reader struct {
	ImportPath, Name, File string
	Line                   int
	symbol                 string
}

// Readers are the functions that read one of some variables, by linker name, and that ran at
// the start. Which of them are called again is to be answered: see Done.
func (q *Question) Readers(variables map[string]bool) (list []Reader) {
	seen := map[string]bool{}
	for _, x := range q.ctx.Live {
		for _, f := range x.allFamilies() {
			for _, m := range f.members {
				if isInit(shortOf(f.base)) || strings.HasPrefix(shortOf(f.base), InitPrefix) || seen[m.key.name] || !slices.ContainsFunc(written(m.def), func(r goobj.Reloc) bool {
					return variables[refName(m.def.Object, r.Sym)]
				}) {
					continue
				}
				info, err := m.def.Object.FuncInfo(m.def.Sym)
				if _, has, _ := q.c.prog.Function(m.key.name, m.key.abi); !has || err != nil || info == nil || len(info.Files) == 0 {
					continue
				}
				seen[m.key.name] = true
				if !q.May(m.key.name) {
					list = append(list, Reader{m.def.Object.ImportPath, shortOf(m.key.name), fileName(m.def.Object, info.Files[0]), int(info.StartLine), m.key.name})
				}
			}
		}
	}
	return list
}

// Done reports whether a reader is not called again.
func (q *Question) Done(r Reader) bool { return !q.Callable(r.symbol) }
