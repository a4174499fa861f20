package change

import (
	"fmt"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// pins finds what would carry the old world into the new one, or keep it alive for
// others than calls in progress: rule 4 of safety for functions that were left behind,
// and for types whatever may hold a value of the old one. Each is a restart, which names
// it. Calls in progress are not looked at here: see quietWorlds.
func (j *judge) pins() {
	if len(j.worlds.forks) > 0 {
		j.pinForks()
	}
	if len(j.worlds.changed) > 0 {
		j.pinTypes()
	}
}

// pinForks finds who else than a call in progress can enter an old function.
func (j *judge) pinForks() {
	w := j.worlds
	taken := map[string]string{} // the function whose value was taken, by whom
	for _, p := range j.pkgs {
		p.eachOld(func(t trace) {
			fn, ok := valueOf(t.to)
			if _, isType := typeName(t.in); !ok || t.nowhere || w.forks[fn] == nil || isType || strings.HasPrefix(t.in, "type:.") {
				return
			}
			if of, isValue := valueOf(t.in); !isValue || of != fn {
				taken[fn] = t.in
			}
		})
	}
	reflects := j.prog.ReflectsMethods()
	for _, name := range slices.Sorted(maps.Keys(w.forks)) {
		f := w.forks[name]
		method := ""
		if i := strings.LastIndexByte(generic(name), '.'); f.decl != nil && f.decl.Kind == source.Method {
			method = generic(name)[i+1:]
		}
		switch holder, isTaken := taken[name]; {
		case isTaken:
			j.pin(f, "its value was taken "+j.in(holder))
		case f.decl != nil && len(others(f.decl)) > 0:
			j.pin(f, "other code may call it by "+strings.Fields(others(f.decl)[0])[0])
		case f.key.abi == goobj.ABI0:
			j.pin(f, "assembly may call it")
		case method == "":
		case j.retires(name):
			// Nobody has a value of it in an interface or a reflect.Value: see retire.
		case j.mayHold(f.p, name, method):
			j.pin(f, "an interface value may hold it as its method "+method)
		case reflects && token.IsExported(method):
			j.pin(f, "the program calls methods by reflection")
		}
	}
}

// retires reports whether a method is one of a type of which no value may be held when the
// edit goes live. The code of a generic type serves others, too.
func (j *judge) retires(method string) bool {
	receiver := plain(method)
	i := strings.LastIndexByte(receiver, '.')
	return i > 0 && !strings.Contains(receiver, "[") && j.worlds.mentions(receiver[:i])
}

// valueOf is the function that a symbol is the value of: "F·f", the method value "F-fm",
// and that one's value.
func valueOf(symbol string) (fn string, ok bool) {
	fn = strings.TrimSuffix(strings.TrimSuffix(symbol, "·f"), "-fm")
	return fn, fn != symbol
}

// pin makes the edit a restart because of a function that was left behind.
func (j *judge) pin(f *fork, holder string) {
	reason := f.why
	if t := j.forkRoot(f); t != "" {
		j.pinType(t, fmt.Sprintf("func %s: %s", strings.TrimPrefix(f.key.name, f.p.prefix), holder))
		return
	}
	if f.decl == nil {
		reason = strings.TrimPrefix(f.key.name, f.p.prefix) + ": " + reason
	}
	j.restart(f.p, f.decl, reason+"; "+holder)
}

// forkRoot is the changed type because of which a function was left behind.
func (j *judge) forkRoot(f *fork) string {
	if f.sig == nil {
		return j.worlds.root(plain(f.key.name))
	}
	for _, p := range f.sig.Params {
		if t := j.worlds.root(p.Type); t != "" {
			return t
		}
	}
	return ""
}

// in says where a symbol of the old code is: "in main.routes".
func (j *judge) in(symbol string) string {
	base, _ := splitName(symbol)
	if base == "" || strings.Contains(base, "..") {
		return "in the initial value of a variable"
	}
	return "in " + generic(base)[strings.LastIndexByte(generic(base), '/')+1:]
}

// mayHold reports whether an interface of the program has a method of this name and the
// type that it had in the old code.
func (j *judge) mayHold(p *pkg, symbol, method string) bool {
	typ, ok := methodType(p.Old, symbol)
	return !ok && j.prog.HasInterfaceMethod(method) || j.prog.HasInterfaceMethodOf(method, typ)
}

// methodType is the type of a method, without its receiver, as the descriptor of the
// receiver's type spells it.
func methodType(x *Objects, symbol string) (string, bool) {
	for name, d := range x.allData() {
		if _, ok := typeName(name); !ok || !slices.ContainsFunc(written(d), func(r goobj.Reloc) bool {
			return r.Type == goobj.RMethodOff && refName(d.Object, r.Sym) == symbol
		}) {
			continue
		}
		for _, m := range methodsOf(d) {
			if fn := generic(symbol); m.name == fn[strings.LastIndexByte(fn, '.')+1:] {
				return typeName(m.typ)
			}
		}
	}
	return "", false
}

// pinType makes the edit a restart because of a type of which the program may hold a value.
func (j *judge) pinType(root, holder string) {
	d := j.changedType(root)
	for _, p := range j.pkgs {
		if p.ImportPath == d.ImportPath {
			j.restart(p, declOfType(p, root), d.Reason+"; "+holder)
			return
		}
	}
}

// changedType is the restart for a changed type, without the holder of a value.
func (j *judge) changedType(root string) Decl {
	for _, p := range j.pkgs {
		if d := declOfType(p, root); d != nil {
			what := "layout changed"
			for _, c := range p.Delta.Changed {
				if c.New == d {
					what = typeChange(c.Old.Spec, c.New.Spec)
				}
			}
			return Decl{ImportPath: p.ImportPath, Package: p.name(), Name: d.Name, Kind: kindName(d.Kind), Pos: d.Pos, Verdict: Restart, Reason: what}
		}
	}
	p := j.pkgs[0]
	return Decl{ImportPath: p.ImportPath, Package: p.name(), Verdict: Restart, Reason: "layout of type " + root + " changed"}
}

// pinTypes finds what may hold a value of a type that changed, where code that knows the
// type reaches it: variables, func literals, and what hides behind pointers without a
// type. Values in interfaces are not looked for here: see retire.
func (j *judge) pinTypes() {
	w := j.worlds
	j.pinVariables()
	for _, p := range j.pkgs {
		j.pinLiterals(p)
		for _, path := range []string{"unsafe", "C"} {
			for _, f := range p.Delta.New.Files {
				if slices.ContainsFunc(f.Imports, func(i source.Import) bool { return i.Path == path }) {
					j.pinType(j.anyRoot(p), fmt.Sprintf("%s imports %q", filepath.Base(f.Path), path))
				}
			}
		}
		for _, name := range p.Old.sortedData() {
			if !strings.Contains(name, "..dict.") || !w.mentions(name) {
				continue
			}
			fn := generic(strings.Replace(name, "..dict.", ".", 1))
			if j.Unsafe(program.PackageOf(plain(fn))) {
				j.pinType(w.root(name), "the package of the generic "+shortName(fn)+" uses unsafe, and may hold it")
			}
		}
		p.eachOld(func(t trace) {
			if name, ok := strings.CutSuffix(t.in, methodValue); ok && w.mentions(plain(name)) {
				j.pinType(w.root(plain(name)), "the method value "+shortName(name)+" may be held")
			}
		})
	}
}

// Retired is a type of the program whose values new code can't know.
type Retired struct {
	Addr uint64 // of its descriptor
	Decl Decl   // the restart if a value is held, without the holder: "field Note added"
	Type string // "cart.Cart", "[]*cart.Cart"
}

// retire lists the types of the program that mention a changed one. Whoever has a value of
// one in an interface, or knows it as a reflect.Type, has the address of its descriptor in
// memory, which the agent looks for (agent/host/held.go). If it finds none, no assertion,
// type switch, comparison, map or cache can meet an old value: however the program has
// come by it, and by whatever code.
//
// A type that is gone is retired, too: the source has no name by which it could be looked
// for, and what takes its place, under another name, would not find its values. So is what
// an alias stood for.
func (j *judge) retire() {
	removed, aliased := j.removedTypes(), j.aliased()
	if len(j.worlds.changed)+len(removed)+len(aliased) == 0 || j.prog == nil {
		return
	}
	gone := func(name string) (Decl, bool) {
		if d, ok := aliased[name]; ok {
			return d, true
		}
		for _, t := range slices.Sorted(maps.Keys(removed)) {
			if holds(name, t) {
				return removed[t], true
			}
		}
		return Decl{}, false
	}
	for _, d := range j.prog.Descriptors(func(name string) bool {
		_, is := gone(name)
		return is || j.worlds.mentions(name)
	}) {
		decl, is := gone(d.Type)
		if !is {
			decl = j.changedType(j.worlds.root(d.Type))
		}
		j.res.Retired = append(j.res.Retired, Retired{d.Addr, decl, shortName(d.Type)})
	}
}

// removedTypes are the types that the edit removes, by linker name.
func (j *judge) removedTypes() map[string]Decl {
	set := map[string]Decl{}
	for _, p := range j.pkgs {
		for _, d := range p.Delta.Removed {
			if d.Kind == source.Type && !d.Alias && p.Delta.New.Decls[d.Name] == nil {
				set[p.prefix+d.Name] = Decl{ImportPath: p.ImportPath, Package: p.name(), Name: d.Name, Kind: "type", Verdict: Restart, Reason: "removed"}
			}
		}
	}
	return set
}

// aliased are the types that code of the edit's packages knew and knows no more, if an alias
// changed or is gone. An alias leaves no trace in objects, so each may be the one that it
// stood for, or be made of that.
func (j *judge) aliased() map[string]Decl {
	var of *Decl
	for _, p := range j.pkgs {
		note := func(d *source.Decl, reason string) {
			if of == nil && d.Kind == source.Type && d.Alias {
				of = &Decl{ImportPath: p.ImportPath, Package: p.name(), Name: d.Name, Kind: "type", Pos: d.Pos, Verdict: Restart, Reason: reason}
			}
		}
		for _, c := range p.Delta.Changed {
			if c.What != source.Lines {
				note(c.Old, "the alias changed")
			}
		}
		for _, d := range p.Delta.Removed {
			note(d, "removed")
		}
	}
	if of == nil {
		return nil
	}
	set := map[string]Decl{}
	known := func(x *Objects, f func(typ string)) {
		for _, family := range x.allFamilies() {
			for _, m := range family.members {
				for _, typ := range usedTypes(m.def) {
					f(typ)
				}
			}
		}
	}
	for _, p := range j.pkgs {
		known(p.Old, func(typ string) { set[typ] = *of })
	}
	for _, p := range j.pkgs {
		known(p.New, func(typ string) { delete(set, typ) })
	}
	return set
}

// anyRoot is a type that changed, one of the package if there is one.
func (j *judge) anyRoot(p *pkg) string {
	roots := slices.Sorted(maps.Keys(j.worlds.changed))
	if i := slices.IndexFunc(roots, func(t string) bool { return declOfType(p, t) != nil }); i >= 0 {
		return roots[i]
	}
	return roots[0]
}

// pinVariables finds package variables that reach a changed type. Where the object does not
// name the type of a variable, its declaration tells whether it may be one: by the names
// that lead to a changed type, in this package and in those of the edit that it imports.
func (j *judge) pinVariables() {
	names := j.worlds.bare()
	spreads := map[*pkg]*source.Spread{}
	for grown := true; grown; {
		grown = false
		for _, p := range j.pkgs {
			spreads[p] = p.Delta.Spread(names, nil)
			for name := range spreads[p].Exported() {
				if !names[name] {
					names[name], grown = true, true
				}
			}
		}
	}
	for _, p := range j.pkgs {
		var variables []string
		for name, d := range p.Old.allData() {
			if d.Object.Kind(d.Sym).IsVariable() {
				variables = append(variables, name)
			}
		}
		slices.Sort(variables)
		for _, name := range variables {
			d, _ := p.Old.datum(name)
			now, stays := p.New.datum(name)
			x := p.Delta.New.Decls[strings.TrimPrefix(name, p.prefix)]
			if !stays || p.renamedType(x, d, now) {
				continue // what only old code knows stays with it
			}
			if _, inProgram := j.prog.Variable(name); !inProgram {
				continue
			}
			symbol, number := gotype(d)
			typ, ok := typeName(symbol)
			switch {
			case ok && j.worlds.mentions(typ):
				j.pinType(j.worlds.root(typ), fmt.Sprintf("var %s (%s) holds it", short(shortName(name)), short(shortName(typ))))
			case symbol == "" && number != "" && (x != nil && spreads[p].Has(x) || x == nil && !strings.Contains(name, "..")):
				j.pinType(j.anyRoot(p), fmt.Sprintf("var %s may hold it", short(shortName(name))))
			}
		}
	}
}

// shortName is a linker name with the last elements of import paths only.
func shortName(name string) string {
	var b strings.Builder
	word := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && (inPath(name[i]) && name[i] != '.' || name[i] == '.' && i > 0 && inIdent(name[i-1])) {
			continue
		}
		s := name[word:i]
		b.WriteString(s[strings.LastIndexByte(s, '/')+1:])
		if i < len(name) {
			b.WriteByte(name[i])
		}
		word = i + 1
	}
	return b.String()
}

