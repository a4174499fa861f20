// Command holders edits types that values exist of, in a real process:
//
//	go run ./internal/proof/holders             500 pairs
//	go run ./internal/proof/holders -n 0        all there are
//	go run ./internal/proof/holders -run '^atomic-value/'
//	go run ./internal/proof/holders -v -run '^any/field-added$'
//
// A pair is a way to hold values of a type T (holders.go, library.go, calls.go), and an edit of T
// (edits.go). A name is holder/edit. How a pair is judged stands in package pairs: what is
// live must answer as the new source, for values that are made now and for those that are
// held since before the edit. -show prints sources.
//
// Holders whose values are gone when a call is over are to be live: a restart is counted as
// a missed chance, with the reason that the tool gives. TestTypeEdits of package change has
// a smaller table, and looks at verdicts alone.
//
// The last line is "N passed, N failed, N skipped".
package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/proof/pairs"
)

func main() { pairs.Main("holders", 500, all) }

// all are all pairs; each edit comes in turn, with holders that are chosen at random.
func all(random *rand.Rand) []*pairs.Pair {
	type ranked struct {
		*pairs.Pair
		rank int
	}
	var list []ranked
	holders := slices.Concat(holders, library, stacks, calls)
	for _, e := range edits {
		fit := slices.DeleteFunc(slices.Clone(holders), func(h holder) bool { return !e.fits(h) })
		random.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
		for i, h := range fit {
			list = append(list, ranked{pair(h, e), i})
		}
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	var all []*pairs.Pair
	for _, r := range list {
		all = append(all, r.Pair)
	}
	return all
}

func pair(h holder, e edit) *pairs.Pair {
	return &pairs.Pair{
		Name:   h.name + "/" + e.name,
		Kinds:  []string{h.name, "edit: " + e.name},
		Before: pairs.Files{"pair.go": source(h, e.before)},
		After:  pairs.Files{"pair.go": source(h, e.after)},
		Live:   h.live,
	}
}

// source is the file of a pair.
func source(h holder, s state) string {
	var imports strings.Builder
	for _, path := range append(strings.Fields(h.imports), "pairs/kit") {
		fmt.Fprintf(&imports, "import %q\n", path)
	}
	code := strings.ReplaceAll(h.code, "NAME", `"PAIR"`)
	if !strings.Contains(code, "func New()") {
		code += "\nfunc New() string { return show(mk(2)) }\n"
	}
	return fmt.Sprintf("package pair\n\n%s\n%s\n\nfunc mk(i int) T { return %s }\n\nfunc show(v T) string { return %s }\n%s", &imports, s.decl, s.mk, s.show, code)
}
