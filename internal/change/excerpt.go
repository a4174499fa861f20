package change

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// GraftExcerpt puts what an excerpt of a package was compiled to over what the package was
// before, code and notes; prefix begins the linker names of the package. The error says
// why the excerpt does not stand for the whole: not all that it was told of other
// functions is true, or callers of its own must know more ([*TagsError]).
func GraftExcerpt(old *Objects, before Escape, delta *source.Delta, x *source.Excerpt, compiled *goobj.Archive, said Escape, prefix string) (*Objects, Escape, error) {
	err := x.Holds(func(file string, from, to int) (texts []string) {
		for _, n := range said.Lines(file, from, to) {
			texts = append(texts, n.Text)
		}
		return texts
	})
	if err != nil {
		return nil, nil, err
	}
	after := before.Graft(delta, said, x)
	var tags *TagsError
	for _, f := range x.Functions {
		was := delta.Old.Decls[f.Name]
		if was == nil || was.Kind != f.Kind || f.Generic || x.Spread != nil && x.Spread.Has(f) {
			continue
		}
		if had, has := before.Tags(was), after.Tags(f); !slices.Equal(had, has) {
			if tags == nil {
				tags = &TagsError{Names: map[string]bool{}, text: fmt.Sprintf("%s does something else with its parameters: %q, not %q", f.Name, has, had)}
			}
			tags.Names[methodName(f)] = true
		}
	}
	if tags != nil {
		return nil, nil, tags
	}
	var own, cut []string // what the excerpt has, or what is gone; and what it has not
	for _, d := range slices.Concat(x.Functions, delta.Removed) {
		own = append(own, prefix+d.Symbol)
	}
	if x.Outline == nil {
		if x.Spread != nil {
			own = append(own, wrappers(prefix, x.Spread.Described(), delta.New, old, Index(compiled))...)
		}
		return old.Graft(compiled, own, prefix), after, nil
	}
	for _, f := range x.Outline.Cut {
		cut = append(cut, prefix+f.Symbol)
	}
	now := old.GraftOutline(compiled, own, cut)
	if !variables(delta) && !sameOrder(old, now, prefix) {
		return nil, nil, errors.New("its variables may be initialized in another order")
	}
	return now, after, nil
}

// wrappers are the methods of types that are not declared: those that the compiler makes,
// for pointers and for what is embedded.
func wrappers(prefix string, types map[string]bool, declared *source.Package, versions ...*Objects) (list []string) {
	for _, x := range versions {
		for _, l := range x.layers {
			for key := range l.text {
				name, ok := strings.CutPrefix(key.name, prefix)
				dot := strings.LastIndexByte(name, '.')
				if ok && dot > 0 && types[plain(name[:dot])] && declared.Decls[name] == nil && !strings.HasSuffix(name, methodValue) {
					list = append(list, key.name)
				}
			}
		}
	}
	return list
}

// variables reports whether the initialization of a package must be another one: then what
// it does is judged, and no code of it runs.
func variables(d *source.Delta) bool {
	is := (*source.Decl).IsVar
	return slices.ContainsFunc(d.Added, is) || slices.ContainsFunc(d.Removed, is) ||
		slices.ContainsFunc(d.Changed, func(c source.Change) bool { return c.New.IsVar() && c.What != source.Lines })
}

// sameOrder reports whether the variables of a package are initialized as they were: what
// was cut may have decided the order.
func sameOrder(old, now *Objects, prefix string) bool {
	key := symbolKey{prefix + "init", goobj.ABIInternal}
	a, ok1 := old.function(key)
	b, ok2 := now.function(key)
	return ok1 == ok2 && (!ok1 || (&comparer{}).same(a, b))
}

// A TagsError names functions that do something else with their parameters than before, of
// which not all that names them was in an excerpt.
type TagsError struct {
	Names map[string]bool // without receivers
	text  string
}

func (e *TagsError) Error() string { return e.text }

// Differs says in which function the code of two compilations of a function, with all that
// was made of it, differs; "" if it does not.
func Differs(a, b *Objects, name string) string {
	fa, fb := a.family(name), b.family(name)
	if fa == nil || fb == nil {
		return fmt.Sprintf("%s is missing", name)
	}
	for _, m := range fb.members {
		was, ok := fa.find(m.key.name, m.key.abi)
		switch c := (&comparer{}); {
		case !ok:
			return m.key.name + " is new"
		case !c.same(was.def, m.def):
			return m.key.name + " has other code"
		case !c.sameTables(was.def, m.def):
			return m.key.name + " has other tables"
		case !c.sameLines(was.def, m.def):
			return m.key.name + " has other lines"
		}
	}
	for _, m := range fa.members {
		if _, ok := fb.find(m.key.name, m.key.abi); !ok && m.made != methodValue {
			return m.key.name + " is missing"
		}
	}
	return ""
}

// Names are the linker names of all functions, without those that the compiler made of the
// code in them.
func (x *Objects) Names() (list []string) {
	for _, f := range x.allFamilies() {
		list = append(list, f.base)
	}
	return list
}

// DataDiffer are the names of the data of b that a has not, or has with other content. The
// type of pointers to a type is no content of that, and the value of a function is only there
// if it is taken.
func DataDiffer(a, b *Objects) (list []string) {
	for _, name := range b.sortedData() {
		now, _ := b.datum(name)
		was, ok := a.datum(name)
		_, isType := typeName(name)
		switch {
		case private(now.Object, now.Sym), !ok && strings.HasSuffix(name, "·f"):
		case !ok:
			list = append(list, name)
		case isType && layout(was) == layout(now) && slices.Equal(methodsOf(was), methodsOf(now)):
		case !(&comparer{}).same(was, now):
			list = append(list, name)
		}
	}
	return list
}
