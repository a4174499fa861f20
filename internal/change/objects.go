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
// which only an excerpt was compiled again has the functions of that over all else.
type Objects struct {
	layers []*layer        // of excerpts, if there are any, and of the whole package
	whole  bool            // there is no other
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
}

type symbolKey struct {
	name string
	abi  goobj.ABI
}

// Index reads the names of a whole package.
func Index(a *goobj.Archive) *Objects {
	return &Objects{layers: []*layer{newLayer(a, nil, func(string) bool { return true })}, whole: true}
}

// Graft is x with some of its functions, and what the compiler made of these, as an
// excerpt of the package has them; and what is new in that. The functions are given by
// their linker names without type arguments.
func (x *Objects) Graft(excerpt *goobj.Archive, functions []string) *Objects {
	own := map[string]bool{}
	for _, name := range functions {
		own[name] = true
	}
	l := newLayer(excerpt, own, func(name string) bool { return own[baseOf(name)] || !x.known(name) })
	owns := map[string]bool{}
	for key := range l.text {
		owns[key.name] = true
	}
	for name := range l.data {
		owns[name] = true
	}
	if !x.whole {
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
			if name == "" || o.ABI(s) == goobj.ABIStatic || k.IsDWARF() || o.Hashed(s) && !k.IsText() || !take(name) {
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

// family finds one by the linker name of its function.
func (x *Objects) family(base string) *family {
	for i, l := range x.layers {
		_, by := l.families()
		f := by[base]
		if !l.own[base] {
			if f == nil {
				continue
			}
			return f
		}
		if value, ok := x.function(symbolKey{base + methodValue, goobj.ABIInternal}); ok && f != nil && i+1 < len(x.layers) {
			f = &family{f.base, append(slices.Clip(f.members), member{symbolKey{base + methodValue, goobj.ABIInternal}, methodValue, value})}
		}
		return f
	}
	return nil
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
