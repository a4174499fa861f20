package change

import (
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// family is a declared function, or one instance of a generic one, with all that the
// compiler made of the code in it: func literals, range bodies, wrappers of go and
// defer statements and of method values.
type family struct {
	base    string // linker name of the function
	members []member
}

type member struct {
	key  symbolKey
	made string // what the name has behind base
	def  program.Definition
}

func (f *family) find(name string, abi goobj.ABI) (member, bool) {
	if f != nil {
		for _, m := range f.members {
			if m.key == (symbolKey{name, abi}) {
				return m, true
			}
		}
	}
	return member{}, false
}

// functions compares the functions of a package and puts the changed ones into the
// patch. An instance of a generic function lies in the package that uses it, and is
// judged by the sources of the package that declares it.
func (j *judge) functions(p *pkg) error {
	for _, d := range p.Delta.Added {
		if d.Kind == source.Init {
			continue // see initialization
		}
		j.report(p, Decl{Name: d.Name, Kind: kindName(d.Kind), Pos: d.Pos})
	}
	for _, c := range p.Delta.Changed {
		if k := c.New.Kind; k == source.Const || k == source.Type || c.What&source.Signature != 0 && k != source.Init {
			j.report(p, Decl{Name: c.New.Name, Kind: kindName(k), Pos: c.New.Pos})
		}
	}
	j.twins(p)
	if p.New.all || len(p.Delta.Removed) > 0 {
		for _, f := range p.Old.allFamilies() {
			if p.New.family(f.base) != nil || p.generated(f.base) {
				continue
			}
			for _, m := range f.members {
				if m.made == "" {
					j.res.Removed = append(j.res.Removed, m.def)
				}
			}
			j.goneFamily(p, f)
		}
	}
	list, _ := p.New.layers[0].families()
	for _, f := range list {
		if p.generated(f.base) {
			continue // it runs by itself, and once
		}
		before := p.Old.family(p.former(f.base))
		if before == nil {
			before = &family{base: f.base}
		}
		j.family(p, f, before)
	}
	return nil
}

// family compares one function with all that belongs to it.
func (j *judge) family(p *pkg, f, before *family) {
	owner := j.owner(f.base)
	var decl *source.Decl
	var lits *literals
	if owner == nil {
		lits = unchangedLiterals(f, before, false) // its source is not in the edit
	} else {
		name := strings.TrimPrefix(generic(f.base), owner.prefix)
		decl = owner.declared(name)
		if len(declarations(owner.Delta.New, name)) > 0 {
			lits = j.literals(owner, f, before, strings.TrimPrefix(generic(owner.former(f.base)), owner.prefix), name)
		} else {
			lits = unchangedLiterals(f, before, true) // inlined from another function
		}
	}
	j.goneLiterals(p, owner, f, before, lits)
	c := j.comparer(lits.rename)
	rebound := rebound(f, before, c)
	for _, m := range f.members {
		pair, paired := lits.pairs[m.key.name]
		if !isLiteral(m.made) || !paired || pair.guess {
			continue
		}
		was, ok := before.find(pair.old, m.key.abi)
		if !ok || pair.sameCaptures && c.same(was.def, m.def) && c.sameTables(was.def, m.def) {
			continue
		}
		pair.rule = j.rule(p, owner, f, before, m, was, pair)
		lits.pairs[m.key.name] = pair
		if pair.rule.misfit != "" && pair.rule.stays {
			rebound[m.key.name] = true // it is left to the calls that have it
		}
	}
	for _, m := range f.members {
		if owner != nil && m.made == "" && isInit(strings.TrimPrefix(f.base, owner.prefix)) {
			continue // has run
		}
		j.member(p, owner, f, m, before, decl, lits, c, rebound)
	}
}

// rebound are the functions that the compiler has made for go and defer statements and
// for range bodies, and that are other ones now: what makes closures of them by name
// has to take the new ones.
func rebound(f, before *family, c *comparer) map[string]bool {
	set := map[string]bool{}
	for _, m := range f.members {
		if m.made == "" || isLiteral(m.made) {
			continue
		}
		if was, ok := before.find(m.key.name, m.key.abi); !ok || !c.same(was.def, m.def) || !c.sameTables(was.def, m.def) {
			set[m.key.name] = true
		}
	}
	return set
}

// names reports whether d refers to one of the set.
func names(d program.Definition, set map[string]bool) bool {
	return len(set) > 0 && slices.ContainsFunc(written(d), func(r goobj.Reloc) bool {
		return set[strings.TrimSuffix(refName(d.Object, r.Sym), "·f")]
	})
}

// owner is the package of the edit that declares a function, or nil.
func (j *judge) owner(base string) *pkg {
	name := generic(base)
	for _, p := range j.pkgs {
		if rest, ok := strings.CutPrefix(name, p.prefix); ok && !strings.ContainsRune(rest, '/') {
			return p
		}
	}
	return nil
}

// declared finds a function by its symbol without package and type arguments.
func (p *pkg) declared(symbol string) *source.Decl {
	if p.decls == nil {
		p.decls = map[string]*source.Decl{}
		for _, d := range p.Delta.New.List {
			if d.Kind == source.Func || d.Kind == source.Method || d.Kind == source.Init {
				p.decls[generic(d.Symbol)] = d
			}
		}
	}
	return p.decls[symbol]
}

// member judges one function of a family.
func (j *judge) member(p, owner *pkg, f *family, m member, before *family, decl *source.Decl, lits *literals, c *comparer, rebound map[string]bool) {
	if j.taken[m.key] {
		return // several packages have a copy
	}
	was, ok := before.find(m.key.name, m.key.abi)
	pair, paired := lits.pairs[m.key.name]
	if isLiteral(m.made) {
		ok = paired
		if paired {
			was, ok = before.find(pair.old, m.key.abi)
		}
	}
	forked := j.worlds.forks[m.key.name] != nil
	usesDict := j.usesChangedDictionary(m.def)
	recaptured := isLiteral(m.made) && paired && pair.rule.other && !pair.rule.stays
	changed := !ok || forked || recaptured || usesDict || names(m.def, rebound) || names(m.def, j.renewed) || !c.same(was.def, m.def) || !c.sameTables(was.def, m.def)
	if !changed && !lits.renumbered && c.sameLines(was.def, m.def) {
		return
	}
	fn := Function{Object: m.def.Object, Sym: m.def.Sym, LinesOnly: !changed, Old: was.def, Decl: -1}
	if ok {
		_, inProgram, err := j.prog.Function(was.key.name, was.key.abi)
		switch {
		case err != nil:
			j.restart(p, decl, err.Error())
			return
		case !inProgram && !lits.renumbered:
			return // the linker dropped it; what comes to use it takes the new one
		case inProgram:
			fn.Replaces = was.key.name
		}
	} else if j.worlds.mentions(m.key.name) {
		// One of this name may be of the old types, and from another package.
	} else if _, stale, _ := j.prog.Function(m.key.name, m.key.abi); !stale || owner == nil {
		return // new: it comes with what uses it
	} else if def, known := j.prog.Removed(m.key.name, m.key.abi); known && m.made == "" {
		// It takes the place of one that had its name before it was removed.
		was = member{m.key, "", def}
		if why, _ := j.forkReason(def, m.def, nil, declaredBy(decl)); why == "" {
			fn.Old, fn.Replaces = def, m.key.name
		}
	}
	switch {
	case forked:
		fn.Replaces = ""
		j.res.Left = append(j.res.Left, was.def)
	case j.takesChangedDictionary(f.base):
		fn.Replaces = "" // old callers hand the old dictionary to the old code
	case changed && m.made != "" && !isLiteral(m.made):
		// What go and defer statements, range bodies and method values are made of is
		// bound to the closure that the old code made for it.
		fn.Replaces = ""
	}
	d := Decl{Kind: "func", LinesOnly: !changed}
	if forked && j.worlds.forks[m.key.name].left {
		d.Verdict = NewCall
	}
	if owner == nil {
		owner = p
		d.Name = generic(m.key.name)[strings.LastIndexByte(generic(m.key.name), '/')+1:]
	} else {
		d.Name = strings.TrimPrefix(generic(m.key.name), owner.prefix)
	}
	switch {
	case isLiteral(m.made) && pair.newLit != nil:
		d.Pos = token.Position{Filename: pair.newLit.Filename, Line: pair.newLit.Line, Column: pair.newLit.Col}
	case decl != nil && !isLiteral(m.made):
		d.Name, d.Pos = decl.Name, decl.Pos
	}
	switch {
	case !isLiteral(m.made) || !paired || pair.rule.stays:
	case recaptured:
		d.Verdict, d.Reason = Restart, pair.rule.misfit
	case !changed:
	case pair.guess:
		d.Verdict, d.Reason = Restart, "the func literal can't be matched with a former one"
	case j.takesChangedDictionary(f.base):
		d.Verdict, d.Reason = Restart, "a func literal of a generic function needs other types at run time"
	}
	if d.Verdict == Restart {
		j.report(owner, d)
		return
	}
	if changed && fn.Replaces != "" {
		var old *source.Decl
		if decl != nil {
			old = owner.Delta.Old.Decls[decl.Name]
		}
		if reason := j.unsafe(m, was, old, decl, pair); reason != "" {
			if !isLiteral(m.made) || !pair.rule.stays {
				d.Verdict, d.Reason = Restart, reason
				j.report(owner, d)
				return
			}
			// It lives no longer than the call of the function around it, which goes
			// on with the old code as a whole.
			fn.Replaces = ""
			d.Verdict, d.Reason = NewCall, Around
		}
	}
	j.taken[m.key] = true
	// What the compiler made, and literals that are new, are part of the function
	// around them.
	if m.made == "" && (decl != nil || owner == p) && !wrapper(m) || isLiteral(m.made) && paired {
		fn.Decl = j.report(owner, d)
	}
	j.res.Functions = append(j.res.Functions, fn)
}

// Around is the reason of a func literal that is left to calls of the function around it.
const Around = "a running call of the function around it goes on with the old code"

// report adds a declaration to the result, once, and answers its index.
func (j *judge) report(p *pkg, d Decl) int {
	d.ImportPath, d.Package = p.ImportPath, p.name()
	if d.Verdict == "" {
		d.Verdict = Live
	}
	key := d.ImportPath + "." + d.Name
	if i, ok := j.reported[key]; ok {
		have := &j.res.Decls[i]
		have.LinesOnly = have.LinesOnly && d.LinesOnly
		if d.Verdict == Restart && have.Verdict != Restart {
			have.Verdict, have.Reason = d.Verdict, d.Reason
		}
		return i
	}
	for _, have := range j.res.Decls {
		if have.Verdict == Restart && have.ImportPath == d.ImportPath && have.Name == d.Name {
			return -1 // its source says more
		}
	}
	j.reported[key] = len(j.res.Decls)
	j.res.Decls = append(j.res.Decls, d)
	return len(j.res.Decls) - 1
}

// unsafe says why the old version of a changed function must not be redirected to the
// new one; "" if it may (rule 1 of safety).
func (j *judge) unsafe(m, was member, before, decl *source.Decl, pair litPair) string {
	if j.prog == nil {
		return ""
	}
	literal := isLiteral(m.made)
	oldSig, errOld := j.abbrevs.Of(was.def.Object, was.def.Sym)
	newSig, errNew := j.abbrevs.Of(m.def.Object, m.def.Sym)
	switch {
	case errOld != nil || errNew != nil:
		// Wrappers and type algorithms have no DWARF; they change only with what they
		// wrap, and their frames tell.
		fa, _ := was.def.Object.FuncInfo(was.def.Sym)
		fb, _ := m.def.Object.FuncInfo(m.def.Sym)
		if fa == nil || fb == nil || fa.Args != fb.Args || literal {
			return fmt.Sprintf("its signature can't be compared (%v)", errors.Join(errOld, errNew))
		}
		return ""
	case !literal:
		return j.differ(oldSig, newSig, declaredBy(before), declaredBy(decl))
	case pair.newLit != nil && pair.oldLit.Signature != pair.newLit.Signature:
		return "signature of the func literal changed"
	}
	if why := j.differ(oldSig, newSig, declaredAs(pair.oldLit), declaredAs(pair.newLit)); why != "" {
		return why
	}
	return pair.rule.misfit
}

// closurePrefix begins the names of closure types.
const closurePrefix = "type:noalg.struct { F uintptr"

// noClosure is in place of the type of closures that there is one of, in the data.
const noClosure = "none"

// closureType is the type of the closures that are made of a func literal, as the code
// of the function around it allocates them: the linker name spells every captured
// variable ("type:noalg.struct { F uintptr; X0 int; X1 *string }"). It is "none" for a
// literal that captures nothing, and "" if it can't be told: closures that do not
// escape are built on the stack.
func closureType(f *family, lit member, x *Objects) string {
	found := ""
	for _, m := range f.members {
		last := "" // the closure that is being made
		for _, r := range written(m.def) {
			name := refName(m.def.Object, r.Sym)
			static := strings.TrimSuffix(name, "·f")
			if strings.HasPrefix(name, closurePrefix) {
				last = name
				continue
			}
			if r.Type == goobj.RCall {
				continue
			}
			if base, made := splitName(static); base != f.base || made == "" {
				if static != name || made != "" {
					last = "" // a closure of something else: a method value
				}
				continue
			}
			if static != name {
				last = noClosure
			}
			if static == lit.key.name {
				if last == "" || found != "" && found != last {
					return ""
				}
				found = last
			}
			last = ""
		}
	}
	if found == "" {
		// A literal in an initializer of a variable is a static func value.
		if _, ok := x.datum(lit.key.name + "·f"); ok {
			return noClosure
		}
	}
	return found
}

// wrapper reports whether a function was made by the compiler alone: a method of a
// pointer or an embedding type that calls the declared one, a type's algorithm.
func wrapper(m member) bool {
	info, err := m.def.Object.FuncInfo(m.def.Sym)
	return err != nil || info == nil || len(info.Files) == 0 || fileName(m.def.Object, info.Files[0]) == "<autogenerated>"
}
