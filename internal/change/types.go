package change

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

func declOfType(p *pkg, name string) *source.Decl {
	name = generic(strings.TrimPrefix(name, p.prefix))
	if d := p.Delta.New.Decls[name]; d != nil && d.Kind == source.Type {
		return d
	}
	return nil
}

// internal/abi.Type (type.go; the same in Go 1.24 to 1.27): Size, PtrBytes uintptr;
// Hash uint32; TFlag, Align, FieldAlign, Kind uint8; Equal func; GCData *byte; Str,
// PtrToThis int32.
const (
	tflagAt       = 20
	kindAt        = 23
	equalAt       = 24
	typeSize      = 48
	tflagNamed    = 1 << 2
	kindMask      = 1<<5 - 1
	kindArray     = 17
	kindChan      = 18
	kindInterface = 20
	kindStruct    = 25
)

func named(d program.Definition) bool {
	b := d.Object.Data(d.Sym)
	return len(b) >= typeSize && b[tflagAt]&tflagNamed != 0
}

// layout describes a type's memory and identity without its methods: two descriptors
// with the same layout are the same type.
func layout(d program.Definition) string {
	b := d.Object.Data(d.Sym)
	if len(b) < typeSize {
		return "?"
	}
	kind := b[kindAt] & kindMask
	var s strings.Builder
	fmt.Fprintf(&s, "%x kind %d align %x", b[:16], kind, b[21:23])
	if (kind == kindArray || kind == kindChan) && len(b) >= typeSize+24 {
		fmt.Fprintf(&s, " %x", b[typeSize:typeSize+24])
	}
	for _, r := range written(d) {
		name := refName(d.Object, r.Sym)
		switch {
		case r.Type&goobj.RWeak != 0 || r.Type == goobj.RMethodOff || r.Off == equalAt || name == d.Object.Name(d.Sym):
			continue
		case r.Type == goobj.RAddrOff && kind != kindInterface:
			continue // names of methods, the package path
		}
		if t, ok := local(d.Object, r.Sym); ok && (d.Object.Hashed(t) || strings.HasPrefix(name, "type:.namedata.")) {
			name = fmt.Sprintf("%x", d.Object.Data(t))
		}
		fmt.Fprintf(&s, " %s+%d", name, r.Add)
	}
	return s.String()
}

func isInterface(d program.Definition) bool {
	b := d.Object.Data(d.Sym)
	return len(b) >= typeSize && b[kindAt]&kindMask == kindInterface
}

// interfaceMethods are the names of an interface type's methods.
func interfaceMethods(d program.Definition) (list []string) {
	for _, r := range written(d) {
		t, ok := local(d.Object, r.Sym)
		if r.Type != goobj.RAddrOff || !ok || !strings.HasPrefix(d.Object.Name(t), "type:.namedata.") {
			continue
		}
		if name, _ := nameOf(d.Object.Data(t)); name != "" {
			list = append(list, name)
		}
	}
	return list
}

// variables finds package variables whose type or initial value changed though their
// own text did not.
func (j *judge) variables(p *pkg) {
	hasNew := len(p.Fresh) > 0 || slices.ContainsFunc(p.Delta.Removed, func(d *source.Decl) bool { return d.Kind == source.Var })
	for _, x := range p.Delta.New.List {
		// The program may have a variable of this name from before it was removed, or of
		// another type.
		if d, ok := p.New.datum(p.prefix + x.Symbol); ok && x.Kind == source.Var && p.Fresh[x] {
			j.res.Data = append(j.res.Data, d)
			if files, ok := fileList(x, d); ok {
				j.res.Data = append(j.res.Data, files)
			}
		}
	}
	for name, now := range p.New.compiled() {
		k := now.Object.Kind(now.Sym)
		before, ok := p.Old.datum(name)
		if !ok || !k.IsVariable() || strings.Contains(name, "..") {
			continue
		}
		d := p.Delta.New.Decls[strings.TrimPrefix(name, p.prefix)]
		if d != nil && (p.Fresh[d] || p.Again[d]) {
			continue
		}
		if p.retyped(d, before, now) {
			j.restart(p, d, "type of the variable changed")
			continue
		}
		if j.embeds(p, name, before, now) {
			continue
		}
		if _, inProgram := j.prog.Variable(name); inProgram && d != nil && !initialValue(before, now) {
			j.say(p, d, Kept, "the initial value changed, "+keptValue)
		}
	}
	// With new variables, or fewer, the package's init function must differ. Else it is
	// the initialization of an existing one that does.
	key := symbolKey{p.prefix + "init", goobj.ABIInternal}
	before, ok1 := p.Old.function(key)
	now, ok2 := p.New.function(key)
	said := slices.ContainsFunc(j.res.Decls, func(d Decl) bool { return d.Kind == "var" && d.ImportPath == p.ImportPath })
	if !hasNew && !said && ok1 && ok2 && !(&comparer{rename: j.renamedInit(p)}).same(before, now) {
		j.res.Decls = append(j.res.Decls, Decl{ImportPath: p.ImportPath, Package: p.name(), Verdict: Kept, Name: p.name(), Reason: "the initialization of its variables changed; the running values stay"})
	}
}

