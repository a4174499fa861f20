package change

import (
	"maps"
	"slices"

	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// Ranges are the bodies whose frames the question needs, when the edit is live.
func (q *Question) Ranges() (list []wire.Range) {
	// Whether what came before may run now changes what it may have stored.
	for name := range q.idle {
		q.May(name)
	}
	for addr, v := range q.asked {
		list = append(list, wire.Range{Start: addr, End: addr + uint64(v.def.Object.Size(v.def.Sym))})
	}
	return list
}

// A Stand is a call in progress: of the body at an entry.
type Stand struct {
	Entry, PC uint64
}

// Answer takes the calls in progress; all of them, or some of too many.
func (q *Question) Answer(frames []Stand, all bool) {
	found := map[uint64]bool{}
	for _, f := range frames {
		if v := q.asked[f.Entry]; v != nil {
			found[f.Entry] = true
			q.comes(v, int(f.PC-f.Entry))
		}
	}
	for addr, v := range q.asked {
		if !all {
			v.unknown = true
			found[addr] = true
			q.comes(v, -1)
		}
		if !v.old || !found[addr] {
			delete(q.asked, addr)
		}
	}
	for name := range q.idle {
		if q.Callable(name) {
			delete(q.idle, name)
		}
	}
}

// comes marks what a call that stands at an offset, or anywhere, may come to.
func (q *Question) comes(v *version, pc int) {
	offs := map[string][]int{}
	anywhere := pc < 0 || v.unknown
	for _, t := range v.targets {
		switch {
		case t.kind == refWithin:
			q.ahead[t.name] = true
		case t.kind == refInlined:
		default:
			offs[t.name] = append(offs[t.name], int(t.off))
			// Of a function that calls itself only the innermost frame is told.
			anywhere = anywhere || t.name == v.name
		}
	}
	for name, list := range offs {
		if q.ahead[name] {
			continue
		}
		if !anywhere && v.flow == nil {
			v.flow = flowOf(v.def, q.c.prog)
		}
		q.ahead[name] = anywhere || v.flow.ahead(pc, list)
	}
}

// Callable reports whether anything may still call a function.
func (q *Question) Callable(name string) bool {
	return q.May(name) || slices.ContainsFunc(q.around[name], func(fn string) bool { return q.ahead[fn] })
}

// holders are the functions, and variables ("var main.x"), that have taken the value of one
// that is gone. Whoever takes another one when he is called again leaves the old value where
// he has put it.
func (q *Question) holders(name string) (list []string) {
	for _, by := range q.lost[name] {
		list = append(list, q.rename(by))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Accept makes the answer part of what is known: the edit is live.
func (q *Question) Accept() {
	c := q.c
	c.held, c.idle, c.edited = q.held, q.idle, q.edited
	c.lingering = map[uint64]*version{}
	maps.Copy(c.lingering, q.asked)
}
