package session

import (
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/signature"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// former is the code of former versions that may go on though the source no longer has it:
// no later edit compiles it again.
type former struct {
	held       []string            // functions and func literals whose values may be held
	bodies     map[wire.Range]bool // that calls in progress have gone on with
	references map[string][]string // of functions that nothing redirects: see change.References
}

// quiet are the bodies that must have no call in progress when an edit goes live: those that
// come to a function which keeps more now, or to what is other since a type changed.
func (f *former) quiet(res *change.Result, known bodies) (list []wire.Range, err error) {
	concerned := map[string]bool{}
	for _, name := range res.Worse {
		concerned[name] = true
	}
	note := func(names []string) {
		for _, name := range names {
			concerned[name] = concerned[name] || res.Retyped && res.Other(name)
		}
	}
	for _, names := range f.references {
		note(names)
	}
	for r := range f.bodies {
		note(known[r.Start].references)
	}
	change.ComingTo(concerned, f.references)
	for _, name := range f.held {
		if res.Retyped || concerned[change.FunctionOf(name)] {
			return nil, restartf("an earlier edit has removed %s, which may still be called, and was compiled for what this edit changes", name)
		}
	}
	for r := range f.bodies {
		b, ok := known[r.Start]
		if !ok || slices.ContainsFunc(b.references, func(name string) bool { return concerned[name] }) {
			list = append(list, r)
		}
	}
	return list, nil
}

// remember notes the code that an edit leaves behind; stay are the old bodies that may have
// calls in progress.
func (f *former) remember(res *change.Result, stay []wire.Range, abbrevs signature.Abbrevs) {
	for _, name := range res.FormerHeld {
		f.held = append(f.held, strings.Clone(name))
	}
	for _, d := range leftBehind(res) {
		name := strings.Clone(change.FunctionOf(d.Object.Name(d.Sym)))
		list := append(f.references[name], kept(change.References(d, abbrevs))...)
		slices.Sort(list)
		f.references[name] = slices.Compact(list)
	}
	for _, r := range stay {
		f.bodies[r] = true
	}
}

// leftBehind is the old code that nothing redirects.
func leftBehind(res *change.Result) []program.Definition {
	list := slices.Clone(res.Left)
	for _, g := range res.Gone {
		list = append(list, g.Definition)
	}
	for _, f := range res.Functions {
		if f.Replaces == "" && f.Old.Object != nil {
			list = append(list, f.Old)
		}
	}
	return list
}
