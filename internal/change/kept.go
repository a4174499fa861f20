package change

import (
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// Initialize decides which of the package's initialization an edit does: for what is
// new to the program (Fresh), and again where a directive asks for it (Again). All else
// has been done: what changed of it is kept as it was.
func (p *Package) Initialize(prog *program.Program) {
	p.Fresh, p.Again = map[*source.Decl]bool{}, map[*source.Decl]bool{}
	added := map[*source.Decl]bool{}
	for _, x := range p.Delta.Added {
		added[x] = true
		if x.IsVar() {
			p.Fresh[x] = true
		}
	}
	prefix := goobj.PathToPrefix(p.LinkPath) + "."
	before, now := p.Old, p.New
	for _, x := range p.Delta.New.List {
		if x.Kind != source.Var || added[x] {
			continue
		}
		name := prefix + x.Symbol
		old, ok1 := before.datum(name)
		def, ok2 := now.datum(name)
		switch {
		case ok1 && ok2 && p.retyped(x, old, def):
			if len(x.Directives) == 0 { // an embedded file is more than an initializer
				p.Fresh[x] = true
			}
		case p.changed(x)&source.Value != 0:
			// The linker drops a variable that nothing uses.
			if _, has := prog.Variable(name); !has {
				p.Fresh[x] = true
			}
		}
	}
	own := p.Delta.Old != p.Delta.New // or it is compiled for what it imports
	var variables bool
	if !own {
		variables = variablesChanged(before, now, prefix)
	}
	for _, x := range p.Delta.New.Repeated() {
		switch {
		case added[x] || p.Fresh[x]:
		case own, x.Kind != source.Init && variables:
			p.Again[x] = true
		case x.Kind == source.Init:
			key := symbolKey{prefix + x.Symbol, goobj.ABIInternal}
			old, ok1 := before.function(key)
			def, ok2 := now.function(key)
			if ok1 && ok2 && !(&comparer{}).same(old, def) {
				p.Again[x] = true
			}
		}
	}
}

// InitFuncs are the init functions that the edit runs.
func (p *Package) InitFuncs() (list []*source.Decl) {
	for _, x := range p.Delta.New.List {
		if x.Kind == source.Init && (p.Again[x] || slices.Contains(p.Delta.Added, x)) {
			list = append(list, x)
		}
	}
	return list
}

// Renewed reports whether a variable that the package had is another one now: all code
// that names it must be compiled again.
func (p *Package) Renewed() bool {
	for _, x := range p.Delta.New.List {
		if p.Fresh[x] && p.Delta.Old.Decls[x.Name] != nil {
			return true
		}
	}
	return false
}

// changed says in which respects x did.
func (p *Package) changed(x *source.Decl) source.What {
	for _, c := range p.Delta.Changed {
		if c.New == x {
			return c.What
		}
	}
	return 0
}

// retyped reports whether two versions of a variable, which x declares, are of different
// types, as the linker knows these, or of one whose size is another now.
func (p *Package) retyped(x *source.Decl, old, now program.Definition) bool {
	return old.Object.Size(old.Sym) != now.Object.Size(now.Sym) || p.renamedType(x, old, now)
}

// renamedType reports whether the types of two versions of a variable have different names.
// Where objects know only their numbers, which other versions of the type's package may have
// given to others, the declaration tells.
func (p *Package) renamedType(x *source.Decl, old, now program.Definition) bool {
	a, was := gotype(old)
	b, is := gotype(now)
	switch {
	case a != "" && b != "":
		return a != b
	case was == is:
		return false
	}
	return x == nil || p.changed(x)&(source.Declared|source.Value|source.Imports) != 0
}

// variablesChanged reports whether the variables of a package whose source is the same
// are given other values: those of constants of other packages.
func variablesChanged(before, now *Objects, prefix string) bool {
	for name, def := range now.compiled() {
		old, ok := before.datum(name)
		if ok && def.Object.Kind(def.Sym).IsVariable() && !strings.Contains(name, "..") && !initialValue(old, def) {
			return true
		}
	}
	for key, def := range now.layers[0].text {
		old, ok := before.function(key)
		if rest, mine := strings.CutPrefix(key.name, prefix); mine && ok && (rest == "init" || strings.HasPrefix(rest, "map.init.")) && !(&comparer{}).same(old, def) {
			return true
		}
	}
	return false
}

// How a person gets what was kept to follow the source.
const (
	keptValue = "the running value stays; //realtime:reset above it runs the initializer again"
	keptInit  = "it has run already; //realtime:rerun above it runs it again"
)

// initialization says what becomes of the changed variables and init functions.
func (j *judge) initialization(p *pkg) {
	for _, x := range p.Delta.New.List {
		switch {
		case x.Kind == source.Init:
			j.initFunc(p, x)
			continue
		case !x.IsVar():
			continue
		}
		old := p.Delta.Old.Decls[x.Name]
		what := p.changed(x)
		switch {
		case p.Again[x]:
			j.say(p, x, Live, "reset: its initializer runs again")
		case old == nil || old.Kind != source.Var || x.Kind != source.Var:
			// Added ones are reported as such.
		case p.Fresh[x]:
			a, _ := p.Old.datum(p.prefix + x.Symbol)
			b, _ := p.New.datum(p.prefix + x.Symbol)
			reason := "" // the program did not have it
			if p.retyped(x, a, b) {
				reason = "a new variable: its type changed from " + j.typeName(a) + " to " + j.typeName(b) + "; the old value is gone"
			}
			j.say(p, x, Live, reason)
		case what&(source.Value|source.Imports) != 0 && unmatched(p.Delta, old, x):
			// The value that stays has the one of before, which no edit would reach again.
			j.restart(p, x, "a func literal in the initializer can't be matched with a former one")
		case what&(source.Value|source.Imports) != 0:
			j.say(p, x, Kept, "the initializer changed, "+keptValue)
		case what&source.Declared != 0 && !j.said(p, x):
			j.say(p, x, Live, "") // the same type, spelled out or not
		}
	}
	for _, x := range p.Delta.Removed {
		if x.Kind == source.Init {
			j.say(p, x, Kept, "it has run already, and what it has done stays")
		}
	}
	j.constants(p)
}

// unmatched reports whether a func literal of a changed initializer may be one that the
// former had, and which is not known.
func unmatched(d *source.Delta, old, x *source.Decl) bool {
	before, now := d.Old.LiteralsOf(old), d.New.LiteralsOf(x)
	pairs := 0
	for _, pair := range source.MatchLiterals(old.Lits, x.Lits) {
		if pair.Old != nil && pair.New != nil {
			pairs++
		}
	}
	return pairs < len(before) && pairs < len(now)
}

// initFunc says what becomes of one init function.
func (j *judge) initFunc(p *pkg, x *source.Decl) {
	old := p.Delta.Inits[x]
	switch {
	case p.Again[x]:
		j.say(p, x, Live, "it runs again")
	case old == nil && slices.Contains(p.Delta.Added, x):
		j.say(p, x, Live, "it runs once")
	case p.changed(x)&(source.Body|source.Imports) != 0 && unmatched(p.Delta, old, x):
		j.restart(p, x, "a func literal can't be matched with a former one, and the function has run already")
	case p.changed(x)&(source.Body|source.Imports) != 0:
		j.say(p, x, Kept, keptInit)
	case old != nil:
		// The same text may be other code: for a constant that it names.
		o, n := p.Old.family(p.prefix+old.Symbol), p.New.family(p.prefix+x.Symbol)
		if o == nil || n == nil {
			return
		}
		rename := map[string]string{}
		for from, to := range j.literals(p, n, o, old.Symbol, x.Symbol).rename {
			rename[from], rename[from+"·f"] = to, to+"·f"
		}
		a, ok1 := o.find(o.base, goobj.ABIInternal)
		b, ok2 := n.find(n.base, goobj.ABIInternal)
		if ok1 && ok2 && !(&comparer{rename: rename}).same(a.def, b.def) {
			j.say(p, x, Kept, "what it names changed; "+keptInit)
		}
	}
}

// say reports the verdict on a variable or an init function.
func (j *judge) say(p *pkg, x *source.Decl, v Verdict, reason string) {
	d := Decl{ImportPath: p.ImportPath, Package: p.name(), Name: x.Name, Kind: kindName(x.Kind), Pos: x.Pos, Verdict: v, Reason: reason}
	if !j.said(p, x) {
		j.res.Decls = append(j.res.Decls, d)
	}
}

// said reports whether there is a verdict on it already.
func (j *judge) said(p *pkg, x *source.Decl) bool {
	return slices.ContainsFunc(j.res.Decls, func(d Decl) bool {
		return d.ImportPath == p.ImportPath && d.Name == x.Name && d.Pos == x.Pos
	})
}

// findConstants finds the constants that changed, and those that are made of them, in all
// packages of the edit: each is behind those that it imports.
func (j *judge) findConstants() {
	for _, p := range j.pkgs {
		for _, c := range p.Delta.Changed {
			if c.New.Kind == source.Const && c.What&^(source.Lines|source.Again) != 0 {
				j.consts[p.ImportPath+"."+c.New.Name] = true
			}
		}
		for grown := len(j.consts) > 0; grown; {
			grown = false
			for _, x := range p.Delta.New.List {
				if name := p.ImportPath + "." + x.Name; x.Kind == source.Const && !j.consts[name] && j.madeOfConstant(p, x) {
					j.consts[name], grown = true, true
				}
			}
		}
	}
}

// madeOfConstant reports whether the initializer of a variable or constant names a constant
// that changed.
func (j *judge) madeOfConstant(p *pkg, x *source.Decl) bool {
	return slices.ContainsFunc(x.Names(), func(n string) bool { return j.consts[p.ImportPath+"."+n] }) ||
		slices.ContainsFunc(x.Imported(), func(n string) bool { return j.consts[n] })
}

// constants finds variables whose initializer names a constant that changed.
func (j *judge) constants(p *pkg) {
	for _, x := range p.Delta.New.List {
		if x.Kind == source.Var && !p.Fresh[x] && p.Delta.Old.Decls[x.Name] != nil && j.madeOfConstant(p, x) {
			j.say(p, x, Kept, "a constant in the initializer changed, "+keptValue)
		}
	}
}

// typeName is the type of a variable as the linker names it.
func (j *judge) typeName(d program.Definition) string {
	name, _ := gotype(d)
	if refs := d.Object.Aux(d.Sym, goobj.AuxGotype, nil); len(refs) > 0 {
		if b, ok := j.prog.Builtin(refs[0]); ok {
			name = b.Name
		}
	}
	return strings.TrimPrefix(name, "type:")
}

// twins finds, for the func literals in the generated functions of initializers, those
// that the package's own initialization has at the same place. They are the same
// literal, and there must be one code for it: later edits know it by the latter's name.
func (j *judge) twins(p *pkg) {
	if p.Inits == nil {
		return
	}
	var decls []*source.Decl
	for _, x := range p.Delta.New.List {
		if x.IsVar() {
			decls = append(decls, x)
		}
	}
	own := map[*source.Literal]string{}
	for _, base := range []string{"init", "glob."} {
		if f := p.New.family(p.prefix + base); f != nil {
			for l, name := range symbols(f, literalsOf(p.Delta.New, decls)) {
				own[l] = name
			}
		}
	}
	for _, in := range p.Inits.List {
		for _, f := range p.New.allFamilies() {
			// The copies in the package's own init have such names too, but no positions
			// that tell which is which.
			if strings.HasPrefix(f.base, p.prefix+in.Func+".") && p.runs(in) && slices.ContainsFunc(f.members, func(m member) bool { return isLiteral(m.made) }) {
				j.restart(p, in.Vars[0], "the initializer has func literals of functions that were inlined into it")
			}
		}
		f := p.New.family(p.prefix + in.Func)
		if f == nil {
			continue
		}
		names := symbols(f, literalsOf(p.Delta.New, in.Vars))
		for l, name := range names {
			twin := own[l]
			if t, ok := p.New.function(symbolKey{twin, goobj.ABIInternal}); ok {
				copied, _ := p.New.function(symbolKey{name, goobj.ABIInternal})
				j.res.Twins[copied] = t
			}
			closure, ok1 := p.New.datum(name + "·f")
			t, ok2 := p.New.datum(twin + "·f")
			if ok1 && ok2 {
				j.res.Twins[closure] = t
			}
		}
		for _, m := range f.members {
			if _, ok := j.res.Twins[m.def]; isLiteral(m.made) && !ok && p.runs(in) {
				j.restart(p, in.Vars[0], "a func literal in the initializer can't be told from others")
			}
		}
	}
}

// runs reports whether an initializer is one that the edit runs.
func (p *Package) runs(in source.Initializer) bool {
	return slices.ContainsFunc(in.Vars, func(x *source.Decl) bool { return p.Fresh[x] || p.Again[x] })
}

// generated reports whether a function is one of package source's Initializers.
func (p *pkg) generated(base string) bool {
	return strings.HasPrefix(base, p.prefix+InitPrefix+"_")
}

// InitPrefix begins the names of the generated functions.
const InitPrefix = "realtime_init"

// former is the name that an init function had in the old object: they are numbered
// over the package.
func (p *pkg) former(base string) string {
	if d := p.declared(strings.TrimPrefix(base, p.prefix)); d != nil && d.Kind == source.Init {
		if old := p.Delta.Inits[d]; old != nil {
			return p.prefix + old.Symbol
		}
		return ""
	}
	return base
}
