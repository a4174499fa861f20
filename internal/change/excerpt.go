package change

import (
	"fmt"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/source"
)

// GraftExcerpt puts what an excerpt of a package was compiled to over what the package was
// before, code and notes; prefix begins the linker names of the package. The error says
// why the excerpt does not stand for the whole: not all that it was told of other
// functions is true, or callers of its own must know more.
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
	after := before.Graft(delta, said, x.Functions)
	var names []string
	for _, f := range x.Functions {
		names = append(names, prefix+f.Symbol)
		was := delta.Old.Decls[f.Name]
		if was == nil {
			continue
		}
		if had, has := before.Tags(was), after.Tags(f); !slices.Equal(had, has) {
			return nil, nil, fmt.Errorf("%s does something else with its parameters: %q, not %q", f.Name, has, had)
		}
	}
	return old.Graft(compiled, names), after, nil
}

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
