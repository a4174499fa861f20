package change

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// comparer tells whether two symbols of different objects are the same thing.
type comparer struct {
	// rename maps names of the old objects to those of the new ones; names that are not
	// in it stand for themselves.
	rename map[string]string
	worlds *worlds // of what has a name and is not the same; or nil
	busy   map[[2]program.Definition]bool
}

// same compares contents and, by identity, what the relocations refer to.
func (c *comparer) same(a, b program.Definition) bool {
	if a.Object.Size(a.Sym) != b.Object.Size(b.Sym) || a.Object.Kind(a.Sym) != b.Object.Kind(b.Sym) || !bytes.Equal(a.Object.Data(a.Sym), b.Object.Data(b.Sym)) {
		return false
	}
	key := [2]program.Definition{a, b}
	if c.busy[key] {
		return true // in a cycle: what is left decides
	}
	if c.busy == nil {
		c.busy = map[[2]program.Definition]bool{}
	}
	c.busy[key] = true
	defer delete(c.busy, key)
	ra, rb := written(a), written(b)
	if len(ra) != len(rb) {
		return false
	}
	for i := range ra {
		x, y := ra[i], rb[i]
		if x.Off != y.Off || x.Size != y.Size || x.Type != y.Type || x.Add != y.Add || !c.sameTarget(a.Object, x.Sym, b.Object, y.Sym) {
			return false
		}
	}
	return true
}

// written are the relocations that write something, by offset.
func written(d program.Definition) []goobj.Reloc {
	list := d.Object.Relocs(d.Sym, nil)
	n := 0
	for _, r := range list {
		if r.Size != 0 {
			list[n] = r
			n++
		}
	}
	list = list[:n]
	goobj.SortRelocs(list)
	return list
}

func (c *comparer) sameTarget(ao *goobj.Object, a goobj.Ref, bo *goobj.Object, b goobj.Ref) bool {
	if a.IsZero() || b.IsZero() {
		return a.IsZero() && b.IsZero()
	}
	if a.Pkg == goobj.PkgBuiltin || b.Pkg == goobj.PkgBuiltin {
		return a == b
	}
	as, aLocal := local(ao, a)
	bs, bLocal := local(bo, b)
	if aLocal && bLocal {
		ad, bd := program.Definition{Object: ao, Sym: as}, program.Definition{Object: bo, Sym: bs}
		switch {
		case ao.Kind(as).IsText() && bo.Kind(bs).IsText():
			// By name: Go 1.27 stores func literals by their content.
		case ao.Flag2(as)&goobj.Flag2Itab != 0 && bo.Flag2(bs)&goobj.Flag2Itab != 0:
			// By name, though it is stored by its content.
		case ao.Hashed(as) || bo.Hashed(bs):
			// A hash covers the numbers of symbols in their packages, so that another
			// hash may still be the same.
			return ao.Hashed(as) && bo.Hashed(bs) && (c.worlds == nil && bytes.Equal(ao.Hash(as), bo.Hash(bs)) || c.same(ad, bd))
		case private(ao, as) || private(bo, bs):
			return private(ao, as) && private(bo, bs) && c.same(ad, bd)
		}
	}
	an, bn := refName(ao, a), refName(bo, b)
	if n, ok := c.rename[an]; ok {
		an = n
	}
	return an == bn && an != "" && !c.worlds.other(bn)
}

// private reports whether a symbol has no identity of its own: its number may be
// another in each compilation.
func private(o *goobj.Object, s goobj.Sym) bool {
	name := o.Name(s)
	return o.ABI(s) == goobj.ABIStatic || strings.Contains(name, "..typeAssert.") || strings.Contains(name, "..interfaceSwitch.") ||
		strings.Contains(name, "..stmp_") || strings.Contains(name, "..gobytes.")
}

func local(o *goobj.Object, r goobj.Ref) (goobj.Sym, bool) {
	s, ok := o.Local(r)
	return s, ok && int(s) < o.NumDefs()
}

// refName is the linker name that a reference stands for.
func refName(o *goobj.Object, r goobj.Ref) string {
	if s, ok := o.Local(r); ok {
		return o.Name(s)
	}
	if name, ok := o.RefName(r); ok {
		return name
	}
	path, _ := o.Package(r)
	return fmt.Sprintf("%s#%d", path, r.Idx)
}

// sameTables compares what a function's tables say but for lines: stack maps, frame
// sizes and the like.
func (c *comparer) sameTables(a, b program.Definition) bool {
	fa, errA := a.Object.FuncInfo(a.Sym)
	fb, errB := b.Object.FuncInfo(b.Sym)
	if errA != nil || errB != nil || (fa == nil) != (fb == nil) {
		return false
	}
	if fa != nil && (fa.Args != fb.Args || fa.Locals != fb.Locals || fa.ID != fb.ID || fa.Flag != fb.Flag || len(fa.InlTree) != len(fb.InlTree)) {
		return false
	}
	for _, t := range []goobj.AuxType{goobj.AuxPcsp, goobj.AuxPcdata, goobj.AuxFuncdata} {
		if !c.sameAux(a, b, t) {
			return false
		}
	}
	return true
}

// sameLines compares the line tables.
func (c *comparer) sameLines(a, b program.Definition) bool {
	fa, errA := a.Object.FuncInfo(a.Sym)
	fb, errB := b.Object.FuncInfo(b.Sym)
	if errA != nil || errB != nil || (fa == nil) != (fb == nil) {
		return false
	}
	if fa != nil {
		if fa.StartLine != fb.StartLine || len(fa.Files) != len(fb.Files) {
			return false
		}
		for i := range fa.Files {
			if fileName(a.Object, fa.Files[i]) != fileName(b.Object, fb.Files[i]) {
				return false
			}
		}
	}
	return c.sameAux(a, b, goobj.AuxPcline) && c.sameAux(a, b, goobj.AuxPcinline)
}

func fileName(o *goobj.Object, i uint32) string {
	if uint64(i) < uint64(len(o.Files)) {
		return o.Files[i]
	}
	return ""
}

func (c *comparer) sameAux(a, b program.Definition, t goobj.AuxType) bool {
	ra, rb := a.Object.Aux(a.Sym, t, nil), b.Object.Aux(b.Sym, t, nil)
	if len(ra) != len(rb) {
		return false
	}
	for i := range ra {
		x, xok := local(a.Object, ra[i])
		y, yok := local(b.Object, rb[i])
		switch {
		case xok && yok:
			if !c.same(program.Definition{Object: a.Object, Sym: x}, program.Definition{Object: b.Object, Sym: y}) {
				return false
			}
		case !c.sameTarget(a.Object, ra[i], b.Object, rb[i]):
			return false
		}
	}
	return true
}
