package change

import (
	"encoding/binary"
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
		case f.decl != nil && len(f.decl.Directives) > 0:
			j.pin(f, "other code may call it by "+strings.Fields(f.decl.Directives[0])[0])
		case f.key.abi == goobj.ABI0:
			j.pin(f, "assembly may call it")
		case method == "":
		case j.mayHold(f.p, name, method):
			j.pin(f, "an interface value may hold it as its method "+method)
		case reflects && token.IsExported(method):
			j.pin(f, "the program calls methods by reflection")
		}
	}
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
	for _, p := range j.pkgs {
		if d := declOfType(p, root); d != nil {
			what := "layout changed"
			for _, c := range p.Delta.Changed {
				if c.New == d {
					what = typeChange(c.Old.Spec, c.New.Spec)
				}
			}
			j.restart(p, d, what+"; "+holder)
			return
		}
	}
	j.restart(j.pkgs[0], nil, "layout of type "+root+" changed; "+holder)
}

// pinTypes finds what may hold a value of a type that changed, in any way by which new
// code could get it.
func (j *judge) pinTypes() {
	w := j.worlds
	for _, p := range j.pkgs {
		j.pinVariables(p)
		j.pinLiterals(p)
		j.pinInterfaces(p)
		j.pinAssertions(p)
		for _, path := range []string{"unsafe", "C", "encoding/gob"} {
			for _, f := range p.Delta.New.Files {
				if slices.ContainsFunc(f.Imports, func(i source.Import) bool { return i.Path == path }) {
					j.pinType(j.anyRoot(p), fmt.Sprintf("%s imports %q", filepath.Base(f.Path), path))
				}
			}
		}
		for name := range p.Old.allData() {
			if strings.Contains(name, "..dict.") && w.mentions(name) {
				if reason := j.assertingInstance(name); reason != "" {
					j.pinType(w.root(name), reason)
				}
			}
		}
		p.eachOld(func(t trace) {
			if name, ok := strings.CutSuffix(t.in, methodValue); ok && w.mentions(plain(name)) {
				j.pinType(w.root(plain(name)), "the method value "+shortName(name)+" may be held")
			}
		})
	}
}

// anyRoot is a type that changed, one of the package if there is one.
func (j *judge) anyRoot(p *pkg) string {
	roots := slices.Sorted(maps.Keys(j.worlds.changed))
	if i := slices.IndexFunc(roots, func(t string) bool { return declOfType(p, t) != nil }); i >= 0 {
		return roots[i]
	}
	return roots[0]
}