// renamedInit is the renaming of func literals in initializers of variables.
func (j *judge) renamedInit(p *pkg) map[string]string {
	rename := map[string]string{}
	for _, name := range []string{"init", "glob."} {
		o, n := p.Old.family(p.prefix+name), p.New.family(p.prefix+name)
		if o == nil || n == nil {
			continue
		}
		for from, to := range j.literals(p, n, o, name, name).rename {
			rename[from], rename[from+"·f"] = to, to+"·f"
		}
	}
	return rename
}

// initialValue reports whether two versions of a variable begin with the same value.
func initialValue(a, b program.Definition) bool {
	if !bytes.Equal(bytes.TrimRight(a.Object.Data(a.Sym), "\x00"), bytes.TrimRight(b.Object.Data(b.Sym), "\x00")) {
		return false
	}
	ra, rb := written(a), written(b)
	if len(ra) != len(rb) {
		return false
	}
	c := &comparer{}
	for i := range ra {
		an, bn := refName(a.Object, ra[i].Sym), refName(b.Object, rb[i].Sym)
		if made(an) && made(bn) {
			continue // a func literal, perhaps renumbered: it is matched by its syntax
		}
		if ra[i].Off != rb[i].Off || ra[i].Add != rb[i].Add || !c.sameTarget(a.Object, ra[i].Sym, b.Object, rb[i].Sym) {
			return false
		}
	}
	return true
}

// made reports whether a name is that of a func literal's value. What else ends in a
// number, such as the bytes of a []byte ("main..gobytes.1"), is compared.
func made(name string) bool {
	base, ok := strings.CutSuffix(name, "·f")
	_, suffix := splitName(base)
	return ok && isLiteral(suffix)
}

// gotype is the descriptor of the type of a variable, as the object refers to it. The name is
// "" if it is one of another package that no code of this one refers to: objects name by
// number alone what is no target of a relocation.
func gotype(d program.Definition) (name, number string) {
	refs := d.Object.Aux(d.Sym, goobj.AuxGotype, nil)
	if len(refs) == 0 {
		return "", ""
	}
	path, _ := d.Object.Package(refs[0])
	number = fmt.Sprintf("%s#%d", path, refs[0].Idx)
	if name = refName(d.Object, refs[0]); name == number && path != "" { // and not of the compiler's own
		name = ""
	}
	return name, number
}

// dictionaries finds the dictionaries of generic functions whose layout changed, and
// those that refer to them. Code compiled against one must not be given the other, so
// the old function is left to the old callers, and all callers get a new version.
func (j *judge) dictionaries() {
	j.dicts = map[string]bool{}
	for grown := true; grown; {
		grown = false
		for _, p := range j.pkgs {
			for name, now := range p.New.compiled() {
				// (The object marks only those of its own package's functions.)
				if !strings.Contains(name, "..dict.") || j.dicts[name] {
					continue
				}
				before, ok := p.Old.datum(name)
				if ok && j.comparer(nil).same(before, now) && !j.usesChangedDictionary(now) {
					continue
				}
				grown = true
				j.dicts[name] = true
				j.res.Data = append(j.res.Data, now)
				if ok {
					j.dicts[generic(strings.Replace(name, "..dict.", ".", 1))] = true
				}
			}
		}
	}
}

// usesChangedDictionary reports whether d names such a dictionary, or a function that
// takes one.
func (j *judge) usesChangedDictionary(d program.Definition) bool {
	if len(j.dicts) == 0 {
		return false
	}
	return slices.ContainsFunc(written(d), func(r goobj.Reloc) bool {
		name := refName(d.Object, r.Sym)
		base, _ := splitName(name)
		return j.dicts[name] || j.takesChangedDictionary(base)
	})
}

// takesChangedDictionary reports whether a function is the code that instances of a
// generic one share ("main.(*box[go.shape.int]).Get"), whose callers hand it such a
// dictionary. A method takes that of its receiver's type.
func (j *judge) takesChangedDictionary(base string) bool {
	if !strings.Contains(base, "[go.shape.") {
		return false
	}
	name := generic(base)
	recv := name[:max(strings.LastIndexByte(name, '.'), 0)]
	return j.dicts[name] || j.dicts[plain(recv)]
}
