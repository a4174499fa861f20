package change

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// Objects is what a package was compiled to, by names. It is read-only. A package of
// which only an excerpt was compiled again has the functions of that over all else, or, if
// it was an outline, all but the functions that were left out.
type Objects struct {
	layers []*layer        // of excerpts, if there are any, and of the whole package
	all    bool            // the newest has all declarations of the package: it is whole, or an outline
	owns   map[string]bool // the symbols that the newest excerpt has for others
}

// layer is one archive, or what is left of those of excerpts that came one after the other.
type layer struct {
	archive  *goobj.Archive  // the newest
	own      map[string]bool // base names of the functions that it has in place of those below; nil for a whole package
	text     map[symbolKey]program.Definition
	data     map[string]program.Definition
	order    []symbolKey // of text
	families func() ([]*family, map[string]*family)
	refs     *refs // see Callers
}

type symbolKey struct {
	name string
	abi  goobj.ABI
}

// Index reads the names of a whole package.
func Index(a *goobj.Archive) *Objects {
	return &Objects{layers: []*layer{newLayer(a, nil, func(string) bool { return true })}, all: true}
}

// Graft is x with some of its functions, and what the compiler made of these, as an
// excerpt of the package has them; and what is new in that, and what an excerpt has in its
// whole form whatever it is one of: dictionaries, wrappers of method values, and all that has
// no name of the package (descriptors of types, instances of other packages' generic
// functions). The functions, and those that are gone, are given by their linker names without
// type arguments; prefix begins those of the package.
func (x *Objects) Graft(excerpt *goobj.Archive, functions []string, prefix string) *Objects {
	own := setOf(functions)
	foreign := func(name string) bool { return !strings.HasPrefix(name, prefix) }
	l := newLayer(excerpt, own, func(name string) bool {
		return own[baseOf(name)] || !x.known(name) || strings.Contains(name, "..dict.") || strings.HasSuffix(name, methodValue) || foreign(name)
	})
	for key := range l.text {
		if foreign(key.name) {
			own[baseOf(key.name)] = true
		}
	}
	return x.graft(l)
}

// GraftOutline is x with all that an outline of the package was compiled to, but for the
// functions that were cut. Of those that it has, and of what is gone, nothing is left of
// before.
func (x *Objects) GraftOutline(outline *goobj.Archive, own, cut []string) *Objects {
	out := setOf(cut)
	l := newLayer(outline, setOf(own), func(name string) bool { return !out[baseOf(name)] })
	for key := range l.text {
		l.own[baseOf(key.name)] = true
	}
	n := x.graft(l)
	n.all = true
	return n
}

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// graft puts the layer of an excerpt over x. There are two at most.
func (x *Objects) graft(l *layer) *Objects {
	owns := map[string]bool{}
	for key := range l.text {
		owns[key.name] = true
	}
	for name := range l.data {
		owns[name] = true
	}
	if len(x.layers) > 1 {
		l.over(x.layers[0])
	}
	return &Objects{layers: []*layer{l, x.layers[len(x.layers)-1]}, owns: owns}
}

// over puts a layer before an older one: they become one.
func (l *layer) over(old *layer) {
	for _, key := range old.order {
		if _, ok := l.text[key]; !ok && !l.own[baseOf(key.name)] {
			l.text[key] = old.text[key]
			l.order = append(l.order, key)
		}
	}
	for name, d := range old.data {
		if _, ok := l.data[name]; !ok && !l.own[baseOf(name)] {
			l.data[name] = d
		}
	}
	maps.Copy(l.own, old.own)
}

// known reports whether there is a symbol of a name.
func (x *Objects) known(name string) bool {
	for _, l := range x.layers {
		if _, ok := l.data[name]; ok {
			return true
		}
		if _, ok := l.text[symbolKey{name, goobj.ABIInternal}]; ok {
			return true
		}
	}
	return false
}

// Owns are the symbols of which the definition in the newest excerpt is the one that
// counts: its functions, and what is new. All else it has only because these refer to it,
// and not in its whole form.
func (x *Objects) Owns() map[string]bool { return x.owns }

// baseOf is the declared function that a symbol belongs to. The wrapper of a method value is
// made with what takes the value, and belongs to no function.
func baseOf(symbol string) string {
	if strings.HasPrefix(symbol, "type:") || strings.HasPrefix(symbol, "go:") {
		return symbol
	}
	base, made := splitName(strings.TrimSuffix(symbol, "·f"))
	if made == methodValue {
		return symbol
	}
	return base
}

// methodValue is what the wrapper of a method value has behind the name of the method.
const methodValue = "-fm"