// pinVariables finds package variables that reach a changed type.
func (j *judge) pinVariables(p *pkg) {
	var spread *source.Spread
	var names []string
	for name, d := range p.Old.allData() {
		if d.Object.Kind(d.Sym).IsVariable() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
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
		case symbol == "" && number != "" && x != nil:
			if spread == nil {
				spread = p.Delta.Spread(j.worlds.bare(), nil)
			}
			if spread.Has(x) {
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
		onStack := false
		if owner != nil {
			decls := declarations(owner.Delta.Old, strings.TrimPrefix(generic(f.base), owner.prefix))
			for lit, name := range symbols(f, literalsOf(owner.Delta.Old, decls)) {
				byName[name] = lit
			}
			onStack = len(decls) == 1 && decls[0].Generic && !keepsClosures(f)
		}
		var instances []string
		if strings.Contains(f.base, "[go.shape.") {
			instances = j.instances(p, generic(f.base))
		}
		for _, m := range f.members {
			if !isLiteral(m.made) || onStack {
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

// pinInterfaces finds changed types whose values the program may hold as an interface
// with methods, or as the key of something; and those that its initialization has
// converted, which may be registered (encoding/gob).
func (j *judge) pinInterfaces(p *pkg) {
	w := j.worlds
	converted := map[string]bool{}
	p.eachOld(func(t trace) {
		if strings.HasPrefix(t.in, "type:") || strings.HasPrefix(t.in, "go:itab.") || strings.Contains(t.in, "..dict.") {
			return
		}
		typ, ok := typeName(t.to)
		if pair, isItab := strings.CutPrefix(t.to, "go:itab."); isItab {
			typ, _, ok = strings.Cut(pair, ",")
		}
		if !ok || t.text && !t.use || !w.mentions(typ) {
			return
		}
		converted[typ] = true
		base, _ := splitName(t.in)
		if isInit(strings.TrimPrefix(base, p.prefix)) || strings.HasPrefix(base, p.prefix+"glob.") {
			j.pinType(w.root(typ), "the initialization of the package has made an interface value of it")
		}
	})
	for _, typ := range slices.Sorted(maps.Keys(converted)) {
		d, ok := p.Old.datum("type:" + typ)
		for _, q := range j.pkgs {
			if !ok {
				d, ok = q.Old.datum("type:" + typ)
			}
		}
		if !ok {
			j.pinType(w.root(typ), "values of it may be held as an interface")
			continue
		}
		if w.changed[typ] != nil && mayBeKey(d) {
			j.pinType(typ, "values of it may be keys")
		}
		for _, m := range methodsOf(d) {
			if t, _ := typeName(m.typ); j.prog.HasInterfaceMethodOf(m.name, t) {
				j.pinType(w.root(typ), fmt.Sprintf("an interface value may hold a %s for its method %s", shortName(typ), m.name))
				break
			}
		}
	}
}

// mayBeKey reports whether values of a type are of the kind that is a key of a
// context.Context or of a map of interface values: comparable, and no struct with fields.
func mayBeKey(d program.Definition) bool {
	b := d.Object.Data(d.Sym)
	comparable := slices.ContainsFunc(written(d), func(r goobj.Reloc) bool { return r.Off == equalAt })
	return comparable && len(b) >= typeSize && (b[kindAt]&kindMask != kindStruct || binary.LittleEndian.Uint64(b) == 0)
}

// pinAssertions finds type assertions and switches of the new code that look for a
// changed type: a value from before may sit in an interface, and would not be found.
func (j *judge) pinAssertions(p *pkg) {
	bases := map[string]string{} // the last word of a type's name: the type
	for _, t := range j.worlds.named {
		base := generic(t)
		base = base[strings.LastIndexAny(base, "./")+1:]
		base, _, _ = strings.Cut(base, "·")
		bases[base] = t
	}
	for _, a := range p.Delta.New.Assertions() {
		for _, name := range a.Names {
			if t := bases[name]; t != "" {
				j.pinType(j.worlds.root(t), fmt.Sprintf("%s:%d looks for it in an interface value", filepath.Base(a.Pos.Filename), a.Pos.Line))
			}
		}
	}
}

// assertingInstance says why an instance of a generic function may find old values in
// interface values; "" if it does not.
func (j *judge) assertingInstance(dict string) string {
	name := generic(strings.Replace(dict, "..dict.", ".", 1))
	fn := plain(name)
	for _, p := range j.pkgs {
		rest, ok := strings.CutPrefix(fn, p.prefix)
		if !ok {
			continue
		}
		for _, d := range p.Delta.New.List {
			symbol := plain(generic(d.Symbol))
			if (symbol == rest || strings.HasPrefix(symbol, rest+".")) && strings.Contains(d.Body, ".(") {
				return "the generic func " + d.Name + " looks into interface values"
			}
		}
		return ""
	}
	path := program.PackageOf(fn)
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return "an instance of the generic func " + shortName(name) + " may hold it"
	}
	return "" // of the standard library, or of a package that is not in the edit
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
			if isInit(strings.TrimPrefix(f.base, p.prefix)) {
				continue
			}
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
				case quiet[m.key]:
					j.res.Quiet = append(j.res.Quiet, Span{Definition: m.def})
				case w.uses(m.def) || names(m.def, wrappers):
					j.res.Quiet = append(j.res.Quiet, j.reaching(m.def, wrappers)...)
				}
			}
		}
	}
}
