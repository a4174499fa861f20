package change

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// worlds are the names that mean one thing to old code and another to new code.
//
// A type whose layout changed is a new type, and so is each that contains it or points
// to it. Code compiled for the one must never see a value of the other. So functions
// that take, return or capture such a type are left to their old callers (see fork),
// everything else gets a new version that uses the new types, and whatever could carry
// a value from one world to the other pins the old one (see pins).
type worlds struct {
	changed map[string]map[string]bool // by type whose own layout differs: the types that reach it, and it
	named   []string                   // the named types among all these
	forks   map[string]*fork           // functions that are left to their old callers, by name
	memo    map[string]bool            // of other
}

// newWorlds finds the types that changed.
func (j *judge) newWorlds() *worlds {
	w := &worlds{changed: map[string]map[string]bool{}, forks: map[string]*fork{}, memo: map[string]bool{}}
	for _, p := range j.pkgs {
		for name, now := range p.New.compiled() {
			typ, ok := typeName(name)
			if !ok || !named(now) {
				continue
			}
			before, ok := j.descriptor(p, name)
			if ok && layout(before) != layout(now) {
				w.changed[typ] = nil
			}
		}
	}
	if len(w.changed) == 0 {
		return w
	}
	users := map[string][]string{} // types that contain or point to a type
	isNamed := map[string]bool{}
	for _, p := range j.pkgs {
		// All else that is new is that of Old.
		for _, data := range []iter.Seq2[string, program.Definition]{p.Old.allData(), maps.All(p.New.compiled())} {
			for name, d := range data {
				typ, ok := typeName(name)
				if !ok {
					continue
				}
				isNamed[typ] = isNamed[typ] || named(d)
				for _, used := range usedTypes(d) {
					users[used] = append(users[used], typ)
				}
			}
		}
	}
	all := map[string]bool{}
	for root := range w.changed {
		reached := map[string]bool{root: true}
		for work := []string{root}; len(work) > 0; {
			t := work[len(work)-1]
			work = work[:len(work)-1]
			if isNamed[t] && !all[t] {
				w.named = append(w.named, t)
			}
			all[t] = true
			for _, u := range users[t] {
				if !reached[u] {
					reached[u] = true
					work = append(work, u)
				}
			}
		}
		w.changed[root] = reached
	}
	slices.Sort(w.named)
	return w
}

// descriptor is that of a type before the edit: the package's, or one that the program
// has from elsewhere.
func (j *judge) descriptor(p *pkg, symbol string) (program.Definition, bool) {
	if d, ok := p.Old.datum(symbol); ok {
		return d, true
	}
	return j.prog.HiddenDefinition(symbol)
}

// typeName is the type whose descriptor a symbol is.
func typeName(symbol string) (string, bool) {
	name, ok := strings.CutPrefix(symbol, "type:")
	return name, ok && !strings.HasPrefix(name, ".")
}

// usedTypes are the types that values of a type contain, point to, take or return. Its
// methods don't count: they are no part of its values.
func usedTypes(d program.Definition) (list []string) {
	for _, r := range written(d) {
		if r.Type&goobj.RWeak != 0 || r.Type == goobj.RMethodOff {
			continue
		}
		if name, ok := typeName(refName(d.Object, r.Sym)); ok {
			list = append(list, name)
		}
	}
	return list
}

// mentions reports whether the linker name of a type, or a name that is made of such,
// holds a type of which there are two.
func (w *worlds) mentions(name string) bool {
	for _, of := range prefixes {
		name = strings.TrimPrefix(name, of)
	}
	return slices.ContainsFunc(w.named, func(t string) bool { return holds(name, t) })
}

// prefixes stand before types in the names of symbols: of itabs, and of what compares and
// hashes values of a type, functions and the func values of them that its descriptor and
// maps refer to.
var prefixes = []string{"go:itab.", "type:.eq.", "type:.hash.", "type:.eqfunc.", "type:.hashfunc."}

// bare are the names of the types of which there are two, without packages.
func (w *worlds) bare() map[string]bool {
	set := map[string]bool{}
	for _, t := range w.named {
		t = generic(t)
		set[t[strings.LastIndexByte(t, '.')+1:]] = true
	}
	return set
}

// root is a type that changed and that the types in name reach.
func (w *worlds) root(name string) string {
	for _, t := range slices.Sorted(maps.Keys(w.changed)) {
		for n := range w.changed[t] {
			if holds(name, n) {
				return t
			}
		}
	}
	return ""
}

// holds reports whether the name of a type stands in text as a whole word.
func holds(text, name string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		start := at + i
		end := start + len(name)
		before, after := text[:start], text[end:]
		if (before == "" || !inPath(before[len(before)-1]) || strings.HasSuffix(before, "...")) && (after == "" || !inIdent(after[0])) {
			return true
		}
		at = start + 1
	}
}

func inIdent(b byte) bool {
	return b == '_' || b >= 0x80 || '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}

// inPath reports whether a name goes on to the left: as an identifier or import path.
func inPath(b byte) bool { return inIdent(b) || strings.IndexByte("./-~+%", b) >= 0 }

// other reports whether a symbol means something else to new code than to old code.
func (w *worlds) other(name string) bool {
	if w == nil || len(w.named) == 0 && len(w.forks) == 0 {
		return false
	}
	is, known := w.memo[name]
	if !known {
		is = w.forks[strings.TrimSuffix(name, "·f")] != nil ||
			(strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "go:itab.") || strings.Contains(name, "..dict.")) && w.mentions(name)
		w.memo[name] = is
	}
	return is
}

// otherName tells of the names in References whether they mean something else now.
func (j *judge) otherName() func(name string) bool {
	forks := map[string]bool{}
	for name := range j.worlds.forks {
		forks[FunctionOf(name)] = true
	}
	return func(name string) bool { return forks[name] || j.worlds.mentions(name) }
}

// uses reports whether a symbol refers to what is other.
func (w *worlds) uses(d program.Definition) bool {
	return slices.ContainsFunc(written(d), func(r goobj.Reloc) bool { return w.other(refName(d.Object, r.Sym)) })
}

// comparer compares code of the two worlds.
func (j *judge) comparer(rename map[string]string) *comparer {
	c := &comparer{rename: rename}
	if len(j.worlds.named) > 0 || len(j.worlds.forks) > 0 {
		c.worlds = j.worlds
	}
	return c
}

// newTypes are the definitions that new code must have in place of the program's:
// descriptors, their functions, and itabs.
func (j *judge) newTypes() {
	for _, root := range slices.Sorted(maps.Keys(j.worlds.changed)) {
		for _, p := range j.pkgs {
			if d := declOfType(p, root); d != nil {
				j.report(p, Decl{Name: d.Name, Kind: "type", Pos: d.Pos})
			}
		}
	}
	if len(j.worlds.named) == 0 {
		return
	}
	seen := map[string]bool{}
	for _, p := range j.pkgs {
		each([]*goobj.Archive{p.New.Newest()}, func(d program.Definition) {
			name := d.Object.Name(d.Sym)
			if !d.Object.Kind(d.Sym).IsText() && !seen[name] && (strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "go:itab.")) && j.worlds.mentions(name) && !strings.HasPrefix(name, "type:.namedata.") {
				seen[name] = true
				j.res.Data = append(j.res.Data, d)
			}
		})
	}
}

// each calls f for all symbols of archives but DWARF's.
func each(archives []*goobj.Archive, f func(program.Definition)) {
	for _, a := range archives {
		for _, o := range a.Objects {
			for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
				if !o.Kind(s).IsDWARF() {
					f(program.Definition{Object: o, Sym: s})
				}
			}
		}
	}
}