// pinLiterals finds func literals whose closures may be held, and that capture, take or
// return a changed type.
func (j *judge) pinLiterals(p *pkg) {
	for _, f := range p.Old.allFamilies() {
		if !slices.ContainsFunc(f.members, func(m member) bool { return isLiteral(m.made) }) {
			continue // most have none
		}
		owner := j.owner(f.base)
		byName := map[string]*source.Literal{}
		if owner != nil {
			decls := declarations(owner.Delta.Old, strings.TrimPrefix(generic(f.base), owner.prefix))
			for lit, name := range symbols(f, literalsOf(owner.Delta.Old, decls)) {
				byName[name] = lit
			}
		}
		var instances []string
		if strings.Contains(f.base, "[go.shape.") {
			instances = j.instances(p, generic(f.base))
		}
		for _, m := range f.members {
			if !isLiteral(m.made) {
				continue
			}
			for _, instance := range instances {
				j.pinType(j.worlds.root(instance), "a func literal of the generic func "+shortName(generic(f.base))+" may be held")
			}
			lit := byName[m.key.name]
			if lit != nil && owner.OldEscape.onStack(lit) {
				continue
			}
			held := j.literalTypes(f, m, p.Old)
			if i := slices.IndexFunc(held, j.worlds.mentions); i >= 0 {
				where := strings.TrimPrefix(m.key.name, p.prefix)
				if lit != nil {
					where = fmt.Sprintf("at %s:%d", filepath.Base(lit.Filename), lit.Line)
				}
				j.pinType(j.worlds.root(held[i]), "the func literal "+where+" may be held")
			}
		}
	}
}

