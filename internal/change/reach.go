package change

import (
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/program"
)

// reached puts functions that did not change into the patch, too: those through which
// the initializer of a new variable comes to a changed function. It runs before the
// redirects are written, so the program's own version of them would call the old one.
//
// Calls through interfaces and of func values, and those by way of a package that is
// not compiled in the edit, are not seen: package link refuses an edit in which such a
// call may come to former code.
func (j *judge) reached() {
	type node struct {
		p      *pkg
		def    program.Definition
		callee []symbolKey
	}
	seen := map[symbolKey]*node{}
	var order []symbolKey
	var visit func(d program.Definition) []symbolKey
	visit = func(d program.Definition) (callees []symbolKey) {
		for _, r := range written(d) {
			key := symbolKey{strings.TrimSuffix(refName(d.Object, r.Sym), "·f"), goobj.ABIInternal}
			for _, p := range j.pkgs {
				def, ok := p.New.function(key)
				if !ok {
					continue
				}
				callees = append(callees, key)
				if seen[key] == nil {
					n := &node{p: p, def: def}
					seen[key] = n
					order = append(order, key)
					n.callee = visit(def)
				}
				break
			}
		}
		return callees
	}
	for _, p := range j.pkgs {
		if p.Inits == nil {
			continue
		}
		for _, in := range p.Inits.List {
			if def, ok := p.New.function(symbolKey{p.prefix + in.Func, goobj.ABIInternal}); ok && p.runs(in) {
				visit(def)
			}
		}
	}
	changed := map[symbolKey]bool{}
	for _, f := range j.res.Functions {
		if !f.LinesOnly {
			changed[symbolKey{f.Object.Name(f.Sym), f.Object.ABI(f.Sym)}] = true
		}
	}
	for grown := len(changed) > 0; grown; {
		grown = false
		for _, key := range order {
			n := seen[key]
			if changed[key] || !slices.ContainsFunc(n.callee, func(c symbolKey) bool { return changed[c] }) {
				continue
			}
			changed[key], grown = true, true
			if _, has, err := j.prog.Function(key.name, key.abi); j.taken[key] || !has || err != nil {
				continue
			}
			old, _ := n.p.Old.function(key)
			fn := Function{Object: n.def.Object, Sym: n.def.Sym, Replaces: key.name, LinesOnly: true, Old: old, Decl: -1}
			if _, made := splitName(key.name); made != "" && !isLiteral(made) || fn.Old.Object == nil {
				fn.Replaces = "" // bound to the closure that the old code made for it
			}
			j.taken[key] = true
			j.res.Functions = append(j.res.Functions, fn)
		}
	}
}
