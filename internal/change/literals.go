package change

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/source"
)

// literals is how the func literals of a function correspond to those of its former
// version.
type literals struct {
	pairs  map[string]litPair // by new symbol name
	rename map[string]string  // old symbol name to new, where they differ
	// renumbered: a name stands for another literal than it did, so no symbol of the
	// family may be taken for the old one of the same name.
	renumbered bool
}

// litPair is a func literal before and after.
type litPair struct {
	old              string // symbol name
	oldLit, newLit   *source.Literal
	guess            bool // nothing but the name says that they are the same
	onStack          bool // the old closures cannot outlive the call of the function around
	sameAround       bool // only func literals changed in the declaration
	sameCaptures     bool // the names that the literal may capture are the same, in the same order
	oldDecl, newDecl *source.Decl
	rule             literalRule // if its code, or what it captures, may differ
}

// literals matches the literals of a family by their syntax (source.MatchLiterals) and
// finds their symbols by file, line and order: the numbers in symbol names say nothing.
func (j *judge) literals(p *pkg, f, before *family, oldName, name string) *literals {
	l := &literals{pairs: map[string]litPair{}, rename: map[string]string{}}
	oldDecls, newDecls := declarations(p.Delta.Old, oldName), declarations(p.Delta.New, name)
	oldNames, newNames := symbols(before, literalsOf(p.Delta.Old, oldDecls)), symbols(f, literalsOf(p.Delta.New, newDecls))
	oldDecls, newDecls = inPairs(oldDecls, newDecls)
	matched := map[string]bool{}
	for i := range oldDecls {
		od, nd := oldDecls[i], newDecls[i]
		around := od.Elided == nd.Elided && od.Init == nd.Init && od.Params == nd.Params
		for _, pair := range source.MatchLiterals(od.Lits, nd.Lits) {
			o, n := oldNames[pair.Old], newNames[pair.New]
			if o == "" || n == "" {
				continue
			}
			l.pairs[n] = litPair{
				old: o, oldLit: pair.Old, newLit: pair.New, oldDecl: od, newDecl: nd, sameAround: around,
				onStack:      p.OldEscape.onStack(pair.Old),
				sameCaptures: slices.Equal(od.Captures(pair.Old), nd.Captures(pair.New)),
			}
			matched[o] = true
			if o != n {
				l.rename[o] = n
				l.renumbered = true
			}
		}
	}
	// Where a line has more literals than symbols (dead code has none), or fewer, there
	// are symbols whose literal is not known.
	oldUnknown, newUnknown := unknown(before, oldNames), unknown(f, newNames)
	for name := range newUnknown {
		if _, ok := l.pairs[name]; !ok && oldUnknown[name] {
			l.pairs[name] = litPair{old: name, guess: true}
			matched[name] = true
			for _, d := range newDecls {
				j.guessed[d] = true
			}
		}
	}
	for _, m := range f.members {
		if _, ok := l.pairs[m.key.name]; isLiteral(m.made) && !ok {
			// A new literal takes a name that an old one may have had.
			if _, had := before.find(m.key.name, m.key.abi); had {
				l.renumbered = true
			}
		}
	}
	for _, m := range before.members {
		if isLiteral(m.made) && !matched[m.key.name] {
			if _, has := f.find(m.key.name, m.key.abi); has {
				l.renumbered = true
			}
		}
	}
	return l
}

// declarations are those whose code is in the family of the given name: one function,
// or, for the package's own initializer, all variables.
func declarations(p *source.Package, name string) (list []*source.Decl) {
	if name == "init" || name == "glob." {
		for _, d := range p.List {
			if d.Kind == source.Var {
				list = append(list, d)
			}
		}
		return list
	}
	if d := p.Decls[name]; d != nil && d.Symbol == name && (d.Kind == source.Func || d.Kind == source.Method) {
		return []*source.Decl{d}
	}
	for _, d := range p.List {
		if (d.Kind == source.Func || d.Kind == source.Method || d.Kind == source.Init) && (d.Symbol == name || d.Generic && generic(d.Symbol) == name) {
			return []*source.Decl{d}
		}
	}
	return nil
}

func literalsOf(p *source.Package, decls []*source.Decl) (list []*source.Literal) {
	for _, d := range decls {
		list = append(list, p.LiteralsOf(d)...)
	}
	return list
}

// unchangedLiterals pairs the literals of a function by name: its source is the same, or
// nothing better is known (guess).
func unchangedLiterals(f, before *family, guess bool) *literals {
	l := &literals{pairs: map[string]litPair{}, rename: map[string]string{}}
	for _, m := range f.members {
		if _, ok := before.find(m.key.name, m.key.abi); ok && isLiteral(m.made) {
			l.pairs[m.key.name] = litPair{old: m.key.name, guess: guess}
		}
	}
	return l
}

// inPairs leaves the declarations that both versions have, side by side.
func inPairs(old, new []*source.Decl) (o, n []*source.Decl) {
	by := map[string]*source.Decl{}
	for _, d := range old {
		by[d.Name] = d
	}
	for _, d := range new {
		if was := by[d.Name]; was != nil {
			o, n = append(o, was), append(n, d)
		}
	}
	return o, n
}

// symbols finds the symbol of each literal. Literals on one line are told apart by
// their order, if there are as many symbols as literals; else none of them is known.
func symbols(f *family, lits []*source.Literal) map[*source.Literal]string {
	type line struct {
		file string
		line int
	}
	bySource := map[line][]*source.Literal{}
	for _, l := range lits {
		at := line{l.Filename, l.Line}
		bySource[at] = append(bySource[at], l)
	}
	byObject := map[line][]member{}
	for _, m := range f.members {
		if !isLiteral(m.made) {
			continue
		}
		info, err := m.def.Object.FuncInfo(m.def.Sym)
		if err != nil || info == nil || len(info.Files) == 0 {
			continue
		}
		at := line{fileName(m.def.Object, info.Files[0]), int(info.StartLine)}
		byObject[at] = append(byObject[at], m)
	}
	names := map[*source.Literal]string{}
	for at, list := range bySource {
		members := byObject[at]
		if len(members) != len(list) || !slices.IsSortedFunc(list, func(a, b *source.Literal) int { return cmp.Or(cmp.Compare(a.Col, b.Col), -1) }) {
			continue // with //line, what is behind on a line need not come later, and two may be at one place
		}
		slices.SortFunc(members, func(a, b member) int { return slices.Compare(numbers(a.made), numbers(b.made)) })
		for i := range list {
			names[list[i]] = members[i].key.name
		}
	}
	return names
}

// unknown are the func literals among the members that no literal of the source was
// found for.
func unknown(f *family, names map[*source.Literal]string) map[string]bool {
	set := map[string]bool{}
	for _, m := range f.members {
		if isLiteral(m.made) {
			set[m.key.name] = true
		}
	}
	for _, name := range names {
		delete(set, name)
	}
	return set
}

// numbers are the numbers in a made name, outermost first: a literal comes before
// those in it, as in the source.
func numbers(made string) (list []int) {
	for _, part := range strings.FieldsFunc(made, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(part)
		list = append(list, n)
	}
	return list
}