func newLayer(a *goobj.Archive, own map[string]bool, take func(name string) bool) *layer {
	l := &layer{archive: a, own: own, text: map[symbolKey]program.Definition{}, data: map[string]program.Definition{}}
	for _, o := range a.Objects {
		for s := goobj.Sym(0); int(s) < o.NumDefs(); s++ {
			name, k := o.Name(s), o.Kind(s)
			if name == "" || o.ABI(s) == goobj.ABIStatic || k.IsDWARF() || o.Hashed(s) && !k.IsText() && o.Flag2(s)&goobj.Flag2Itab == 0 || !take(name) {
				continue
			}
			if k.IsText() {
				key := symbolKey{name, o.ABI(s)}
				l.text[key] = program.Definition{Object: o, Sym: s}
				l.order = append(l.order, key)
			} else {
				l.data[name] = program.Definition{Object: o, Sym: s}
			}
		}
	}
	l.families = sync.OnceValues(l.group)
	return l
}

// Newest is the archive that was compiled last: of the package or of an excerpt.
func (x *Objects) Newest() *goobj.Archive { return x.layers[0].archive }

// Export is the export data of the package.
func (x *Objects) Export() []byte { return x.layers[len(x.layers)-1].archive.Export }

// Archives are those that x was made of, but for excerpts before the newest: these are of
// the past.
func (x *Objects) Archives() (list []*goobj.Archive) {
	for _, l := range x.layers {
		list = append(list, l.archive)
	}
	return list
}

// function finds a function by name and ABI.
func (x *Objects) function(key symbolKey) (program.Definition, bool) {
	for i, l := range x.layers {
		if d, ok := l.text[key]; ok {
			return d, true
		}
		if i+1 < len(x.layers) && l.own[baseOf(key.name)] {
			break // it went with the function it was made for
		}
	}
	return program.Definition{}, false
}

// datum finds what is not a function by name.
func (x *Objects) datum(name string) (program.Definition, bool) {
	for i, l := range x.layers {
		if d, ok := l.data[name]; ok {
			return d, true
		}
		if i+1 < len(x.layers) && l.own[baseOf(name)] {
			break
		}
	}
	return program.Definition{}, false
}

// compiled are the data of the newest layer: all of the package, or what an excerpt brought.
func (x *Objects) compiled() map[string]program.Definition { return x.layers[0].data }

// allData are the names of all data, with their definitions.
func (x *Objects) allData() iter.Seq2[string, program.Definition] {
	return func(yield func(string, program.Definition) bool) {
		for i, l := range x.layers {
			for name, d := range l.data {
				if i > 0 {
					if now, ok := x.datum(name); !ok || now != d {
						continue
					}
				}
				if !yield(name, d) {
					return
				}
			}
		}
	}
}

// Holds reports whether the code makes interface values that are held for a method of such a
// name.
func (x *Objects) Holds(method string) bool {
	for name, d := range x.allData() {
		if strings.HasPrefix(name, "go:itab.") && slices.ContainsFunc(written(d), func(r goobj.Reloc) bool {
			return strings.HasSuffix(refName(d.Object, r.Sym), "."+method)
		}) {
			return true
		}
	}
	return false
}

// sortedData are the names of all data.
func (x *Objects) sortedData() (names []string) {
	for name := range x.allData() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// allFamilies are those of all functions.
func (x *Objects) allFamilies() (list []*family) {
	for i, l := range x.layers {
		families, _ := l.families()
		for _, f := range families {
			if now := x.family(f.base); i == 0 || now == f {
				list = append(list, now)
			}
		}
	}
	return list
}

// family finds one by the linker name of its function. An excerpt may have members of one
// that it has not itself: wrappers of method values.
func (x *Objects) family(base string) *family {
	var f *family
	for i, l := range x.layers {
		_, by := l.families()
		below := by[base]
		own := l.own[base]
		switch {
		case own && below != nil && i+1 < len(x.layers):
			f = below
			key := symbolKey{base + methodValue, goobj.ABIInternal}
			if _, has := f.find(key.name, key.abi); !has {
				if value, ok := x.function(key); ok {
					f = &family{base, append(slices.Clip(f.members), member{key, methodValue, value})}
				}
			}
		case f == nil:
			f = below
		case below != nil:
			f = f.with(below)
		}
		if own {
			break
		}
	}
	return f
}

// with is f with those members of another version of it that it has not.
func (f *family) with(below *family) *family {
	n := &family{f.base, slices.Clip(f.members)}
	for _, m := range below.members {
		if _, has := f.find(m.key.name, m.key.abi); !has {
			n.members = append(n.members, m)
		}
	}
	return n
}

// group makes the families of a layer, in the order of the object.
func (l *layer) group() (list []*family, by map[string]*family) {
	by = map[string]*family{}
	for _, key := range l.order {
		base, made := splitName(key.name)
		f := by[base]
		if f == nil {
			f = &family{base: base}
			by[base] = f
			list = append(list, f)
		}
		f.members = append(f.members, member{key, made, l.text[key]})
	}
	return list, by
}
