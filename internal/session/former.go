package session

import (
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/change"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// former is the code of former versions that may go on though the source no longer has it:
// no later edit compiles it again.
type former struct {
	held    []string            // functions and func literals whose values may be held
	bodies  map[wire.Range]bool // that calls in progress have gone on with
	callees map[string][]string // of functions that nothing redirects
}

// quiet are the bodies that must have no call in progress when an edit goes live: those of
// all types if one changed, and those that come to a function which keeps more now.
func (f *former) quiet(res *change.Result, known bodies) (list []wire.Range, err error) {
	for _, name := range f.held {
		if res.Retyped || f.comesTo([]string{change.FunctionOf(name)}, res.Worse) {
			return nil, restartf("an earlier edit has removed %s, which may still be called, and was compiled for what this edit changes", name)
		}
	}
	for r := range f.bodies {
		b, ok := known[r.Start]
		if !ok || res.Retyped || f.comesTo(b.callees, res.Worse) {
			list = append(list, r)
		}
	}
	return list, nil
}

// comesTo reports whether one of some functions is, or comes to by code that nothing
// redirects, one of a sorted set.
func (f *former) comesTo(list, set []string) bool {
	if len(set) == 0 {
		return false
	}
	list = slices.Clone(list)
	seen := map[string]bool{}
	for i := 0; i < len(list); i++ {
		if _, found := slices.BinarySearch(set, list[i]); found {
			return true
		}
		if !seen[list[i]] {
			seen[list[i]] = true
			list = append(list, f.callees[list[i]]...)
		}
	}
	return false
}

// remember notes the code that an edit leaves behind: old are the bodies that it replaces or
// leaves to calls in progress, of which some have frames; all: there are no other calls.
func (f *former) remember(res *change.Result, old []wire.Range, frames []wire.Frame, all bool) {
	for _, name := range res.FormerHeld {
		f.held = append(f.held, strings.Clone(name))
	}
	for _, d := range leftBehind(res) {
		name := strings.Clone(change.FunctionOf(d.Object.Name(d.Sym)))
		list := append(f.callees[name], kept(change.Callees(d))...)
		slices.Sort(list)
		f.callees[name] = slices.Compact(list)
	}
	for i, r := range old {
		if !all || slices.ContainsFunc(frames, func(at wire.Frame) bool { return int(at.Range) == i }) {
			f.bodies[r] = true
		}
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
