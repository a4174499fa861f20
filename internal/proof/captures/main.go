// Command captures edits func literals that capture variables, in a real process:
//
//	go run ./internal/proof/captures             400 pairs
//	go run ./internal/proof/captures -n 0        all there are
//	go run ./internal/proof/captures -run '^deferred/'
//	go run ./internal/proof/captures -v -run '^heap/int->int-written$'
//
// A pair is a place where a closure lives (places.go) and what the literal captures before
// and after the edit: two of the ways of ways.go, or a change around the literal
// (changes.go). A name is place/before->after. How a pair is judged stands in package
// pairs; -show prints sources.
//
// A closure that was made before the edit has the layout of then, and the variables that
// it captured then. New code that reads it with another layout reads a neighbour, or writes
// to it: so a pair has several closures with different values and known objects between.
//
// The last line is "N passed, N failed, N skipped".
package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/realtimefunc/realtimefunc/internal/proof/pairs"
)

func main() { pairs.Main("captures", 400, all) }

// A form is what a place needs to know of a literal and what is around it.
type form struct {
	decls   string // of the package
	imports string
	vars    string // in the enclosing function, before the literal
	body    string // in the literal: sets r
	after   string // in the enclosing function, behind the literal
	above   string // another literal, in front of the one that counts
	number  int    // of the text: it is another one if the literal is edited
}

// all are all pairs, in an order that has a bit of everything in front: each kind of edit
// comes in turn, in places that are chosen at random.
func all(random *rand.Rand) []*pairs.Pair {
	kinds := map[string][]*pairs.Pair{}
	add := func(p *pairs.Pair) { kinds[p.Kinds[1]] = append(kinds[p.Kinds[1]], p) }
	for _, p := range places {
		for _, c := range changes {
			if c.fits(p) {
				add(pair(p, c.name, "around: "+strings.TrimSuffix(c.name, " elsewhere"), c.before, c.after, c.files))
			}
		}
		for _, before := range captures {
			for _, after := range captures {
				if before.fits(p) && after.fits(p) {
					add(wayPair(p, before, after))
				}
			}
		}
	}
	var list []*pairs.Pair
	names := slices.Sorted(maps.Keys(kinds))
	for _, name := range names {
		random.Shuffle(len(kinds[name]), func(i, j int) { kinds[name][i], kinds[name][j] = kinds[name][j], kinds[name][i] })
	}
	for left := true; left; {
		left = false
		for _, name := range names {
			// There are many more pairs of ways than of changes.
			n := 1
			if strings.HasPrefix(name, captured) {
				n = 6
			}
			n = min(n, len(kinds[name]))
			list, kinds[name] = append(list, kinds[name][:n]...), kinds[name][n:]
			left = left || len(kinds[name]) > 0
		}
	}
	return list
}

// wayPair is an edit from one way of capture to another. The variables of both are
// declared before and after: what was captured is the only difference.
func wayPair(p place, before, after way) *pairs.Pair {
	vars := variables(p, before.uses+" "+after.uses)
	old := form{vars: vars, body: before.body, after: before.after, number: 1}
	now := form{vars: vars, body: after.body, after: after.after, number: 2}
	if before.body == after.body && before.name != after.name {
		now.number = 1 // the text of the literal stays
	}
	return pair(p, before.name+"->"+after.name, kindOf(before, after), old, now, [2]map[string]string{})
}

func pair(p place, name, kind string, before, after form, files [2]map[string]string) *pairs.Pair {
	result := &pairs.Pair{
		Name: p.name + "/" + strings.ReplaceAll(name, " ", "-"), Kinds: []string{p.name, kind},
		Before: pairs.Files{"pair.go": source(p, p.release, before)}, After: pairs.Files{"pair.go": source(p, releaseAfter(p), after)},
	}
	for name, text := range files[0] {
		result.Before[name] = text
	}
	for name, text := range files[1] {
		result.After[name] = text
	}
	return result
}

// releaseAfter is the language version of the edited file.
func releaseAfter(p place) int {
	if p.releaseAfter != 0 {
		return p.releaseAfter
	}
	return p.release
}

// source is the file of a pair.
func source(p place, release int, f form) string {
	literal := fmt.Sprintf("func(x int) int {\n%s\nreturn r + x + %d000000\n}", indent(f.body), f.number+1)
	head := ""
	if release != 0 {
		head = fmt.Sprintf("//go:build go1.%d\n\n", release)
	}
	imports := "import (\n\t\"pairs/kit\"\n" + f.imports + p.imports + ")\n\nvar _ = kit.Same[int]\n"
	code := strings.NewReplacer(
		"\tVARS\n", indent(f.vars), "\tABOVE\n", indent(f.above), "\tAFTER\n", indent(f.after), "\tBODY\n", indent(f.body),
		"LIT", literal, "RESULT", fmt.Sprintf("r + x + %d000000", f.number+1),
	).Replace(p.code)
	return head + "package pair\n\n" + imports + "\n" + f.decls + "\n" + code
}

// indent makes lines of a text of statements.
func indent(text string) string {
	if text == "" {
		return ""
	}
	return "\t" + strings.ReplaceAll(text, "\n", "\n\t") + "\n"
}