// instances are the dictionaries of the instances, for changed types, of a generic
// function, or of the type that it is a method of.
func (j *judge) instances(p *pkg, name string) (list []string) {
	for dict := range p.Old.allData() {
		if !strings.Contains(dict, "..dict.") || !j.worlds.mentions(dict) {
			continue
		}
		of := generic(strings.Replace(dict, "..dict.", ".", 1))
		if of == name || strings.HasPrefix(plain(name), of+".") {
			list = append(list, dict)
		}
	}
	slices.Sort(list)
	return list
}

// plain is the name of a method without what marks its receiver as a pointer.
func plain(name string) string { return strings.NewReplacer("(*", "", ")", "").Replace(name) }

// literalTypes are the types that a func literal, or another function, takes, returns and
// captures.
func (j *judge) literalTypes(f *family, m member, x *Objects) (list []string) {
	if m.made != "" {
		list = append(list, closureType(f, m, x))
	}
	sig, err := j.abbrevs.Of(m.def.Object, m.def.Sym)
	if err != nil {
		return list
	}
	for _, p := range sig.Params {
		list = append(list, p.Type)
	}
	for _, c := range sig.Captures {
		list = append(list, c.Type)
	}
	return list
}

// quietWorlds are the old functions of which no call may be in progress when the new
// types come: those that were left behind, and all code that could call them or make
// values of the old types. A func literal that is redirected stands for itself; what is
// called by the code around alone stands for that, too.
func (j *judge) quietWorlds() {
	w := j.worlds
	if len(w.changed) == 0 {
		return
	}
	for _, p := range j.pkgs {
		for _, f := range p.Old.allFamilies() {
			isInit := isInit(strings.TrimPrefix(f.base, p.prefix)) // which has run, but not what it has started
			quiet := map[symbolKey]bool{}
			wrappers := map[string]bool{} // of go and defer statements, and range bodies
			for _, m := range f.members {
				typed := slices.ContainsFunc(j.literalTypes(f, m, p.Old), w.mentions)
				if m.made != "" && !isLiteral(m.made) && w.uses(m.def) {
					wrappers[m.key.name] = true
				}
				if m.made != "" && typed {
					for _, around := range f.members {
						quiet[around.key] = quiet[around.key] || strings.HasPrefix(m.key.name, around.key.name)
					}
				}
				if typed || w.forks[m.key.name] != nil {
					quiet[m.key] = true
				}
			}
			for _, m := range f.members {
				switch {
				case isInit && m.made == "":
				case quiet[m.key]:
					j.res.Quiet = append(j.res.Quiet, Span{Definition: m.def})
				case w.uses(m.def) || names(m.def, wrappers):
					j.res.Quiet = append(j.res.Quiet, j.reaching(m.def, wrappers)...)
				}
			}
		}
	}
}
